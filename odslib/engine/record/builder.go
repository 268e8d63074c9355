package record

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// Player plays a recording on an engine: with a [Replay], or by sending it to a process that has one. Each recording has a
// player of its own.
type Player interface {
	// Play applies the next piece of the recording and returns the shapes of its last operation's outputs. An [OpError] is
	// the engine's refusal of that operation; what came before it stands.
	Play(piece []byte) ([]shapes.Shape, error)

	// Compile finds or compiles the program of the recording.
	Compile(r Recording) (compute.Executable, Made, error)

	// Locate adds to an error the line of the user's program that made the operation refused; the stack is one of
	// runtime.Callers.
	Locate(err *OpError, stack []uintptr) error
}

// Signature says what a program takes and gives.
type Signature struct {
	Names   []string // of the parameters
	In, Out []shapes.Shape
	Spread  bool // over devices: shapes of buffers differ from the program's
}

// Builder records the operations of one program.
type Builder struct {
	name     string
	caps     compute.Capabilities
	player   Player
	rec      Enc       // the whole recording
	played   int       // how much of it the player has
	values   uint64    // how many there are
	funcs    uint64    // how many there are
	lines    []uintptr // callersDepth program counters for each operation
	literals []literal
	main     *Function
	done     bool
	spread   bool
}

// NewBuilder begins a program for an engine with these capabilities.
func NewBuilder(name string, caps compute.Capabilities, player Player) *Builder {
	bl := &Builder{name: name, caps: caps, player: player, funcs: 1}
	bl.rec.Owner = bl
	bl.main = &Function{builder: bl, name: compute.MainName}
	return bl
}

// Name is the program's name.
func (bl *Builder) Name() string { return bl.name }

// Main is the function that the program runs.
func (bl *Builder) Main() compute.Function { return bl.main }

// NewFunction begins a function that others call.
func (bl *Builder) NewFunction(name string) (compute.Function, error) {
	bl.rec.Uint(uint64(OpNewFunction))
	bl.rec.Str(name)
	return bl.function(name, nil), nil
}

func (bl *Builder) function(name string, parent *Function) *Function {
	f := &Function{builder: bl, number: bl.funcs, name: name, parent: parent}
	bl.funcs++
	return f
}

// OpShape is the shape of a value.
func (bl *Builder) OpShape(v compute.Value) (shapes.Shape, error) {
	x, ok := v.(*Value)
	if !ok || x == nil {
		return shapes.Invalid(), fmt.Errorf("record: %T is no value of this backend", v)
	}
	return x.shape, nil
}

// DistributedSPMD has the program run on n devices.
func (bl *Builder) DistributedSPMD(n int) error {
	return bl.setting(OpSPMD, func(e *Enc) { e.Int(int64(n)) })
}

// DistributedAutoSharding has the program run over meshes of devices.
func (bl *Builder) DistributedAutoSharding(meshes ...compute.Mesh) error {
	return bl.setting(OpAutoSharding, func(e *Enc) { EncListMesh(e, meshes) })
}

// DeviceAssignment names the devices.
func (bl *Builder) DeviceAssignment(devices ...compute.DeviceNum) error {
	return bl.setting(OpDevices, func(e *Enc) { EncListDeviceNum(e, devices) })
}

// setting records what belongs to the builder; the engine judges it at once.
func (bl *Builder) setting(op Op, fill func(e *Enc)) error {
	bl.spread = true
	mark := len(bl.rec.B)
	bl.rec.Uint(uint64(op))
	fill(&bl.rec)
	_, err := bl.ask()
	if err != nil {
		bl.takeBack(mark)
	}
	return err
}

func (bl *Builder) takeBack(mark int) {
	bl.rec.B, bl.rec.Err = bl.rec.B[:mark], nil
	for n := len(bl.rec.uses); n > 0 && bl.rec.uses[n-1].from >= mark; n-- {
		bl.rec.uses = bl.rec.uses[:n-1]
	}
	bl.played = min(bl.played, mark)
}

// ask has the engine judge what it has not seen and returns the shapes of the last operation's outputs.
func (bl *Builder) ask() ([]shapes.Shape, error) {
	out, err := bl.player.Play(bl.rec.B[bl.played:])
	if refused := (*OpError)(nil); err == nil || errors.As(err, &refused) { // a refused operation is taken back, the builder goes on
		bl.played = len(bl.rec.B)
	}
	return out, bl.located(err)
}

// Compile has the player make the program.
func (bl *Builder) Compile() (compute.Executable, error) {
	switch {
	case bl.done:
		return nil, errors.New("record: this program is compiled already")
	case !bl.main.returned:
		return nil, errors.New("record: the main function has not returned")
	}
	bl.done = true
	x, made, err := bl.player.Compile(Recording{
		Hash:      sha256.Sum256(bl.rec.B),
		Piece:     bl.rec.B[bl.played:],
		Signature: Signature{bl.main.names, bl.main.params, bl.main.out, bl.spread},
		of:        bl,
	})
	if err != nil {
		return nil, bl.located(err)
	}
	count(made)
	return &Program{Executable: x, Again: bl.again(made)}, nil
}

// callersDepth is how far the line that made an operation may lie above it: layers of the array library and of ours.
const callersDepth = 16

// note remembers who made the next operation.
func (bl *Builder) note() {
	n := len(bl.lines)
	if cap(bl.lines) < n+callersDepth {
		bl.lines = append(make([]uintptr, 0, max(2*cap(bl.lines), 64*callersDepth)), bl.lines...)
	}
	bl.lines = bl.lines[:n+callersDepth]
	clear(bl.lines[n:])
	runtime.Callers(4, bl.lines[n:])
}

// located adds the line of the user's program that made the operation which the engine refuses.
func (bl *Builder) located(err error) error {
	var refused *OpError
	if !errors.As(err, &refused) || refused.Op < 0 || (refused.Op+1)*callersDepth > len(bl.lines) {
		return err
	}
	return bl.player.Locate(refused, bl.stack(refused.Op))
}

// stack is who made an operation.
func (bl *Builder) stack(op int) []uintptr { return bl.lines[op*callersDepth : (op+1)*callersDepth] }
