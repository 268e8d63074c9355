package resident

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/runtime/wire"
	"odslab/odslib/engine"
	"odslab/odslib/engine/record"
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
	err := b.call(contract.AskFind, func(e *record.Enc) {
		e.Uint(uint64(len(sums)))
		for _, s := range sums {
			s.Enc(e)
		}
	}, nil, nil, func(d *record.Dec) error {
		for i, a := range arrays {
			if h := d.Uint(); h != 0 {
				out[i] = b.buffer(h, engine.Float32(a.Shape...), 0)
			}
		}
		return nil
	})
	for i := 0; i < len(arrays) && err == nil; i++ {
		b.note(arrays[i].Data, sums[i])
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
	return own.toHost(data, func(sum wire.Sum) { b.note(data, sum) })
}

// stretch is where the data of an array lie.
type stretch struct{ begin, end uintptr }

func stretchOf(b []byte) stretch {
	begin := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return stretch{begin, begin + uintptr(len(b))}
}

// places are where the data of shared arrays lie. They do not hold the memory: what comes to lie there later is at worst taken
// for shared by [SharedIn].
type places struct {
	sums  map[stretch]wire.Sum
	order []stretch // nil: to be made anew
}

func (b *Backend) note(data []float32, sum wire.Sum) {
	if len(data) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.places.sums == nil {
		b.places.sums = map[stretch]wire.Sum{}
	}
	b.places.sums[stretchOf(bytesOf(data))], b.places.order = sum, nil
}

// in lists the sums of the arrays that lie within m.
func (p *places) in(m stretch) (sums []string) {
	if p.order == nil {
		p.order = slices.SortedFunc(maps.Keys(p.sums), func(a, b stretch) int { return cmp.Compare(a.begin, b.begin) })
	}
	at, _ := slices.BinarySearchFunc(p.order, m, func(a, b stretch) int { return cmp.Compare(a.begin, b.begin) })
	for ; at < len(p.order) && p.order[at].begin < m.end; at++ {
		if p.order[at].end <= m.end {
			sums = append(sums, p.sums[p.order[at]].String())
		}
	}
	return sums
}

// SharedIn returns the sums of the arrays in a piece of memory that resident processes have too.
func SharedIn(memory []byte) (sums []string) {
	openMu.Lock()
	defer openMu.Unlock()
	for _, b := range opened {
		b.mu.Lock()
		sums = append(sums, b.places.in(stretchOf(memory))...)
		b.mu.Unlock()
	}
	return sums
}
