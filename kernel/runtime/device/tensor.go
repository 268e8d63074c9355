package device

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/kernel/runtime/live"
	"odslab/kernel/runtime/resident"
	"odslab/kernel/runtime/snapshot"
	"odslab/odslib/engine"
	"odslab/odslib/engine/record"
)

func init() {
	snapshot.RegisterLongCodec(encodeTensor, decodeTensor)
	live.RegisterCodec(encodeStore, decodeStore)
	live.RegisterCodec(func(*resident.Backend) ([]byte, error) { return nil, errBackend }, func([]byte, *resident.Backend) error { return errBackend })
	live.Held, live.Shared = held, resident.SharedIn
}

// How a tensor is kept, the first byte of its code.
const (
	byValue = 1
	byID    = 2
)

var errBackend = errors.New("a backend belongs to its process")

// mark stands before each id and size in a kept file, so that the kernel learns which arrays the notebook still needs.
const mark = "odslab-array:"

// encodeTensor returns what describes a tensor and, where it is kept by value, its data as they lie.
func encodeTensor(t *tensors.Tensor) (about, data []byte, err error) {
	if !t.Ok() {
		return nil, nil, errors.New("its tensor was finalized or donated")
	}
	e := &record.Enc{}
	if be, err := t.Backend(); err == nil {
		if r, ok := be.(*resident.Backend); ok {
			device, err := t.Device()
			if err != nil {
				return nil, nil, err
			}
			buf, err := t.Buffer(r, device)
			if err != nil {
				return nil, nil, err
			}
			id, err := r.Keep(buf)
			if err != nil {
				return nil, nil, err
			}
			e.Uint(byID)
			e.Str(fmt.Sprintf("%s%s %d;", mark, id, t.ByteSize()))
			return e.B, nil, nil
		}
	}
	e.Uint(byValue)
	record.EncShape(e, t.Shape())
	err = t.ConstBytes(func(b []byte) { data = b })
	return e.B, data, err
}

func decodeTensor(about, data []byte, to *tensors.Tensor) error {
	t, err := readTensor(about, data)
	if err != nil {
		return err
	}
	// Field by field: the lock inside is new and nobody holds it.
	reflect.ValueOf(to).Elem().Set(reflect.ValueOf(t).Elem())
	return nil
}

func readTensor(about, data []byte) (*tensors.Tensor, error) {
	d := &record.Dec{B: about}
	switch d.Uint() {
	case byID:
		ids, _ := held(d.Bytes())
		if d.Err != nil || len(ids) != 1 {
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
		buf, err := r.Get(ids[0])
		if err != nil {
			return nil, err
		}
		return tensors.FromBuffer(buf)
	case byValue:
		shape := record.DecShape(d)
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

var token = regexp.MustCompile(mark + `([0-9A-Z-]+) ([0-9]+);`)

// held lists the ids in a kept file, and how many bytes their arrays have.
func held(file []byte) (ids []string, size int64) {
	for _, m := range token.FindAllSubmatch(file, -1) {
		n, _ := strconv.ParseInt(string(m[2]), 10, 64)
		ids, size = append(ids, string(m[1])), size+n
	}
	return ids, size
}
