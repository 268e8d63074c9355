package device

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib/engine"
	"odslab/odslib/engine/resident"
	"odslab/odslib/engine/resident/wire"
	"odslab/odslib/session/live"
)

func init() {
	live.RegisterCodec(encodeTensor, decodeTensor)
	live.RegisterCodec(encodeStore, decodeStore)
	live.Held = held
}

// How a tensor is kept, the first byte of its code.
const (
	byValue = 1
	byID    = 2
)

// mark stands before each id in a kept file, so that the kernel learns which arrays the notebook still needs.
const mark = "odslab-array:"

func encodeTensor(t *tensors.Tensor) ([]byte, error) {
	if !t.Ok() {
		return nil, errors.New("its tensor was finalized or donated")
	}
	e := &wire.Enc{}
	if be, err := t.Backend(); err == nil {
		if r, ok := be.(*resident.Backend); ok {
			device, err := t.Device()
			if err != nil {
				return nil, err
			}
			buf, err := t.Buffer(r, device)
			if err != nil {
				return nil, err
			}
			id, err := r.Keep(buf)
			if err != nil {
				return nil, err
			}
			e.Uint(byID)
			e.Str(mark + id)
			return e.B, nil
		}
	}
	e.Uint(byValue)
	wire.EncShape(e, t.Shape())
	err := t.ConstBytes(func(data []byte) { e.Bytes(data) })
	return e.B, err
}

func decodeTensor(b []byte, to *tensors.Tensor) error {
	t, err := readTensor(&wire.Dec{B: b})
	if err != nil {
		return err
	}
	// Field by field: the lock inside is new and nobody holds it.
	reflect.ValueOf(to).Elem().Set(reflect.ValueOf(t).Elem())
	return nil
}

func readTensor(d *wire.Dec) (*tensors.Tensor, error) {
	switch d.Uint() {
	case byID:
		id, ok := bytes.CutPrefix(d.Bytes(), []byte(mark))
		if d.Err != nil || !ok {
			return nil, errDamaged
		}
		e, err := engine.Open()
		if err != nil {
			return nil, err
		}
		r, ok := e.Backend.(*resident.Backend)
		if !ok {
			return nil, fmt.Errorf("it is in a resident process, and this cell runs on %s", e.Why)
		}
		buf, err := r.Get(string(id))
		if err != nil {
			return nil, err
		}
		return tensors.FromBuffer(buf)
	case byValue:
		shape, data := wire.DecShape(d), d.Bytes()
		if d.Err != nil || !shape.Ok() || shape.ByteSize() != int64(len(data)) {
			return nil, errDamaged
		}
		return fromBytes(shape, data)
	}
	return nil, errDamaged
}

var errDamaged = errors.New("what is kept of it is damaged")

func fromBytes(shape shapes.Shape, data []byte) (*tensors.Tensor, error) {
	t := tensors.FromShape(shape)
	if len(data) == 0 {
		return t, nil
	}
	err := t.MutableFlatData(func(flat any) { copy(dtypes.UnsafeByteSliceFromAny(flat), data) })
	return t, err
}

// held lists the ids in a kept file.
func held(data []byte) (ids []string) {
	for {
		i := bytes.Index(data, []byte(mark))
		if i < 0 {
			return ids
		}
		data = data[i+len(mark):]
		n := 0
		for n < len(data) && isID(data[n]) {
			n++
		}
		if n > 0 {
			ids = append(ids, string(data[:n]))
		}
	}
}

func isID(c byte) bool {
	return c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z'
}
