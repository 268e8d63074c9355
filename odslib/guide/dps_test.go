package guide_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
	"odslab/odslib/measure"
	"odslab/odslib/priors"
)

func sample(t *testing.T, s odslib.Sampler, post odslib.Posterior, n int, seed uint64) *odslib.Result {
	t.Helper()
	r, err := s.Sample(context.Background(), post, n, seed)
	if err != nil {
		t.Fatalf("%T: %v", s, err)
	}
	if r.Samples.Len() != n || r.NonFinite != 0 {
		t.Fatalf("%T: %d samples, %d values not finite", s, r.Samples.Len(), r.NonFinite)
	}
	return r
}

// Every kernel samples the prior: N(0, 1) keeps mean 0 and variance 1 up to the discretisation, which falls with 1/T.
func TestPlainKernels(t *testing.T) {
	const n = 16000
	post := odslib.Given(priors.Gaussian([]float64{0, 0}, 1), nil)
	for _, c := range []struct {
		kernel diffusion.Kernel
		steps  int
		margin float64 // of the standard deviation: .02 is four standard errors at this n, the rest is discretisation
	}{
		{diffusion.Matched{}, 10, .02},
		{diffusion.Ancestral{}, 400, .035},
		{diffusion.DDIM{}, 100, .03},
		{diffusion.EulerMaruyama{}, 400, .035},
		{diffusion.Euler{}, 400, .04},
		{diffusion.Heun{}, 50, .03},
	} {
		r := sample(t, guide.Plain{Steps: c.steps, Chain: diffusion.Chain{Kernel: c.kernel}}, post, n, 1)
		for j, sd := range r.Std() {
			if math.Abs(sd-1) > c.margin {
				t.Errorf("%T: standard deviation %d is %.4f", c.kernel, j, sd)
			}
			if m := r.Mean()[j]; math.Abs(m) > 4/math.Sqrt(n) {
				t.Errorf("%T: mean %d is %.4f", c.kernel, j, m)
			}
		}
	}
}

// The variance error of the ancestral chain halves when the steps double (T13's 1/T order).
func TestDiscretisationOrder(t *testing.T) {
	post := odslib.Given(priors.Gaussian([]float64{0}, 1), nil)
	ancestral := diffusion.Chain{Kernel: diffusion.Ancestral{}}
	var errs []float64
	for _, steps := range []int{50, 200} {
		r := sample(t, guide.Plain{Steps: steps, Chain: ancestral}, post, 60000, 2)
		errs = append(errs, 1-r.Std()[0]*r.Std()[0])
	}
	// Four times the steps: a ratio of 4, with the Monte-Carlo error of the variance (.006) on a small number.
	if ratio := errs[0] / errs[1]; ratio < 2.5 || ratio > 7 {
		t.Errorf("variance errors %.4f and %.4f: ratio %.2f, want about 4", errs[0], errs[1], ratio)
	}
}

// For the prior N(0, I) and a row of length one, p(y|x_t) is N(y; A·x̂0, σ_y²+σ_t²): widened by σ_t, the likelihood
// scaling is exact, and the posterior's mean and variance come out.
func TestDPSExactWhenWidened(t *testing.T) {
	prior := priors.Gaussian([]float64{0, 0}, 1)
	post := odslib.Given(prior, constraint.Gaussian{A: constraint.Matrix{{.6, .8}}, Y: []float64{1.5}, Sigma: .5})
	s := guide.DPS{Scaling: guide.Likelihood, ErrorAt: prior.Schedule().Sigma, Steps: 400}
	const n = 8000
	r := sample(t, s, post, n, 3)
	// Posterior along the row: mean 1.5·.8, variance .2; across it the prior.
	along, across := make([]float64, n), make([]float64, n)
	for i := range n {
		x, y := float64(r.Samples.Row(i)[0]), float64(r.Samples.Row(i)[1])
		along[i], across[i] = .6*x+.8*y, .8*x-.6*y
	}
	m, v := moments(along)
	if math.Abs(m-1.2) > .03 || math.Abs(v-.2) > .02 {
		t.Errorf("along the measurement: mean %.3f, variance %.3f; want 1.2, .2", m, v)
	}
	if m, v = moments(across); math.Abs(m) > .04 || math.Abs(v-1) > .07 {
		t.Errorf("across it: mean %.3f, variance %.3f; want 0, 1", m, v)
	}
}

func moments(v []float64) (mean, variance float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		variance += (x - mean) * (x - mean) / float64(len(v))
	}
	return mean, variance
}

// DPS is biased even with the exact score: on T2 it comes much nearer than the prior and stays far above the floor. Both
// scalings are held between the two, so that a better-than-possible result would fail as a worse one does.
func TestDPSBias(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	for _, s := range []guide.DPS{
		{Zeta: .1, Steps: 200},
		{Scaling: guide.Likelihood, ErrorAt: diffusion.VPLinear{}.Sigma, Steps: 200},
	} {
		var distance, floor, plain float64
		const seeds, n = 5, 500
		for seed := range seeds {
			c, err := exact.T2(8, 2, seed)
			if err != nil {
				t.Fatal(err)
			}
			truth := sample(t, exact.Sampler{}, c.Post, n, 100)
			again := sample(t, exact.Sampler{}, c.Post, n, 200)
			prior, err := c.Post.Prior.Sample(context.Background(), n, 1)
			if err != nil {
				t.Fatal(err)
			}
			r := sample(t, s, c.Post, n, uint64(seed))
			distance += w1(t, r.Samples, truth.Samples) / seeds
			floor += w1(t, again.Samples, truth.Samples) / seeds
			plain += w1(t, prior, truth.Samples) / seeds
		}
		t.Logf("scaling %d: sliced W1 %.3f, floor %.3f, prior %.3f", s.Scaling, distance, floor, plain)
		if distance > plain/3 || distance < floor {
			t.Errorf("scaling %d: sliced W1 %.3f; want below a third of the prior's %.3f and not below the floor %.3f", s.Scaling, distance, plain, floor)
		}
	}
}

func w1(t *testing.T, a, b odslib.Array) float64 {
	t.Helper()
	d, err := measure.SlicedW1{Projections: 100}.Distance(a, b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The norm is each sample's own: a result must not depend on how many others share its batch.
func TestDPSDoesNotDependOnBatch(t *testing.T) {
	c := exact.T13(1)
	spread := func(batch int) float64 {
		r := sample(t, guide.DPS{Zeta: .3, Steps: 100, Chain: diffusion.Chain{Batch: batch}}, c.Post, 1024, 1)
		return r.Std()[0]
	}
	if a, b := spread(16), spread(1024); math.Abs(a-b) > .12*b { // four standard errors of a standard deviation
		t.Errorf("standard deviation %.3f in batches of 16, %.3f in one batch", a, b)
	}
}

func TestSameSeedSameNumbers(t *testing.T) {
	c := exact.T13(2)
	a, b := sample(t, guide.DPS{Steps: 30}, c.Post, 50, 7), sample(t, guide.DPS{Steps: 30}, c.Post, 50, 7)
	other := sample(t, guide.DPS{Steps: 30}, c.Post, 50, 8)
	same := 0
	for i := range a.Samples.Data {
		if a.Samples.Data[i] != b.Samples.Data[i] {
			t.Fatalf("value %d: %v and %v from one seed", i, a.Samples.Data[i], b.Samples.Data[i])
		}
		if a.Samples.Data[i] == other.Samples.Data[i] {
			same++
		}
	}
	if same > 0 {
		t.Errorf("%d values are the same for another seed", same)
	}
}

func TestOneLineErrors(t *testing.T) {
	grid := priors.Grid25()
	row := constraint.Matrix{{1, -1}}
	for want, c := range map[string]struct {
		s    odslib.Sampler
		post odslib.Posterior
		n    int
	}{
		"at least one":           {guide.DPS{}, odslib.Given(grid, constraint.Gaussian{A: row, Y: []float64{3}, Sigma: .5}), 0},
		"ask for fewer":          {guide.Plain{}, odslib.Given(grid, nil), 1 << 40},
		"Sigma is -1":            {guide.DPS{}, odslib.Given(grid, constraint.Gaussian{A: row, Y: []float64{3}, Sigma: -1}), 5},
		"value 0 of Y is NaN":    {guide.DPS{}, odslib.Given(grid, constraint.Gaussian{A: row, Y: []float64{math.NaN()}, Sigma: 1}), 5},
		"row 0 of the matrix":    {guide.DPS{}, odslib.Given(grid, constraint.Gaussian{A: constraint.Matrix{{1, 2, 3}}, Y: []float64{3}, Sigma: 1}), 5},
		"2 values in Y":          {guide.DPS{}, odslib.Given(grid, constraint.Gaussian{A: row, Y: []float64{3, 4}, Sigma: 1}), 5},
		"differentiated":         {guide.DPS{}, odslib.Given(grid, constraint.HostReward{F: func([]float32) float64 { return 0 }}), 5},
		"guide.Likelihood":       {guide.DPS{}, odslib.Given(grid, constraint.Tilt{Linear: []float64{1, 0}}), 5},
		"no prior":               {guide.DPS{}, odslib.Given(nil, constraint.Tilt{Linear: []float64{1, 0}}), 5},
		"is not a constraint":    {guide.DPS{}, odslib.Given(grid, 3), 5},
		"times must fall":        {guide.Plain{Chain: diffusion.Chain{Grid: []float64{1, 0, .5}}}, odslib.Given(grid, nil), 5},
		"variance 0 of":          {guide.Plain{}, odslib.Given(priors.Gaussian([]float64{0}, -1), nil), 5},
		"must give one value":    {guide.DPS{Scaling: guide.Likelihood}, odslib.Given(grid, constraint.Reward{F: func(x *odslib.Node) *odslib.Node { return x }}), 5},
		"asked for -3 samples":   {exact.Sampler{}, odslib.Given(grid, constraint.Tilt{Linear: []float64{1, 0}}), -3},
		"no closed form":         {exact.Sampler{}, odslib.Given(grid, constraint.StudentT{A: row, Y: []float64{1}, Nu: 3, Scale: 1}), 5},
		"Linear has 3 numbers":   {guide.DPS{Scaling: guide.Likelihood}, odslib.Given(grid, constraint.Tilt{Linear: []float64{1, 0, 2}}), 5},
		"the mask has 3 values":  {guide.DPS{}, odslib.Given(grid, constraint.Gaussian{A: constraint.Mask{Keep: make([]bool, 3)}, Y: []float64{1}, Sigma: 1}), 5},
		"images of shape [h, w,": {guide.DPS{}, odslib.Given(grid, constraint.Gaussian{A: constraint.Blur{Sigma: 1}, Y: []float64{1}, Sigma: 1}), 5},
	} {
		r, err := c.s.Sample(context.Background(), c.post, c.n, 1)
		if err == nil {
			t.Errorf("want an error with %q, got %v", want, r)
			continue
		}
		if msg := err.Error(); !strings.Contains(msg, want) || strings.Contains(msg, "\n") || len(msg) > 250 {
			t.Errorf("want one line with %q, got %q", want, msg)
		}
	}
}

func TestCancelKeepsWhatIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ctx = odslib.WithObserver(ctx, func(p odslib.Progress) {
		if p.Step > p.Steps/2 {
			cancel()
		}
	})
	r, err := guide.DPS{Steps: 100, Chain: diffusion.Chain{Batch: 16}}.Sample(ctx, exact.T13(1).Post, 64, 1)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if r == nil || r.Samples.Len() == 0 || r.Samples.Len() >= 64 || len(r.Notes) != 1 {
		t.Errorf("partial result %v", r)
	}
}

// Where no batch is done, x̂0 of the first is kept, and said to be no posterior sample.
func TestCancelKeepsX0(t *testing.T) {
	for name, post := range map[string]odslib.Posterior{"a line": exact.T13(1).Post, "25 modes": odslib.Given(priors.Grid25(), constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5})} {
		for _, at := range []int{1, 40, 60} {
			ctx, cancel := context.WithCancel(context.Background())
			var x odslib.Array
			ctx = odslib.WithObserver(ctx, func(p odslib.Progress) {
				if p.Step >= at {
					x, _ = p.Samples()
					cancel()
				}
			})
			r, err := guide.DPS{Steps: 100}.Sample(ctx, post, 64, 1)
			if !errors.Is(err, context.Canceled) || r == nil || r.Samples.Len() != 64 || r.Samples.NonFinite() > 0 {
				t.Fatalf("%s, step %d: %v, %v", name, at, r, err)
			}
			if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "no posterior samples") {
				t.Errorf("%s, step %d: notes %q", name, at, r.Notes)
			}
			if slices.Equal(x.Data, r.Samples.Data) {
				t.Errorf("%s, step %d: x_t is kept, not x̂0", name, at)
			}
		}
	}
}

func ExampleDPS() {
	post := odslib.Given(priors.Grid25(), constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5})
	truth, err := exact.Sampler{}.Sample(context.Background(), post, 2000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	dps, err := guide.DPS{Steps: 100}.Sample(context.Background(), post, 2000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := measure.SlicedW1{}.Distance(dps.Samples, truth.Samples)
	fmt.Println(dps.Samples.Shape, d > 0, err)
	// Output: [2000 2] true <nil>
}

func TestObserve(t *testing.T) {
	s := guide.Plain{Steps: 40, Chain: diffusion.Chain{Observe: []int{0, 10, 40}}}
	r := sample(t, s, exact.T13(1).Post, 500, 1)
	plain := sample(t, guide.Plain{Steps: 40}, exact.T13(1).Post, 500, 1)
	if len(r.States) != 3 {
		t.Fatalf("%d states, want 3", len(r.States))
	}
	for i := range r.Samples.Data {
		if r.States[2].Data[i] != r.Samples.Data[i] || r.Samples.Data[i] != plain.Samples.Data[i] {
			t.Fatal("looking changed the numbers, or the last state is not the samples")
		}
	}
}
