package nn

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine"
)

// TestAdam: ten steps on a quadratic against the algorithm written out in float64.
func TestAdam(t *testing.T) {
	adam := Adam{WeightDecay: .1}
	target := random(1, 1, 0, 5)
	eachEngine(t, func(t *testing.T, e *engine.Engine) {
		p, err := engine.NewProgram(e, engine.Params{{Name: "target", Value: target}}, func(s *engine.Scope, in []*engine.Node) []*engine.Node {
			x, m, v := in[0], in[1], in[2]
			d := graph.Sub(x, engine.Var(s, x.Graph(), "target"))
			np, nm, nv := adam.Update([]*engine.Node{x}, []*engine.Node{m}, []*engine.Node{v},
				graph.Gradient(graph.ReduceAllSum(graph.Square(d)), x), in[3], in[4])
			return []*engine.Node{np[0], nm[0], nv[0]}
		})
		if err != nil {
			t.Fatal(err)
		}
		x, m, v := make([]float64, 5), make([]float64, 5), make([]float64, 5)
		state := []any{engine.NewArray(5).Tensor(), engine.NewArray(5).Tensor(), engine.NewArray(5).Tensor()}
		for k := 1; k <= 10; k++ {
			out, err := p.Call(append(state, float32(.1), float32(k))...)
			if err != nil {
				t.Fatal(err)
			}
			state = []any{out[0], out[1], out[2]}
			for i := range x {
				g := 2 * (x[i] - float64(target.Data[i]))
				m[i] = .9*m[i] + .1*g
				v[i] = .999*v[i] + .001*g*g
				mh, vh := m[i]/(1-math.Pow(.9, float64(k))), v[i]/(1-math.Pow(.999, float64(k)))
				x[i] -= .1*mh/(math.Sqrt(vh)+1e-8) + .1*.1*x[i]
			}
			got, err := engine.ToArray(out[0])
			if err != nil {
				t.Fatal(err)
			}
			for i := range x {
				if math.Abs(float64(got.Data[i])-x[i]) > 2e-6 {
					t.Fatalf("step %d, value %d: %v, want %v", k, i, got.Data[i], x[i])
				}
			}
		}
	})
}

func TestClipAndAverage(t *testing.T) {
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	a, b := engine.FromVector([]float64{3, 0}), engine.FromVector([]float64{0, 4, 0})
	for _, c := range []struct{ limit, want float64 }{{1, .2}, {10, 1}, {0, 1}} {
		p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
			out, norm := ClipByGlobalNorm(in[:2], c.limit)
			avg := EMA([]*engine.Node{in[1]}, []*engine.Node{graph.ZerosLike(in[1])}, in[2])
			return append(out, norm, avg[0])
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.Call(a.Tensor(), b.Tensor(), float32(.75))
		if err != nil {
			t.Fatal(err)
		}
		x, _ := engine.ToArray(out[0])
		y, _ := engine.ToArray(out[1])
		avg, _ := engine.ToArray(out[3])
		if math.Abs(float64(x.Data[0])-3*c.want) > 1e-6 || math.Abs(float64(y.Data[1])-4*c.want) > 1e-6 {
			t.Errorf("limit %g: %v %v, want a factor %g", c.limit, x, y, c.want)
		}
		if n := scalarOf(t, out[2]); math.Abs(n-5) > 1e-6 {
			t.Errorf("norm %v, want 5", n)
		}
		if avg.Data[1] != 3 {
			t.Errorf("average %v, want .75·4", avg.Data[1])
		}
	}
}

func TestRate(t *testing.T) {
	r := Rate{Peak: 2, Warmup: 10, Decay: 110}
	for step, want := range map[int]float64{0: .2, 4: 1, 9: 2, 10: 2, 60: 1, 110: 0, 500: 0} {
		if got := r.At(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("rate at step %d is %g, want %g", step, got, want)
		}
	}
	if got := (Rate{}).At(100000); got != 1e-3 {
		t.Errorf("the zero value ends at %g, want a constant 1e-3", got)
	}
	if got := (Rate{Warmup: -1}).At(0); got != 1e-3 {
		t.Errorf("without warm-up step 0 has %g", got)
	}
}
