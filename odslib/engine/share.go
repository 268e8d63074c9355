package engine

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
)

// Sharer is a backend that has arrays by what is in them and holds them longer than this process lives: the weights of a
// prior, the samples of a Result go to the device once for a notebook, however many programs and cells read them.
type Sharer interface {
	// Share returns a buffer for each of the arrays, which nobody may change.
	Share(arrays []Array) ([]compute.Buffer, error)
	// ToShared copies a float32 buffer to the host; Share of the same data finds the buffer afterwards.
	ToShared(buf compute.Buffer, data []float32) error
}

// Tensors returns the arrays on the device, to be read by programs.
func (e *Engine) Tensors(arrays ...Array) ([]*tensors.Tensor, error) {
	for _, a := range arrays {
		if n := size(a.Shape); n != len(a.Data) {
			return nil, fmt.Errorf("engine: an array of shape %v has %d values, not %d; NewArray makes one that fits its shape", a.Shape, len(a.Data), n)
		}
	}
	out := make([]*tensors.Tensor, len(arrays))
	s, ok := e.Backend.(Sharer)
	if !ok {
		for i, a := range arrays {
			out[i] = a.Tensor()
		}
		return out, nil
	}
	buffers, err := s.Share(arrays)
	if err != nil {
		return nil, oneLine(err)
	}
	for i, b := range buffers {
		if out[i], err = tensors.FromBuffer(b); err != nil {
			return nil, oneLine(err)
		}
	}
	return out, nil
}

// ToSamples is ToArray for samples that somebody may work with: where the backend can, they also stay on the device, for
// programs that read them later.
func ToSamples(t *tensors.Tensor) (Array, error) {
	be, err := t.Backend()
	if err != nil { // it is on the host
		return ToArray(t)
	}
	s, ok := be.(Sharer)
	if !ok || t.DType() != dtypes.Float32 {
		return ToArray(t)
	}
	device, err := t.Device()
	if err != nil {
		return Array{}, oneLine(err)
	}
	buf, err := t.Buffer(be, device)
	if err != nil {
		return Array{}, oneLine(err)
	}
	a := Array{Shape: slices.Clone(t.Shape().Dimensions), Data: make([]float32, t.Size())}
	if err := s.ToShared(buf, a.Data); err != nil {
		return Array{}, oneLine(err)
	}
	return a, nil
}
