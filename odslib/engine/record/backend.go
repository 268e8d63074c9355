package record

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// Backend is an engine of this process that compiles no program twice: what it is to build is recorded, and built only
// where the cache has nothing under the recording's hash.
type Backend struct {
	compute.Backend // the engine itself
	Cache           *Cache

	caps   compute.Capabilities
	locate func(err *OpError, stack []uintptr) error
}

// NewBackend makes one of an engine. locate is what [Player] asks for.
func NewBackend(engine compute.Backend, c *Cache, locate func(err *OpError, stack []uintptr) error) *Backend {
	return &Backend{Backend: engine, Cache: c, caps: engine.Capabilities(), locate: locate}
}

// Builder begins a program.
func (b *Backend) Builder(name string) compute.Builder {
	return NewBuilder(name, b.caps, &local{backend: b, name: name})
}

// BufferFromFlatData copies an array to a device.
func (b *Backend) BufferFromFlatData(device compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	buf, err := b.Backend.BufferFromFlatData(device, flat, shape)
	return b.buffer(buf, err)
}

// NewSharedBuffer is a buffer that Go code may read and write.
func (b *Backend) NewSharedBuffer(device compute.DeviceNum, shape shapes.Shape) (compute.Buffer, any, error) {
	buf, flat, err := b.Backend.NewSharedBuffer(device, shape)
	if buf, err = b.buffer(buf, err); err != nil {
		return nil, nil, err
	}
	return buf, flat, nil
}

// Buffer is a buffer of the engine. That it belongs to the [Backend] is what the array library wants to hear.
type Buffer struct {
	compute.Buffer
	backend *Backend
}

func (b *Backend) buffer(buf compute.Buffer, err error) (compute.Buffer, error) {
	if err != nil {
		return nil, err
	}
	return &Buffer{buf, b}, nil
}

// Backend is the backend that the buffer belongs to.
func (buf *Buffer) Backend() compute.Backend { return buf.backend }

// CopyToDevice makes a copy on another device.
func (buf *Buffer) CopyToDevice(to compute.DeviceNum) (compute.Buffer, error) {
	out, err := buf.Buffer.CopyToDevice(to)
	return buf.backend.buffer(out, err)
}

// local plays one recording in this process.
type local struct {
	backend *Backend
	name    string
	replay  *Replay // nil: nothing has been played
}

func (p *local) play(piece []byte) error {
	if p.replay == nil {
		p.replay = NewReplay(p.backend.Backend, p.name)
	}
	return p.replay.Play(piece)
}

// Play implements Player.
func (p *local) Play(piece []byte) ([]shapes.Shape, error) {
	if err := p.play(piece); err != nil {
		return nil, err
	}
	return p.replay.Shapes()
}

// Compile implements Player.
func (p *local) Compile(r Recording) (compute.Executable, Made, error) {
	hold, made, err := p.backend.Cache.Make(r.Hash, r.Outline, func() (compute.Executable, error) {
		if err := p.play(r.Piece); err != nil {
			return nil, err
		}
		return p.replay.Compile()
	})
	if err != nil {
		return nil, made, err
	}
	x := &executable{backend: p.backend, hold: hold}
	x.lost = runtime.AddCleanup(x, (*Hold).Release, hold)
	return x, made, nil
}

// Locate implements Player.
func (p *local) Locate(err *OpError, stack []uintptr) error { return p.backend.locate(err, stack) }

// executable is a hold on a program, until it is finalized or nobody has it any more.
type executable struct {
	backend *Backend
	hold    *Hold
	lost    runtime.Cleanup
	once    sync.Once
}

// Finalize gives the program up; the cache keeps it.
func (x *executable) Finalize() {
	x.once.Do(func() {
		x.lost.Stop()
		x.hold.Release()
		x.hold = nil
	})
}

var errFinalized = errors.New("record: this program is finalized")

// Inputs are the names and shapes of the parameters.
func (x *executable) Inputs() ([]string, []shapes.Shape) { return x.hold.Inputs() }

// Outputs are the shapes of the results.
func (x *executable) Outputs() []shapes.Shape { return x.hold.Outputs() }

// Execute runs the program.
func (x *executable) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	if x.hold == nil {
		return nil, errFinalized
	}
	own := make([]compute.Buffer, len(inputs))
	for i, in := range inputs {
		buf, ok := in.(*Buffer)
		if !ok || buf.backend != x.backend {
			return nil, fmt.Errorf("record: input %d is a %T of another backend", i, in)
		}
		own[i] = buf.Buffer
	}
	out, err := x.hold.Execute(own, donate, device)
	runtime.KeepAlive(x)
	if err != nil {
		return nil, err
	}
	for i, buf := range out {
		out[i] = &Buffer{buf, x.backend}
	}
	return out, nil
}
