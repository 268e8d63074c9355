package resident

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/runtime/wire"
	"odslab/odslib/engine/record"
)

// Buffer is a handle on an array that the resident process holds.
type Buffer struct {
	backend *Backend
	handle  uint64
	shape   shapes.Shape
	device  compute.DeviceNum
	cleanup runtime.Cleanup
	gone    bool   // finalized or donated
	id      string // under which it is kept
}

// collectAfter is how many bytes of new buffers make Go look for lost handles: its collector sees a few words where the
// resident process holds an array.
const collectAfter = 256 << 20

func (b *Backend) buffer(handle uint64, s shapes.Shape, device compute.DeviceNum) *Buffer {
	if b.fresh.Add(int64(s.ByteSize())) > collectAfter {
		b.fresh.Store(0)
		runtime.GC()
	}
	buf := &Buffer{backend: b, handle: handle, shape: s, device: device}
	buf.cleanup = runtime.AddCleanup(buf, b.drop, handle)
	return buf
}

// Backend is the backend that the buffer belongs to.
func (buf *Buffer) Backend() compute.Backend { return buf.backend }

// Finalize gives the array up; the resident process hears of it with the next request.
func (buf *Buffer) Finalize() error {
	if !buf.gone {
		buf.leave()
		buf.backend.drop(buf.handle)
	}
	return nil
}

// leave makes the handle useless; the array is no longer ours.
func (buf *Buffer) leave() {
	buf.gone = true
	buf.cleanup.Stop()
}

// Shape is the array's shape.
func (buf *Buffer) Shape() (shapes.Shape, error) { return buf.shape, nil }

// DeviceNum is the device that holds the array.
func (buf *Buffer) DeviceNum() (compute.DeviceNum, error) { return buf.device, nil }

// Data is not there: the array is in another process.
func (buf *Buffer) Data() (any, error) { return nil, compute.ErrNotImplemented }

var errGone = errors.New("this array was finalized or donated")

// CopyToDevice makes a copy on another device.
func (buf *Buffer) CopyToDevice(to compute.DeviceNum) (compute.Buffer, error) {
	if buf.gone {
		return nil, errGone
	}
	var out compute.Buffer
	err := buf.backend.call(contract.AskCopyDevice, func(e *record.Enc) {
		e.Uint(buf.handle)
		e.Int(int64(to))
	}, nil, nil, func(d *record.Dec) error {
		out = buf.backend.buffer(d.Uint(), buf.shape, to)
		return nil
	})
	runtime.KeepAlive(buf)
	return out, err
}

// ToFlatData copies the array into flat, a slice of its values.
func (buf *Buffer) ToFlatData(flat any) error { return buf.toHost(flat, nil) }

// toHost shares the buffer as well, where shared is to be told its sum.
func (buf *Buffer) toHost(flat any, shared func(wire.Sum)) error {
	if buf.gone {
		return errGone
	}
	if buf.shape.IsZeroSize() {
		return nil
	}
	dst := dtypes.UnsafeByteSliceFromAny(flat)
	if uint64(len(dst)) != uint64(buf.shape.ByteSize()) {
		return fmt.Errorf("resident: %d bytes for an array %s", len(dst), buf.shape)
	}
	err := buf.backend.call(contract.AskToHost, func(e *record.Enc) {
		e.Uint(buf.handle)
		e.Bool(shared != nil)
	}, nil, dst, func(d *record.Dec) error {
		if shared != nil {
			shared(wire.DecSum(d))
		}
		return nil
	})
	runtime.KeepAlive(buf)
	return err
}

// BufferFromFlatData copies an array to a device.
func (b *Backend) BufferFromFlatData(device compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	return b.fromHost(device, flat, shape, false)
}

func (b *Backend) fromHost(device compute.DeviceNum, flat any, shape shapes.Shape, share bool) (compute.Buffer, error) {
	var src []byte
	if !shape.IsZeroSize() {
		src = dtypes.UnsafeByteSliceFromAny(flat)
	}
	if uint64(len(src)) != uint64(shape.ByteSize()) || shape.DType.IsPacked() {
		return nil, fmt.Errorf("resident: %d bytes for an array %s", len(src), shape)
	}
	var out compute.Buffer
	err := b.call(contract.AskFromHost, func(e *record.Enc) {
		e.Int(int64(device))
		record.EncShape(e, shape)
		e.Bool(share)
	}, src, nil, func(d *record.Dec) error {
		out = b.buffer(d.Uint(), shape, device)
		return nil
	})
	runtime.KeepAlive(flat)
	return out, err
}

// HasSharedBuffers is false: nothing is shared between processes.
func (b *Backend) HasSharedBuffers() bool { return false }

// NewSharedBuffer is not there.
func (b *Backend) NewSharedBuffer(compute.DeviceNum, shapes.Shape) (compute.Buffer, any, error) {
	return nil, nil, compute.ErrNotImplemented
}
