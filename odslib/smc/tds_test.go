package smc

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/exact"
	"odslab/odslib/measure"
	"odslab/odslib/priors"
	"odslab/odslib/twist"
)

// TestTDSIsFK: with the difference potential and the twisted step, Feynman–Kac steering is TDS, to the bit.
func TestTDSIsFK(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	c := exact.T13(2)
	for _, tw := range []twist.Twist{nil, twist.Covariance{}} {
		tds, err := TDS{Particles: 300, Steps: 20, Twist: tw}.Sample(context.Background(), c.Post, 50, 3)
		if err != nil {
			t.Fatal(err)
		}
		fk, err := FK{Particles: 300, Steps: 20, Twist: tw, Proposal: TwistedStep{}, Lambda: 1}.Sample(context.Background(), c.Post, 50, 3)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(tds.Samples, tds.LogZ, tds.Particles, tds.Ancestors) != fmt.Sprint(fk.Samples, fk.LogZ, fk.Particles, fk.Ancestors) {
			t.Errorf("%T: %v, %v", tw, tds, fk)
		}
	}
}

// TestTDSIsUnbiased: whatever the twist, rule and threshold. The Gaussian prior's chain is exact, so that Z_T = Z.
func TestTDSIsUnbiased(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	c := exact.T13(1)
	twists := []twist.Twist{twist.Covariance{}, twist.Isotropic{}, twist.Tempered{}, twist.MonteCarlo{}, twist.Quadratic{}, twist.Widened{By: diffusion.VPLinear{}.Sigma}}
	if testing.Short() {
		twists = twists[:1]
	}
	for i, tw := range twists {
		o, err := TDS{Particles: 16, Steps: 20, Twist: tw}.core().open(c.Post, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range rules {
			for _, threshold := range []float64{.5, 1} {
				if i > 0 && rule != Systematic && rule != Hilbert {
					continue // rules and twists know nothing of each other
				}
				o.resampling, o.threshold = rule, threshold
				unbiased(t, fmt.Sprintf("%T, %v, threshold %g", tw, rule, threshold), o, c.LogZ, 200)
			}
		}
		o.close()
	}
}

// TestExactTwist: for N(0, I) the isotropic twist is p(y|x_t) itself, for N(0, 4I) the covariance twist is. What is left is
// the twisted step, which has the prior's variance for the posterior's: 2,000 particles know log Z to .01, and the weights
// stay above half.
func TestExactTwist(t *testing.T) {
	long(t)
	for _, c := range []struct {
		s  float64
		tw twist.Twist
	}{{1, twist.Isotropic{}}, {2, twist.Covariance{}}} {
		cse := exact.T13(c.s)
		res, err := TDS{Particles: 2000, Twist: c.tw}.Sample(context.Background(), cse.Post, 1000, 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("s=%g %T: %v, exact %.4f, %d resamplings", c.s, c.tw, res, cse.LogZ, len(res.Ancestors))
		if math.Abs(res.LogZ-cse.LogZ) > .02 || res.ESS < 1000 {
			t.Errorf("s=%g %T: log Z %.4f ± %.4f, exact %.4f", c.s, c.tw, res.LogZ, res.LogZError, cse.LogZ)
		}
	}
}

// TestSteeringPower: FK targets p·exp(λr). For N(0, I) and r = x_1 that is N(λ, 1), with log Z = λ²/2, in the graph and on the
// host alike.
func TestSteeringPower(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	post := exact.T12(2, 1).Post
	onHost := odslib.Given(post.Prior, host(func(x []float32) float64 { return float64(x[0]) }))
	for name, p := range map[string]odslib.Posterior{"graph": post, "host": onHost} {
		for _, lambda := range []float64{.5, 2} {
			res, err := FK{Lambda: lambda, Particles: 8000, Steps: 50}.Sample(context.Background(), p, 4000, 2)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s λ=%g: %v, mean %.3f, std %.3f", name, lambda, res, res.Mean(), res.Std())
			// Three standard errors, and of the draws' mean and deviation as ESS has it.
			tolerance := 3.5 / math.Sqrt(res.ESS/4)
			if math.Abs(res.LogZ-lambda*lambda/2) > 3.5*res.LogZError || math.Abs(res.Mean()[0]-lambda) > tolerance || math.Abs(res.Std()[0]-1) > tolerance {
				t.Errorf("%s λ=%g: log Z %.3f ± %.3f, mean %.3f, std %.3f", name, lambda, res.LogZ, res.LogZError, res.Mean()[0], res.Std()[0])
			}
		}
	}
	if _, err := (FK{Lambda: -1}).Sample(context.Background(), post, 1, 1); err == nil || !strings.Contains(err.Error(), "Lambda is -1") {
		t.Errorf("Lambda -1: %v", err)
	}
}

// TestEvidenceOfMeasurements: T2 (8,1), all 30 instances, TDS with the covariance twist. The gate of the benchmark: mean
// sliced W1 within twice the floor, mean |Δlog Z| within .10.
func TestEvidenceOfMeasurements(t *testing.T) {
	long(t)
	const instances = 30
	var sliced measure.SlicedW1
	var distance, floor, off float64
	for i := range instances {
		c, err := exact.T2(8, 1, i)
		if err != nil {
			t.Fatal(err)
		}
		truth, _, err := c.Post.Exact()
		if err != nil {
			t.Fatal(err)
		}
		res, err := TDS{Twist: twist.Covariance{}, Particles: 4000}.Sample(context.Background(), c.Post, 1000, uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		var exactly [2]odslib.Array
		for j := range exactly {
			if exactly[j], err = truth.Sample(context.Background(), 1000, uint64(2*i+j)); err != nil {
				t.Fatal(err)
			}
		}
		w, err := sliced.Distance(res.Samples, exactly[0])
		if err != nil {
			t.Fatal(err)
		}
		f, err := sliced.Distance(exactly[1], exactly[0])
		if err != nil {
			t.Fatal(err)
		}
		n := float64(instances)
		distance, floor, off = distance+w/n, floor+f/n, off+math.Abs(res.LogZ-c.LogZ)/n
		t.Logf("%d: sliced W1 %.3f, floor %.3f, Δlog Z %+.3f ± %.3f, ESS %.0f, %.2f s", i, w, f, res.LogZ-c.LogZ, res.LogZError, res.ESS, res.Seconds)
	}
	t.Logf("mean sliced W1 %.3f, floor %.3f (%.2f times), |Δlog Z| %.3f", distance, floor, distance/floor, off)
	if distance > 2*floor || off > .1 {
		t.Errorf("mean sliced W1 %.3f at a floor of %.3f, mean |Δlog Z| %.3f", distance, floor, off)
	}
}

// TestNotFinite: what log r could not say is counted and noted.
func TestNotFinite(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	infinite := odslib.Given(nine().Prior, host(func(x []float32) float64 {
		if x[0] > 2 {
			return math.Inf(1)
		}
		return 0
	}))
	res, err := Bootstrap{Particles: 1000, Steps: 20}.Sample(context.Background(), infinite, 200, 1)
	if err != nil {
		t.Fatal(err)
	}
	if res.NonFinite == 0 || !strings.Contains(strings.Join(res.Notes, "\n"), "NaN or infinite") {
		t.Errorf("%d non-finite values, notes %q", res.NonFinite, res.Notes)
	}
	for i := range res.Samples.Len() {
		if res.Samples.Row(i)[0] > 2 {
			t.Fatalf("a sample of reward +Inf was drawn: %v", res.Samples.Row(i))
		}
	}
	// A prior whose denoiser breaks down is seen without any constraint.
	broken := odslib.Given(priors.Gaussian([]float64{math.MaxFloat64}, 1), nil)
	if res, err := (Bootstrap{Particles: 10, Steps: 3}).Sample(context.Background(), broken, 5, 1); err == nil && res.NonFinite == 0 {
		t.Errorf("samples %v without a word", res.Samples)
	}
}

// TestOneParticle: one particle is a draw of the prior, and nobody knows how far its evidence is off.
func TestOneParticle(t *testing.T) {
	for _, threshold := range []float64{0, 1} {
		for _, rule := range rules {
			res, err := Bootstrap{Particles: 1, Steps: 5, Threshold: threshold, Resampling: rule}.Sample(context.Background(), nine(), 3, 1)
			if err != nil || !math.IsNaN(res.LogZError) || math.IsNaN(res.LogZ) || res.ESS != 1 || res.Samples.Len() != 3 || res.Samples.NonFinite() > 0 {
				t.Errorf("%v, %g: %v, %v", rule, threshold, res, err)
			}
		}
	}
}

// TestExtinction: the line says at which step the last particle was lost.
func TestExtinction(t *testing.T) {
	// The denoiser is NaN at t=.3, where step 7 ends; step 8 goes on from there.
	post := odslib.Given(breaking{priors.Gaussian([]float64{0, 0}, 1)}, constraint.Tilt{Linear: []float64{1, 0}})
	res, err := TDS{Particles: 20, Steps: 10, Twist: twist.Point{}}.Sample(context.Background(), post, 5, 1)
	if err == nil || !strings.Contains(err.Error(), "TDS, step 8 of 10: no particle has a positive weight") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	if res == nil || res.NonFinite == 0 || len(res.Notes) == 0 {
		t.Errorf("%v", res)
	}
}

// breaking is a mixture whose denoiser is NaN below t = .35.
type breaking struct{ *priors.Mixture }

func (p breaking) Denoise(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	late := diffusion.PerRow(graph.Sqrt(graph.AddScalar(at.T, -.35)), x) // NaN, else a number
	return graph.Add(p.Mixture.Denoise(scope, x, at), graph.MulScalar(late, 1e-20))
}
