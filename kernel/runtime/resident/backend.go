package resident

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/runtime/wire"
	"odslab/odslib/engine"
	"odslab/odslib/engine/record"
)

// Name of the backend, as GoMLX knows it.
const Name = "resident"

func init() {
	here := os.Getenv(contract.EnvResident)
	compute.Register(Name, func(socket string) (compute.Backend, error) { return Open(cmp.Or(socket, here)) })
	if here == "" {
		return
	}
	compute.DefaultConfig = Name
	engine.OpenResident = func() (compute.Backend, string, error) {
		b, err := Open(here)
		if err != nil {
			return nil, "", err
		}
		return b, b.engine, nil
	}
}

// Backend is one process's side of a resident process.
type Backend struct {
	socket      string
	lease       uint64
	engine      string // the engine of the resident process, "xla-cpu"
	description string
	devices     []string
	caps        compute.Capabilities
	watch       *wire.Conn // its end is the end of the lease

	fresh atomic.Int64 // bytes of buffers since the last collection

	mu        sync.Mutex
	pool      []*wire.Conn
	dropped   []uint64 // handles that the server has not heard of
	finalized bool
	places    places
}

var (
	openMu sync.Mutex
	opened = map[string]*Backend{}
)

// Open connects to the resident process at a socket. There is one Backend for a socket, however often it is called: a
// tensor belongs to a Backend.
func Open(socket string) (*Backend, error) {
	openMu.Lock()
	defer openMu.Unlock()
	if b := opened[socket]; b != nil && !b.IsFinalized() {
		return b, nil
	}
	watch, err := dial(socket)
	if err != nil {
		return nil, err
	}
	b := &Backend{socket: socket, watch: watch}
	e := &record.Enc{}
	e.Str(contract.Fingerprint)
	e.Str(fmt.Sprint(os.Getpid()))
	if err := exchange(watch, contract.AskHello, e.B, nil, nil, b.greeted); err != nil {
		watch.Close()
		return nil, err
	}
	opened[socket] = b
	return b, nil
}

func (b *Backend) greeted(d *record.Dec) error {
	b.lease = d.Uint()
	b.engine, b.description = d.Str(), d.Str()
	for range d.Count() {
		b.devices = append(b.devices, d.Str())
	}
	b.caps = compute.Capabilities{Operations: map[compute.OpType]bool{}, DTypes: map[dtypes.DType]bool{}}
	b.caps.Functions, b.caps.DynamicAxes, b.caps.PreferConstantsForVariables = d.Bool(), d.Bool(), d.Bool()
	for range d.Count() {
		b.caps.Operations[compute.OpType(d.Int())] = true
	}
	for range d.Count() {
		b.caps.DTypes[dtypes.DType(d.Int())] = true
	}
	return nil
}

// Name is "resident".
func (b *Backend) Name() string { return Name }

// String is the name.
func (b *Backend) String() string { return Name }

// Description says what the resident process runs on.
func (b *Backend) Description() string { return "resident process: " + b.description }

// NumDevices is how many devices it has.
func (b *Backend) NumDevices() int { return len(b.devices) }

// DeviceDescription describes one.
func (b *Backend) DeviceDescription(n compute.DeviceNum) string {
	if n < 0 || int(n) >= len(b.devices) {
		return "no such device"
	}
	return b.devices[n]
}

// Capabilities are those of the resident process's backend.
func (b *Backend) Capabilities() compute.Capabilities { return b.caps }

// IsFinalized reports whether Finalize was called.
func (b *Backend) IsFinalized() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.finalized
}

// Finalize ends the lease: all buffers that are not kept are given up.
func (b *Backend) Finalize() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.finalized {
		return
	}
	b.finalized = true
	for _, c := range b.pool {
		c.Close()
	}
	b.watch.Close()
}

var errFinalized = errors.New("resident: the backend is finalized")
