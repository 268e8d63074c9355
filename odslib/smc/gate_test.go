package smc

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/exact"
	"odslab/odslib/measure"
	"odslab/odslib/priors"
	"odslab/odslib/twist"
)

// The posteriors here had no say in the choice of the default twist.

// clouds are several runs for one posterior, from one program.
func clouds(t *testing.T, b Bootstrap, post odslib.Posterior, n int) []*odslib.Result {
	t.Helper()
	r, err := b.core().open(post, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	var out []*odslib.Result
	for seed := range uint64(n) {
		out = append(out, drawn(t, r, seed))
	}
	return out
}

// within says whether the mean of values is want to 3.5 of its standard errors and margin: with 6 to 20 values that is
// missed by chance at most once in fifty.
func within(t *testing.T, what string, values []float64, want, margin float64) {
	t.Helper()
	mean, sd := moments(values)
	se := sd / math.Sqrt(float64(len(values)))
	t.Logf("%s: %.4f ± %.4f, exact %.4f", what, mean, se, want)
	if math.Abs(mean-want) > 3.5*se+margin {
		t.Errorf("%s: %.4f ± %.4f, exact %.4f", what, mean, se, want)
	}
}

// TestGaussianGate: under a Gaussian prior in 8 dimensions and three measurements the whole chain is Gaussian, so that log
// Z_T and the posterior of the discretised chain are known exactly: nothing is left for a margin but standard errors.
func TestGaussianGate(t *testing.T) {
	long(t)
	const d, dy, steps, sigma, variance = 8, 3, 50, .6, 2.
	a := mat.NewDense(dy, d, nil)
	rows, y := make(constraint.Matrix, dy), []float64{1.5, -.8, 2}
	for i := range dy {
		rows[i] = make([]float64, d)
		for j := range d {
			rows[i][j] = math.Cos(float64((i+1)*(2*j+1))) / 2
		}
		a.SetRow(i, rows[i])
	}
	post := odslib.Given(priors.Gaussian(make([]float64, d), variance), constraint.Gaussian{A: rows, Y: y, Sigma: sigma})

	v := gaussianChain(steps, variance)
	cov := mat.NewSymDense(dy, nil)
	cov.SymOuterK(v, a)
	for i := range dy {
		cov.SetSym(i, i, cov.At(i, i)+sigma*sigma)
	}
	law, ok := distmv.NewNormal(make([]float64, dy), cov, nil)
	if !ok {
		t.Fatal("no law of y")
	}
	var inv, gain mat.Dense
	if err := inv.Inverse(cov); err != nil {
		t.Fatal(err)
	}
	gain.Mul(a.T(), &inv)
	gain.Scale(v, &gain)
	var mean mat.VecDense
	mean.MulVec(&gain, mat.NewVecDense(dy, y))

	noise := map[twist.Twist]float64{}
	for _, tw := range []twist.Twist{twist.Tempered{}, twist.Point{}} {
		var ratio, said []float64
		at, square := make([][]float64, d), []float64{}
		for _, res := range clouds(t, Bootstrap{Particles: 2000, Chain: diffusion.Chain{Steps: steps}, Twist: tw}, post, 20) {
			ratio, said = append(ratio, math.Exp(res.LogZ-law.LogProb(y))), append(said, res.LogZError)
			top, _ := measure.LogMeanExp(res.Particles.LogWeights)
			first, second := 0., 0.
			sums := make([]float64, d)
			for i, l := range res.Particles.LogWeights {
				p := math.Exp(l-top) / float64(len(res.Particles.LogWeights))
				for j, x := range res.Particles.X.Row(i) {
					sums[j] += p * float64(x)
				}
				x := float64(res.Particles.X.Row(i)[0])
				first, second = first+p*x, second+p*x*x
			}
			for j := range d {
				at[j] = append(at[j], sums[j])
			}
			square = append(square, second-first*first)
		}
		name := fmt.Sprintf("%T", tw)
		_, noise[tw] = moments(ratio)
		within(t, name+": Ẑ/Z_T", ratio, 1, 0)
		for j := range d {
			within(t, fmt.Sprintf("%s: mean of x_%d", name, j), at[j], mean.AtVec(j), 0)
		}
		if tw != (twist.Tempered{}) {
			continue
		}
		var ga mat.Dense
		ga.Mul(&gain, a)
		within(t, name+": variance of x_0", square, v*(1-ga.At(0, 0)), 0)
		if s, _ := moments(said); s < .6*noise[tw] || s > 1.8*noise[tw] { // 20 runs know it to 16 %
			t.Errorf("%s: a run says ± %.3f, 20 runs differ by %.3f", name, s, noise[tw])
		}
	}
	if noise[twist.Tempered{}] > .5*noise[twist.Point{}] {
		t.Errorf("Ẑ/Z_T differs by %.3f from run to run under the default twist, by %.3f under the point twist", noise[twist.Tempered{}], noise[twist.Point{}])
	}
}

// TestMixtureGate: evidence and component weights of the first instances of T2 (8,2), against the closed form. The margin
// is for the chain's 100 steps: log Z_T − log Z is .02 to .04 on mixtures like these (docs/methods.md).
func TestMixtureGate(t *testing.T) {
	long(t)
	for instance := range 2 {
		c, err := exact.T2(8, 2, instance)
		if err != nil {
			t.Fatal(err)
		}
		truth, logZ, err := c.Post.Exact()
		if err != nil {
			t.Fatal(err)
		}
		mixture := truth.(*priors.Mixture)
		var ratio []float64
		share := make([][]float64, len(mixture.Means))
		for _, res := range clouds(t, Bootstrap{Particles: 4000}, c.Post, 6) {
			ratio = append(ratio, math.Exp(res.LogZ-logZ))
			w, err := measure.ModeWeights(res.Particles.X, res.Particles.LogWeights, engine.FromRows(mixture.Means))
			if err != nil {
				t.Fatal(err)
			}
			for k := range w {
				share[k] = append(share[k], w[k])
			}
		}
		within(t, fmt.Sprintf("instance %d: Ẑ/Z", instance), ratio, 1, .05)
		for k, p := range mixture.Probabilities() {
			if p > .02 {
				within(t, fmt.Sprintf("instance %d: weight of component %d", instance, k), share[k], p, .02)
			}
		}
	}
}
