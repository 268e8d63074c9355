package smc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"odslab/odslib"
	"odslab/odslib/exact"
	"odslab/odslib/twist"
)

// TestIndependentIslands: one batch, no parents across, Ẑ the mean of the islands', the same bits from the same seed, on samplers of all kinds.
func TestIndependentIslands(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	const m, k = 5, 200
	c := exact.T13(1)
	for _, s := range []odslib.Sampler{
		Bootstrap{Particles: k, Steps: 20, Islands: m, Resampling: Hilbert},
		TDS{Particles: k, Steps: 20, Islands: m, Threshold: .95},
		FK{Particles: k, Steps: 20, Islands: m, Twist: twist.Tempered{}, Resampling: Multinomial},
	} {
		var bits [2]string
		var res *odslib.Result
		for i := range bits {
			var err error
			if res, err = s.Sample(context.Background(), c.Post, 3000, 4); err != nil {
				t.Fatal(err)
			}
			bits[i] = fmt.Sprint(res.Samples.Data, res.LogZ, res.LogZError, res.Islands)
		}
		if bits[0] != bits[1] {
			t.Errorf("%T: two runs of one seed differ", s)
		}
		if res.Particles.X.Len() != m*k || len(res.Islands) != m || len(res.Ancestors) == 0 {
			t.Fatalf("%T: %d particles, %d islands, %d resamplings", s, res.Particles.X.Len(), len(res.Islands), len(res.Ancestors))
		}
		for _, parents := range res.Ancestors {
			for j, p := range parents {
				if int(p)/k != j/k {
					t.Fatalf("%T: particle %d has its parent %d on another island", s, j, p)
				}
			}
		}
		var logs []float64
		for _, i := range res.Islands {
			logs = append(logs, i.LogZ)
		}
		if math.Abs(floats.LogSumExp(logs)-math.Log(m)-res.LogZ) > 1e-12 {
			t.Errorf("%T: log Z %g, islands %g", s, res.LogZ, logs)
		}
		w := odslib.NormalisedWeights(res.Particles.LogWeights)
		for i := range m {
			if share := math.Exp(logs[i] - math.Log(m) - res.LogZ); math.Abs(floats.Sum(w[i*k:(i+1)*k])-share) > 1e-9 {
				t.Errorf("%T: island %d has a weight of %.4f, and %.4f of Ẑ", s, i, floats.Sum(w[i*k:(i+1)*k]), share)
			}
		}
		if math.Abs(res.LogZ-c.LogZ) > 3*res.LogZError || !strings.Contains(strings.Join(res.Figures, "\n"), "5 islands: log Z ±") {
			t.Errorf("%T: %v, exact %.3f, figures %q", s, res, c.LogZ, res.Figures)
		}
	}
	// Under several conditions each has islands of its own.
	res, err := TDS{Particles: 100, Steps: 20, Islands: 4, Twist: twist.Isotropic{}}.Sample(context.Background(), several(1, []float64{1.5, -3}, []int{3, 2}), 5, 1)
	if err != nil || len(res.Islands) != 2 || res.Particles.X.Len() != 800 {
		t.Fatal(res, err)
	}
	for i, y := range []float64{1.5, -3} {
		if logZ, _ := alone(t, 1, y); math.Abs(res.Islands[i].LogZ-logZ) > 3*res.Islands[i].LogZError {
			t.Errorf("y=%g: %+v, exact %.3f", y, res.Islands[i], logZ)
		}
	}
	if _, err := (TDS{Islands: -1}).Sample(context.Background(), c.Post, 1, 1); err == nil || !strings.Contains(err.Error(), "-1 islands") {
		t.Errorf("%v", err)
	}
}

// TestIslandsDisagree: a note stands where islands and genealogies tell different errors, either way, and else none; an island that has died counts as 0.
func TestIslandsDisagree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	islands := func(m int, apart, noise float64, same bool) (a archipelago) {
		first := make([]float64, 500)
		for i := range m {
			p := &population{logw: make([]float64, 500), eve: identity(500), past: apart * float64(i%2)}
			for j := range p.logw {
				if p.logw[j] = noise * rng.NormFloat64(); same && i > 0 {
					p.logw[j] = first[j]
				}
				if i == 0 {
					first[j] = p.logw[j]
				}
			}
			p.weigh(0)
			a = append(a, p)
		}
		return a
	}
	for _, c := range []struct {
		name string
		a    archipelago
		want string
	}{
		{"alike", islands(6, 0, .5, false), ""},
		{"apart", islands(6, 1, .5, false), "each misses something"},
		{"the same", islands(6, 0, .5, true), "too much here"},
	} {
		res := &odslib.Result{}
		said := c.a.said(Systematic, 10, res)
		if got := strings.Join(res.Notes, "\n"); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: notes %q, figures %q", c.name, got, res.Figures)
		}
		if math.IsNaN(said.LogZError) || said.ESS <= 0 {
			t.Errorf("%s: %+v", c.name, said)
		}
	}
	a := islands(3, 0, .1, false)
	for j := range a[2].logw {
		a[2].logw[j] = math.Inf(-1)
	}
	a[2].weigh(0)
	said := a.said(Systematic, 10, &odslib.Result{})
	if math.Abs(said.LogZ-math.Log(2./3)) > .05 || math.IsNaN(said.LogZError) || said.LogZError < .5 || math.Abs(floats.Sum(a.weights())-1) > 1e-9 {
		t.Errorf("one of three has died: %+v", said)
	}
}
