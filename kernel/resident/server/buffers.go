package server

import (
	"container/list"
	"fmt"
	"runtime"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"odslab/kernel/runtime/wire"
	"odslab/odslib/engine/record"
)

// entry is a buffer and how many hold it: handles, ids, executions at work.
type entry struct {
	buffer  compute.Buffer
	shape   shapes.Shape
	device  compute.DeviceNum
	holders int
	id      string        // under which it is kept
	sum     wire.Sum      // under which it is shared
	place   *list.Element // among the shared ones; nil: it is none
}

// release gives one hold up; the caller has the lock.
func (s *Server) release(e *entry) {
	if e.holders--; e.holders > 0 {
		return
	}
	s.forget(e)
	e.buffer.Finalize()
}

// forget takes a buffer out of the books; the caller has the lock.
func (s *Server) forget(e *entry) {
	s.live--
	s.bytes -= int64(e.shape.ByteSize())
}

// add gives the client a handle on a new buffer; the caller has the lock.
func (s *Server) add(l *lease, b compute.Buffer, shape shapes.Shape, device compute.DeviceNum) uint64 {
	e := &entry{buffer: b, shape: shape, device: device, holders: 1}
	s.live++
	s.bytes += int64(shape.ByteSize())
	return s.hand(l, e)
}

// hand gives the client a handle on a buffer, whose hold passes to it; the caller has the lock.
func (s *Server) hand(l *lease, e *entry) uint64 {
	if l.ended { // its process ended while we computed
		s.release(e)
		return 0
	}
	h := s.id()
	l.buffers[h] = e
	return h
}

// room refuses what would exceed the quota.
func (s *Server) room(more int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.options.Bytes
	if limit > 0 && s.bytes+more > limit && !s.yield(s.bytes+more-limit) {
		return fmt.Errorf("the resident process holds %s of arrays and may hold %s, %s more do not fit: drop variables (%%who, %%drop) or free tensors",
			size(s.bytes), size(limit), size(more))
	}
	return nil
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d B", n)
}

// take holds the buffer of a handle; done gives it up.
func (k *connection) take(handle uint64) (e *entry, done func(), err error) {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	e = k.l.buffers[handle]
	if e == nil {
		return nil, nil, fmt.Errorf("no buffer %d", handle)
	}
	e.holders++
	return e, func() {
		k.s.mu.Lock()
		k.s.release(e)
		k.s.mu.Unlock()
	}, nil
}

func (k *connection) fromHost(d *record.Dec, out *record.Enc) error {
	device := compute.DeviceNum(d.Int())
	shape, share := record.DecShape(d), d.Bool()
	if d.Err != nil {
		return d.Err
	}
	if k.full != nil {
		return k.full
	}
	flat := k.flat
	if flat == nil {
		if !shape.Ok() || !shape.IsZeroSize() {
			return fmt.Errorf("%w: an array %s without data", record.ErrCode, shape)
		}
		flat = dtypes.MakeAnySlice(shape.DType, 0)
	}
	b, err := k.s.backend.BufferFromFlatData(device, flat, shape)
	runtime.KeepAlive(flat)
	if err != nil {
		return err
	}
	var sum wire.Sum
	if share {
		sum = wire.SumOf(device, shape, dataOf(flat, shape))
	}
	s := k.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Received += int64(shape.ByteSize())
	h := s.add(k.l, b, shape, device)
	if e := k.l.buffers[h]; share && e != nil {
		k.l.buffers[h] = s.share(e, sum)
	}
	out.Uint(h)
	return nil
}

func (k *connection) toHost(d *record.Dec, out *record.Enc) ([]byte, error) {
	handle, share := d.Uint(), d.Bool()
	if d.Err != nil {
		return nil, d.Err
	}
	e, done, err := k.take(handle)
	if err != nil {
		return nil, err
	}
	defer done()
	data, err := bytesOf(e.buffer, e.shape)
	if err != nil || !share {
		return data, err
	}
	sum := wire.SumOf(e.device, e.shape, data)
	k.s.mu.Lock()
	e.holders++ // share gives up one of ours, if another buffer has the same name
	k.s.release(k.s.share(e, sum))
	k.s.mu.Unlock()
	sum.Enc(out)
	return data, nil
}

// bytesOf copies a buffer to the host.
func bytesOf(b compute.Buffer, shape shapes.Shape) ([]byte, error) {
	if shape.IsZeroSize() {
		return nil, nil
	}
	flat := dtypes.MakeAnySlice(shape.DType, shape.Size())
	if err := b.ToFlatData(flat); err != nil {
		return nil, err
	}
	return dataOf(flat, shape), nil
}

// dataOf are the bytes of flat.
func dataOf(flat any, shape shapes.Shape) []byte {
	if shape.IsZeroSize() {
		return nil
	}
	return dtypes.UnsafeByteSliceFromAny(flat)
}

func (k *connection) copyDevice(d *record.Dec, out *record.Enc) error {
	e, done, err := k.take(d.Uint())
	if err != nil {
		return err
	}
	defer done()
	to := compute.DeviceNum(d.Int())
	b, err := e.buffer.CopyToDevice(to)
	if err != nil {
		return err
	}
	k.s.mu.Lock()
	out.Uint(k.s.add(k.l, b, e.shape, to))
	k.s.mu.Unlock()
	return nil
}
