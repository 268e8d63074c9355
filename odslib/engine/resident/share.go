package resident

import (
	"fmt"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"odslab/odslib/engine"
	"odslab/odslib/engine/resident/wire"
)

var _ engine.Sharer = (*Backend)(nil)

// Share implements engine.Sharer: the names of all arrays go over, then those that the resident process lacks.
func (b *Backend) Share(arrays []engine.Array) ([]compute.Buffer, error) {
	sums := make([]wire.Sum, len(arrays))
	var all sync.WaitGroup
	for i, a := range arrays {
		name := func() { sums[i] = wire.SumOf(0, engine.Float32(a.Shape...), bytesOf(a.Data)) }
		if len(a.Data) < 1<<14 {
			name()
		} else {
			all.Go(name)
		}
	}
	all.Wait()
	out := make([]compute.Buffer, len(arrays))
	err := b.call(wire.Find, func(e *wire.Enc) {
		e.Uint(uint64(len(sums)))
		for _, s := range sums {
			e.Sum(s)
		}
	}, nil, nil, func(d *wire.Dec) error {
		for i, a := range arrays {
			if h := d.Uint(); h != 0 {
				out[i] = b.buffer(h, engine.Float32(a.Shape...), 0)
			}
		}
		return nil
	})
	for i := 0; i < len(arrays) && err == nil; i++ {
		if out[i] == nil {
			out[i], err = b.fromHost(0, arrays[i].Data, engine.Float32(arrays[i].Shape...), true)
		}
	}
	if err == nil {
		return out, nil
	}
	for _, buf := range out {
		if buf, ok := buf.(*Buffer); ok && buf != nil {
			buf.Finalize()
		}
	}
	return nil, err
}

func bytesOf(data []float32) []byte {
	if len(data) == 0 {
		return nil
	}
	return dtypes.UnsafeByteSliceFromAny(data)
}

// ToShared implements engine.Sharer.
func (b *Backend) ToShared(buf compute.Buffer, data []float32) error {
	own, ok := buf.(*Buffer)
	if !ok || own.backend != b {
		return fmt.Errorf("resident: %T is of another backend", buf)
	}
	return own.toHost(data, true)
}
