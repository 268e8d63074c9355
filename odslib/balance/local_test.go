package balance

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
)

// TestSearch: local search leaves r^β·p as it is, from samples of it and from samples of the prior, by MALA and, for a reward
// on the host, by going back to the noise and down again. The tilt e^{x} of N(0, 1) at β=½ is N(½, 1).
func TestSearch(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	ctx, one := context.Background(), odslib.Normal{Dims: []int{1}}
	const n, beta = 2000, .5
	for name, c := range map[string]any{
		"MALA":    constraint.Tilt{Linear: []float64{1}},
		"renoise": host(func(x float64) float64 { return x }),
	} {
		s := small()
		s.Paths, s.Buffer, s.Pool = n, n, -1
		tr, err := NewTrainer(ctx, "test", s, odslib.Given(one, c), 1)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		tr.beta = beta
		x, err := one.Sample(ctx, n, 5)
		if err != nil {
			t.Fatal(err)
		}
		for _, shift := range []float32{beta, 0} {
			tr.buffer = NewBuffer(n, []int{1}, false)
			in := Batch{X: x.Clone(), LogR: make([]float64, n), Cond: make([]int, n)}
			for i := range in.LogR {
				in.X.Data[i] += shift
				in.LogR[i] = float64(in.X.Data[i])
			}
			tr.buffer.Add(in)
			accepted := 0.
			for k := range 4 {
				f, err := tr.search(ctx, engine.Split(7, string(rune('a'+k))))
				if err != nil {
					t.Fatal(err)
				}
				tr.buffer.put(f.index, f.batch)
				accepted += f.accepted / 4
			}
			v, moved := make([]float64, n), 0
			for i := range v {
				v[i] = float64(tr.buffer.kept.X.Data[i])
				if float32(v[i]) != in.X.Data[i] {
					moved++
				}
				if math.Abs(tr.buffer.kept.LogR[i]-v[i]) > 1e-5 {
					t.Fatalf("%s: sample %g is kept with log r %g", name, v[i], tr.buffer.kept.LogR[i])
				}
			}
			mean, sd := stat.MeanStdDev(v, nil)
			t.Logf("%s from %g: mean %.3f, std %.3f, accepted %.2f, moved %d", name, shift, mean, sd, accepted, moved)
			// Standard errors are .022 and .016; five of them for what the prior's samples have not yet forgotten.
			if math.Abs(mean-beta) > .11 || math.Abs(sd-1) > .08 || moved < n*3/4 {
				t.Errorf("%s from %g: mean %.3f, std %.3f, %d of %d have moved; want %g and 1", name, shift, mean, sd, moved, n, beta)
			}
		}
	}
}
