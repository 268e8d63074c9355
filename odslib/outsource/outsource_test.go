package outsource_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/exact"
	"odslab/odslib/nn"
	"odslab/odslib/outsource"
	"odslab/odslib/priors"
)

// Half a minute's training on an affine generator of two coordinates from two: mean and log Z against the closed form, samples
// are f of their noise, and the policy comes back from a file.
func TestAffineGenerator(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	ctx, budget, margin := context.Background(), odslib.Budget{Steps: 250}, .05
	if !e.Loops() {
		budget.Steps, margin = 60, .3
	}
	prior := priors.Affine{W: [][]float64{{2, 0}, {1, 1}}, B: []float64{1, 0}}
	post := odslib.Given(prior, constraint.Gaussian{A: constraint.Matrix{{1, 0}}, Y: []float64{2}, Sigma: .5})
	s := outsource.Sampler{Net: nn.MLP{Hidden: 64, Layers: 2}, Steps: 50, Paths: 128}
	p, err := s.Train(ctx, post, budget, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "policy")
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	if p, err = outsource.Open(path); err != nil {
		t.Fatal(err)
	}
	r, err := p.Sample(ctx, post, 4000, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r, r.Mean(), r.Notes)
	for i := range r.Samples.Len() {
		x, z := r.Samples.Row(i), r.Noise.Row(i)
		if math.Abs(float64(x[0]-2*z[0]-1))+math.Abs(float64(x[1]-z[0]-z[1])) > 1e-5 {
			t.Fatalf("sample %v is not f of its noise %v", x, z)
		}
	}
	// x_1 ~ N(1, 4), measured as 2 with σ=.5: y ~ N(1, 4.25), mean 1+4/4.25; x_2 has half of the shift.
	logZ := -.5/4.25 - .5*math.Log(2*math.Pi*4.25)
	if math.Abs(r.LogZ-logZ) > margin {
		t.Errorf("log Ẑ %.3f, exact %.3f", r.LogZ, logZ)
	}
	if m := r.Mean(); math.Abs(m[0]-1-4/4.25) > margin || math.Abs(m[1]-2/4.25) > margin+.05 {
		t.Errorf("mean %.3f, want [%.3f %.3f]", m, 1+4/4.25, 2/4.25)
	}
	other := odslib.Given(prior, constraint.Gaussian{A: constraint.Matrix{{1, 0}}, Y: []float64{3}, Sigma: .5})
	for want, q := range map[string]odslib.Posterior{"another posterior": other, "no inside": odslib.Given(priors.Grid25(), other.Constraint)} {
		if _, err := p.Sample(ctx, q, 10, 1); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
	if _, err := s.Train(ctx, exact.T6().Post, budget, 1); err == nil || !strings.Contains(err.Error(), "no inside") {
		t.Errorf("a prior without an inside was trained on: %v", err)
	}
}

func ExampleSampler() {
	c := exact.T11(1)
	policy, err := outsource.Sampler{Steps: 20, Paths: 64}.Train(context.Background(), c.Post, odslib.Budget{Steps: 20}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	draws, err := policy.Sample(context.Background(), c.Post, 500, 2)
	fmt.Println(draws.Samples.Shape, draws.Noise.Shape, err)
	// Output: [500 1] [500 1] <nil>
}
