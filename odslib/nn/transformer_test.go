package nn

import (
	"math"
	"testing"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// TestCausal: what a causal transformer says of a position depends on no later one, and on each before; without Causal it depends on
// all. A shorter sequence gets what the beginning of a longer one does.
func TestCausal(t *testing.T) {
	for _, causal := range []bool{true, false} {
		net := Transformer{Width: 8, Layers: 2, Heads: 2, Longest: 5, Causal: causal}
		f, all := layer(t, func(s *engine.Scope, in []*engine.Node) *engine.Node {
			return net.Apply(s, in[0], odslib.Level{})
		}, random(1, 1, 0, 1, 5, 3))
		e, err := engine.Open()
		if err != nil {
			t.Fatal(err)
		}
		p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node { return []*engine.Node{f(in)} })
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		call := func(x engine.Array) engine.Array {
			args := []any{x.Tensor()}
			for _, w := range all[1:] {
				args = append(args, w.Tensor())
			}
			y, err := p.Call1(args...)
			if err != nil {
				t.Fatal(err)
			}
			return y
		}
		y := call(all[0])
		for j := range 5 {
			x := all[0].Clone()
			x.Data[3*j] += .5
			z := call(x)
			for i := range 5 {
				moved := 0.
				for c := range 3 {
					moved = math.Max(moved, math.Abs(float64(y.Data[3*i+c]-z.Data[3*i+c])))
				}
				if want := i >= j || !causal; moved > 1e-6 != want {
					t.Errorf("causal %v: position %d moves by %g with position %d", causal, i, moved, j)
				}
			}
		}
		if short := call(all[0].Reshape(5, 3).Slice(0, 3).Clone().Reshape(1, 3, 3)); causal {
			for i, v := range short.Data {
				if math.Abs(float64(v-y.Data[i])) > 1e-5 {
					t.Errorf("of three positions value %d is %g, of five %g", i, v, y.Data[i])
				}
			}
		}
	}
}
