package resident

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"

	"odslab/odslib/engine"
	"odslab/odslib/engine/resident/wire"
)

// Builder records the operations of one program.
type Builder struct {
	backend *Backend
	name    string
	rec     wire.Enc  // the whole recording
	sent    int       // how much of it the server has replayed
	open    uint64    // the server's builder; 0: none yet
	values  uint64    // how many there are
	funcs   uint64    // how many there are
	lines   []uintptr // callersDepth program counters for each operation
	main    *Function
	done    bool
	spread  bool // over devices: shapes of buffers differ from the program's
}

// Builder begins a program.
func (b *Backend) Builder(name string) compute.Builder {
	bl := &Builder{backend: b, name: name, funcs: 1}
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
	bl.rec.Uint(uint64(wire.OpNewFunction))
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
		return shapes.Invalid(), fmt.Errorf("resident: %T is no value of this backend", v)
	}
	return x.shape, nil
}

// DistributedSPMD has the program run on n devices.
func (bl *Builder) DistributedSPMD(n int) error {
	return bl.setting(wire.OpSPMD, func(e *wire.Enc) { e.Int(int64(n)) })
}

// DistributedAutoSharding has the program run over meshes of devices.
func (bl *Builder) DistributedAutoSharding(meshes ...compute.Mesh) error {
	return bl.setting(wire.OpAutoSharding, func(e *wire.Enc) { wire.EncListMesh(e, meshes) })
}

// DeviceAssignment names the devices.
func (bl *Builder) DeviceAssignment(devices ...compute.DeviceNum) error {
	return bl.setting(wire.OpDevices, func(e *wire.Enc) { wire.EncListDeviceNum(e, devices) })
}

// setting records what belongs to the builder; the server judges it at once.
func (bl *Builder) setting(op wire.Op, fill func(e *wire.Enc)) error {
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
	bl.sent = min(bl.sent, mark)
}

// ask has the server replay what it has not seen and returns the shapes of the last operation's outputs.
func (bl *Builder) ask() ([]shapes.Shape, error) {
	var out []shapes.Shape
	err := bl.backend.call(wire.Record, func(e *wire.Enc) {
		e.Uint(bl.open)
		e.Str(bl.name)
		e.Bytes(bl.rec.B[bl.sent:])
	}, nil, nil, func(d *wire.Dec) error {
		bl.open = d.Uint()
		if failed := d.Bool(); failed { // the operation is refused, the builder goes on
			bl.sent = len(bl.rec.B)
			return bl.located(failure(d))
		}
		bl.sent = len(bl.rec.B)
		out = make([]shapes.Shape, d.Count())
		for i := range out {
			out[i] = wire.DecShape(d)
		}
		return nil
	})
	return out, err
}

// Compile asks for the program by the hash of its recording; only when the server lacks it, the recording travels.
func (bl *Builder) Compile() (compute.Executable, error) {
	switch {
	case bl.done:
		return nil, errors.New("resident: this program is compiled already")
	case !bl.main.returned:
		return nil, errors.New("resident: the main function has not returned")
	}
	bl.done = true
	hash := sha256.Sum256(bl.rec.B)
	x := &Executable{backend: bl.backend, names: bl.main.names, in: bl.main.params, out: bl.main.out, spread: bl.spread}
	found := false
	read := func(d *wire.Dec) error {
		if found = d.Bool(); found {
			x.program = d.Uint()
		}
		return nil
	}
	err := bl.backend.call(wire.Lookup, func(e *wire.Enc) {
		e.Bytes(hash[:])
		e.Uint(bl.open)
	}, nil, nil, read)
	if err == nil && !found {
		err = bl.backend.call(wire.Compile, func(e *wire.Enc) {
			e.Bytes(hash[:])
			e.Uint(bl.open)
			e.Str(bl.name)
			e.Bytes(bl.rec.B[bl.sent:])
		}, nil, nil, read)
	}
	if err != nil {
		return nil, bl.located(err)
	}
	return x, nil
}

// callersDepth is how far the line that made an operation may lie above it: layers of the array library and of ours.
const callersDepth = 24

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

// located adds the line of the user's program that made the operation which the server refuses.
func (bl *Builder) located(err error) error {
	var f *refusal
	if !errors.As(err, &f) || f.Op < 0 || (f.Op+1)*callersDepth > len(bl.lines) {
		return err
	}
	where := engine.UserLine(bl.lines[f.Op*callersDepth : (f.Op+1)*callersDepth])
	if where == "" {
		return err
	}
	return &engine.Error{Where: where, Msg: f.Msg, Cause: f}
}
