package smc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/exact"
	"odslab/odslib/priors"
	"odslab/odslib/twist"
)

// several is the posterior of T13 at other measurements, so many rows of each.
func several(s float64, ys []float64, rows []int) odslib.Posterior {
	post := exact.T13(s).Post
	var given [][]float64
	for i, y := range ys {
		for range rows[i] {
			given = append(given, []float64{y})
		}
	}
	a := engine.FromRows(given)
	post.Given = &a
	return post
}

// alone is one of its measurements: log Z and the mean of x_1.
func alone(t *testing.T, s, y float64) (logZ, mean float64) {
	t.Helper()
	post := exact.T13(s).Post
	post.Constraint = post.Constraint.(constraint.Gaussian).At([]float64{y})
	truth, logZ, err := post.Exact()
	if err != nil {
		t.Fatal(err)
	}
	return logZ, truth.(*priors.Mixture).Means[0][0]
}

// TestIslands: draws stand in the order of the rows, each island has the posterior of its own y.
func TestIslands(t *testing.T) {
	ys, rows := []float64{1.5, -3, 0, -3}, []int{700, 1000, 400, 900}
	samplers := []odslib.Sampler{
		FK{Particles: 3000, Steps: 50, Twist: twist.Tempered{}, Resampling: Multinomial},
		TDS{Particles: 3000, Steps: 50, Twist: twist.Covariance{}},
		Bootstrap{Particles: 3000, Steps: 50},
	}
	if testing.Short() {
		samplers = samplers[:1]
	}
	for _, s := range samplers {
		res, err := s.Sample(context.Background(), several(1, ys, rows), 3000, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Islands) != 4 || !math.IsNaN(res.LogZ) || res.Samples.Len() != 3000 || res.Particles.X.Len() != 12000 {
			t.Fatalf("%v, %d islands", res, len(res.Islands))
		}
		first := 0
		for i, island := range res.Islands {
			logZ, mean := alone(t, 1, ys[i])
			got := 0.
			for j := range rows[i] {
				got += float64(res.Samples.Row(first + j)[0]) / float64(rows[i])
			}
			first += rows[i]
			t.Logf("%T, y=%g: log Z %.3f ± %.3f, exact %.3f; mean %.3f, exact %.3f; ESS %.0f", s, ys[i], island.LogZ, island.LogZError, logZ, got, mean, island.ESS)
			// The posterior's standard deviation is .67, and the particles are worth 1/LogZError²; four standard errors.
			if island.Draws != rows[i] || math.Abs(island.LogZ-logZ) > 4*island.LogZError+1e-3 || math.Abs(got-mean) > 4*.67*math.Sqrt(island.LogZError*island.LogZError+1/float64(rows[i])) {
				t.Errorf("%T, y=%g: %+v, mean %.3f; exact %.3f, %.3f", s, ys[i], island, got, logZ, mean)
			}
		}
		weights := odslib.NormalisedWeights(res.Particles.LogWeights)
		for i := range ys {
			sum := 0.
			for _, w := range weights[3000*i : 3000*(i+1)] {
				sum += w
			}
			if math.Abs(sum-float64(rows[i])/3000) > 1e-9 {
				t.Errorf("%T: island %d has a weight of %.4f for %d of 3000 draws", s, i, sum, rows[i])
			}
		}
		for _, parents := range res.Ancestors {
			for j, p := range parents {
				if int(p)/3000 != j/3000 {
					t.Fatalf("%T: particle %d has its parent %d on another island", s, j, p)
				}
			}
		}
	}
}

// TestIslandsAreUnbiased: E[Ẑ] = Z for each y, with 16 particles each.
func TestIslandsAreUnbiased(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	ys, rows := []float64{1.5, -1, .5}, []int{1, 1, 1}
	o, err := TDS{Particles: 16, Steps: 20, Twist: twist.Isotropic{}, Threshold: .9}.core().open(several(1, ys, rows), 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer o.close()
	for i, y := range ys {
		logZ, _ := alone(t, 1, y)
		unbiasedBy(t, fmt.Sprintf("y=%g", y), 200, func(seed uint64) float64 { return drawn(t, o, seed).Islands[i].LogZ - logZ })
	}
}

// TestAnotherMeasurement: other numbers compile nothing.
func TestAnotherMeasurement(t *testing.T) {
	long(t)
	for name, s := range map[string]odslib.Sampler{
		"Bootstrap": Bootstrap{Particles: 100, Steps: 5}, "TDS": TDS{Particles: 100, Steps: 5, Twist: twist.Covariance{}},
		"FK": FK{Particles: 100, Steps: 5, Lambda: 3}, "curve": TDS{Particles: 100, Steps: 5, Twist: twist.Isotropic{Variance: 2}},
	} {
		before := 0
		for i := range 4 {
			c, err := exact.T2(8, 1, i)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Sample(context.Background(), c.Post, 50, uint64(i)); err != nil {
				t.Fatal(err)
			}
			now, _ := engine.Compilations()
			if i > 0 && now != before {
				t.Errorf("%s: measurement %d compiled %d programs", name, i, now-before)
			}
			before = now
		}
	}
}

// TestConditionalPrior: a prior that reads conditions gets its columns, the constraint the others.
func TestConditionalPrior(t *testing.T) {
	long(t)
	post := odslib.Given(shifting{priors.Gaussian([]float64{0}, 1)}, constraint.Gaussian{A: constraint.Identity{}, Y: []float64{0}, Sigma: 1})
	given := engine.FromRows([][]float64{{-3, 1}, {-3, 1}, {5, 4}, {5, 4}, {5, 4}})
	post.Given = &given
	for _, s := range []odslib.Sampler{Bootstrap{Particles: 4000, Steps: 50}, TDS{Particles: 4000, Steps: 50}} {
		res, err := s.Sample(context.Background(), post, 5, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []float64{-1, 4.5} { // halfway between prior mean and y
			first := 4000 * i
			got, z := 0., 0.
			for j := range 4000 {
				w := math.Exp(res.Particles.LogWeights[first+j])
				got, z = got+w*float64(res.Particles.X.Row(first + j)[0]), z+w
			}
			t.Logf("%T: mean %.3f, exact %g", s, got/z, want)
			if math.Abs(got/z-want) > 4*math.Sqrt(.5/res.Islands[i].ESS) {
				t.Errorf("%T: mean %.3f, exact %g", s, got/z, want)
			}
		}
	}
	// Its own column alone, under a reward on the host.
	own := engine.FromRows([][]float64{{-3}, {5}})
	post.Given, post.Constraint = &own, host(func(x []float32) float64 { return float64(x[0]) })
	res, err := Bootstrap{Particles: 4000, Steps: 50}.Sample(context.Background(), post, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{-3 + .5, 5 + .5} { // log E[e^x] of N(m, 1)
		if got := res.Islands[i]; math.Abs(got.LogZ-want) > 4*got.LogZError {
			t.Errorf("log Z %.3f ± %.3f, want %g", got.LogZ, got.LogZError, want)
		}
	}
}

// shifting is a Gaussian whose mean is its condition.
type shifting struct{ *priors.Mixture }

func (shifting) Conditions() int { return 1 }

func (p shifting) Denoise(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	a := diffusion.PerRow(at.Alpha, x)
	return graph.Add(at.Given, p.Mixture.Denoise(scope, graph.Sub(x, graph.Mul(a, at.Given)), at))
}

func TestIslandRefusals(t *testing.T) {
	post := several(1, []float64{1, 2}, []int{2, 1})
	if _, err := (TDS{}).Sample(context.Background(), post, 4, 1); err == nil || !strings.Contains(err.Error(), "conditions for 3 draws, 4 were asked for") {
		t.Errorf("%v", err)
	}
}

// TestDeadIsland: where one island has lost all weight the others' draws stay, and the line says which.
func TestDeadIsland(t *testing.T) {
	post := several(1, []float64{1, 1e20}, []int{3, 2})
	res, err := Bootstrap{Particles: 200, Steps: 10}.Sample(context.Background(), post, 5, 1)
	if !errors.Is(err, errExtinct) || !strings.Contains(err.Error(), "step 10 of 10, draws 3 to 4") {
		t.Errorf("%v", err)
	}
	for i := range 5 {
		if bad := math.IsNaN(float64(res.Samples.Row(i)[0])); bad != (i > 2) {
			t.Errorf("draw %d is %v", i, res.Samples.Row(i))
		}
	}
	if res.NonFinite == 0 || res.Islands[0].ESS == 0 || res.Islands[1].ESS != 0 {
		t.Errorf("%+v, %d non-finite", res.Islands, res.NonFinite)
	}
}

// TestByHand: a run that is stepped by hand is the run.
func TestByHand(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	s := TDS{Particles: 300, Steps: 20, Twist: twist.Covariance{}}
	post := exact.T13(1).Post
	want, err := s.Sample(context.Background(), post, 50, 9)
	if err != nil {
		t.Fatal(err)
	}
	run, err := s.Open(post, 50, 9)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	if _, err := run.Particles(); err == nil {
		t.Error("particles before the first step")
	}
	if res, err := run.Result(); err != nil || res.Samples.Len() != 0 {
		t.Errorf("%v, %v before the first step", res, err)
	}
	for steps := 0; !run.Done(); steps++ {
		if err := run.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
		x, err := run.Particles()
		if err != nil || x.Len() != 300 || len(run.Weights()) != 300 {
			t.Fatal(err)
		}
		sum, squares := 0., 0.
		for _, w := range run.Weights() {
			sum, squares = sum+w, squares+w*w
		}
		if math.Abs(sum-1) > 1e-9 || math.Abs(run.ESS()*squares-1) > 1e-9 || math.IsNaN(run.LogZ()) {
			t.Errorf("step %d: weights sum to %g, ESS %g", steps, sum, run.ESS())
		}
		if steps == 7 {
			if res, err := run.Result(); err != nil || res.Samples.Len() != 300 || len(res.LogWeights) != 300 || len(res.Notes) == 0 {
				t.Errorf("on the way: %v, %v", res, err)
			}
		}
	}
	if err := run.Step(context.Background()); err == nil {
		t.Error("a step after the last")
	}
	for range 2 {
		got, err := run.Result()
		if err != nil {
			t.Fatal(err)
		}
		got.Seconds, want.Seconds = 0, 0
		if got.String() != want.String() || got.LogZ != want.LogZ || len(got.Samples.Data) == 0 || got.Samples.Data[7] != want.Samples.Data[7] || len(got.Notes) != len(want.Notes) {
			t.Errorf("%v by hand, %v", got, want)
		}
	}
}
