package main

import (
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/kernel/resident/server"
	"odslab/kernel/runtime/resident"
	"odslab/odslib/engine"
)

func filled(x float32, shape ...int) engine.Array {
	a := engine.NewArray(shape...)
	for i := range a.Data {
		a.Data[i] = x + float32(i)
	}
	return a
}

func share(t *testing.T, c *resident.Backend, arrays ...engine.Array) []*tensors.Tensor {
	t.Helper()
	out, err := (&engine.Engine{Backend: c}).Tensors(arrays...)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range out {
		if a, err := engine.ToArray(x); err != nil || !slices.Equal(a.Data, arrays[i].Data) || !slices.Equal(a.Shape, arrays[i].Shape) {
			t.Fatalf("%v came back as %v, %v", arrays[i], a, err)
		}
	}
	return out
}

// An array is sent once, whichever program and process has it; another shape of the same numbers is another array.
func TestShared(t *testing.T) {
	c, s, socket := serve(t, realBackend(t), server.Options{})
	arrays := []engine.Array{filled(1, 300, 200), filled(2, 5), filled(3), engine.NewArray(0, 2), filled(2, 5)}
	const distinct, bytes = 4, 4 * (60000 + 5 + 1)
	engine.Free(share(t, c, arrays...)...)
	first := s.Stats()
	if want := int64(bytes + 4*5); first.Received != want || s.Held().Shared != distinct {
		t.Errorf("%d bytes received for %d arrays, want %d for %d", first.Received, s.Held().Shared, want, distinct)
	}
	share(t, c, arrays...)
	share(t, c, filled(1, 200, 300))
	c.Finalize()
	d, err := resident.Open(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Finalize()
	again := share(t, d, arrays...)
	if now := s.Stats(); now.Received != first.Received+4*60000 || now.Spared != 2*len(arrays) {
		t.Errorf("%d bytes received, %d arrays spared, want %d and %d", now.Received, now.Spared, first.Received+4*60000, 2*len(arrays))
	}

	// A donated one is copied, not used up.
	given, err := graph.DonateTensorBuffer(again[1], d, 0)
	if err != nil {
		t.Fatal(err)
	}
	if y := double(d).MustCall1(given).Value().([]float32); y[4] != 12 {
		t.Errorf("doubled %v", y)
	}
	share(t, d, arrays[1])
}

// What a sampler takes to the host stays on the device for whoever reads it.
func TestSamplesStay(t *testing.T) {
	c, s, _ := serve(t, realBackend(t), server.Options{})
	y := double(c).MustCall1([]float32{1, 2, 3})
	a, err := engine.ToSamples(y)
	if err != nil || !slices.Equal(a.Data, []float32{2, 4, 6}) || !slices.Equal(a.Shape, []int{3}) {
		t.Fatalf("%v %v", a, err)
	}
	engine.Free(y)
	before := s.Stats().Received
	share(t, c, a)
	if now := s.Stats(); now.Received != before || now.Spared != 1 {
		t.Errorf("%d bytes received, %d arrays spared", now.Received-before, now.Spared)
	}
	// The same again, by another buffer.
	if _, err := engine.ToSamples(double(c).MustCall1([]float32{1, 2, 3})); err != nil || s.Held().Shared != 1 {
		t.Errorf("%d shared, %v", s.Held().Shared, err)
	}
}

// Shared arrays that no client uses: those that the notebook's values have stay until the room is needed, of the others a few
// do, the most recently used. Those in use stay.
func TestSharedGo(t *testing.T) {
	const kib = 1 << 10
	c, s, _ := serve(t, realBackend(t), server.Options{Bytes: 150 * kib, Shared: 40 * kib})
	array := func(i int) engine.Array { return filled(float32(i), 4*kib) } // 16 KiB
	has := func(i int) bool {
		before := s.Stats().Spared
		engine.Free(share(t, c, array(i))...)
		share(t, c) // tells what was freed
		return s.Stats().Spared > before
	}
	has(0)
	inUse := share(t, c, array(9))
	sums := resident.SharedIn(dtypes.UnsafeByteSliceFromAny(array(0).Data))
	if len(sums) != 0 {
		t.Errorf("%v is shared, but lies elsewhere", sums)
	}
	own := array(0)
	engine.Free(share(t, c, own)...)
	if sums = resident.SharedIn(dtypes.UnsafeByteSliceFromAny(own.Data)); len(sums) != 1 {
		t.Fatalf("%v is shared, want one array", sums)
	}
	if part := resident.SharedIn(dtypes.UnsafeByteSliceFromAny(own.Data[1:])); len(part) != 0 {
		t.Errorf("%v lies in what does not hold it", part)
	}
	s.Retain(nil, sums)
	for i := 1; i < 5; i++ {
		has(i)
	}
	if !has(9) || !has(0) || has(1) || !has(4) {
		t.Error("others are here than the one in use, the notebook's, and the last")
	}

	for i, n := range []int{14, 16} { // times 4 KiB in, as much out
		want := 2 - i
		x, err := double(c).Call(make([]float32, n*kib))
		if err != nil {
			t.Fatal(err)
		}
		engine.Free(x...)
		if h := s.Held(); h.Shared != want {
			t.Errorf("%d shared when %d KiB were needed, want %d", h.Shared, 8*n, want)
		}
	}
	if x, err := double(c).Call(make([]float32, 18*kib)); err == nil {
		t.Error("beyond the quota")
		engine.Free(x...)
	}
	engine.Free(inUse...)
	share(t, c)
	has(0)
	s.Retain(nil, nil)
	if _, err := double(c).Call(make([]float32, 18*kib)); err != nil || s.Held().Shared != 0 {
		t.Errorf("%d shared, %v", s.Held().Shared, err)
	}
}

// Programs of the library read the same weights from one buffer.
func TestProgramsShareWeights(t *testing.T) {
	c, s, _ := serve(t, realBackend(t), server.Options{})
	e := &engine.Engine{Backend: c, Name: "xla-cpu"}
	params := engine.Params{{Name: "w", Value: filled(1, 100, 100)}, {Name: "b", Value: filled(2, 1, 100)}}
	for i := range 3 {
		p, err := engine.NewProgram(e, params, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
			g := in[0].Graph()
			w, b := engine.Weight(scope, g, "w", engine.Zeros, 100, 100), engine.Weight(scope, g, "b", engine.Zeros, 1, 100)
			return []*engine.Node{graph.AddScalar(graph.Add(graph.Dot(in[0], w).Product(), b), i)}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		x := engine.NewArray(1, 100)
		x.Data[1] = 1
		y, err := p.Call1(x.Tensor())
		if err != nil || y.Data[3] != 101+3+2+3+float32(i) {
			t.Errorf("%v %v", y, err)
		}
		if i == 2 {
			changed := params.Clone()
			changed[1].Value.Data[3]++
			if err := p.SetParams(changed); err != nil {
				t.Fatal(err)
			}
			if y, err := p.Call1(x.Tensor()); err != nil || y.Data[3] != 101+3+2+4+2 {
				t.Errorf("after a change: %v %v", y, err)
			}
		}
	}
	if st, want := s.Stats(), int64(4*(10000+100+4*100+100)); st.Received != want || st.Spared != 5 {
		t.Errorf("%d bytes received, want %d; %d spared", st.Received, want, st.Spared)
	}
}
