package smc

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/priors"
	"odslab/odslib/twist"
)

// twoModes are Gaussians of variance .4 in a plane under one measurement along (1, −½).
var twoModes = struct {
	weights       []float64
	means         [][]float64
	v, y, sigma   float64
	along         []float64
	meanVariance  float64 // Σ_j Var(x_j)/2
	steps, number int
}{[]float64{.3, .7}, [][]float64{{-2, 1}, {1, -1}}, .4, 1.2, .3, []float64{1, -.5}, .4 + .3*.7*(9+4)/2, 20, 64}

// reference is the twisted diffusion sampler with the exact-covariance twist to the power λ, in float64: the log-weights after each
// step, normalised, and log Ẑ. Of the library's it has the start, the noise and the uniforms, nothing else.
func reference(x [][]float64, noise [][][]float64, uniform func() float64, lambda float64) (weights [][]float64, logZ float64) {
	c, s := twoModes, diffusion.VPLinear{}
	k, a := len(x), mat.NewVecDense(2, c.along)
	logN := func(off2, v, d float64) float64 { return -.5*off2/v - .5*d*math.Log(2*math.Pi*v) }
	// look is x̂0 at x_t, log ψ and its gradient, C = Cov(x_0|x_t) being held fixed; J is α/σ² of it.
	look := func(x []float64, t float64) (x0 []float64, logPsi float64, grad []float64) {
		al, si := s.Alpha(t), s.Sigma(t)
		v, logs, at := al*al*c.v+si*si, make([]float64, 2), make([][]float64, 2)
		for m, mean := range c.means {
			off := []float64{x[0] - al*mean[0], x[1] - al*mean[1]}
			logs[m] = math.Log(c.weights[m]) + logN(floats.Dot(off, off), v, 2)
			at[m] = []float64{mean[0] + al*c.v*off[0]/v, mean[1] + al*c.v*off[1]/v}
		}
		p, cov := math.Exp(logs[0]-floats.LogSumExp(logs)), mat.NewDense(2, 2, nil)
		x0 = []float64{p*at[0][0] + (1-p)*at[1][0], p*at[0][1] + (1-p)*at[1][1]}
		apart := mat.NewVecDense(2, []float64{at[0][0] - at[1][0], at[0][1] - at[1][1]})
		cov.Outer(p*(1-p), apart, apart)
		cov.Add(cov, mat.NewDiagDense(2, []float64{c.v * si * si / v, c.v * si * si / v}))
		e, seen := c.y-floats.Dot(c.along, x0), c.sigma*c.sigma+mat.Inner(a, cov, a)
		back := mat.NewVecDense(2, nil)
		back.MulVec(cov, a)
		back.ScaleVec(lambda*al/(si*si)*e/seen, back)
		return x0, lambda * logN(e*e, seen, 1), back.RawVector().Data
	}
	logw, psi := make([]float64, k), make([]float64, k)
	tell := func() []float64 {
		out := append([]float64{}, logw...)
		floats.AddConst(-floats.LogSumExp(out), out)
		weights = append(weights, out)
		return out
	}
	for i := range x {
		_, psi[i], _ = look(x[i], 1)
		logw[i] = psi[i]
	}
	for step := range c.steps {
		w := tell()
		sum := 0.
		for _, l := range w {
			sum += math.Exp(2 * l)
		}
		if 1/sum < .9*float64(k) {
			logZ += floats.LogSumExp(logw) - math.Log(float64(k))
			u, cum, parent, nx, np := uniform(), 0., -1, make([][]float64, k), make([]float64, k)
			for i := range k {
				for cum <= (float64(i)+u)/float64(k) {
					parent++
					cum += math.Exp(w[parent])
				}
				nx[i], np[i], logw[i] = x[parent], psi[parent], 0
			}
			x, psi = nx, np
		}
		t, to := 1-float64(step)/float64(c.steps), 1-float64(step+1)/float64(c.steps)
		ca, cb, std := matchedStep(s, t, max(0, to), c.meanVariance)
		for i := range k {
			x0, _, g := look(x[i], t)
			next, own, moved := make([]float64, 2), 0., 0.
			for j := range next {
				mean := ca*x[i][j] + cb*x0[j]
				next[j] = mean + std*std*g[j] + std*noise[step][i][j]
				own += (next[j] - mean) * (next[j] - mean)
				moved += std * std * noise[step][i][j] * noise[step][i][j]
			}
			e := c.y - floats.Dot(c.along, next)
			ahead := lambda * logN(e*e, c.sigma*c.sigma, 1) // r itself, at the end
			if step < c.steps-1 {
				_, ahead, _ = look(next, to)
			}
			logw[i] += ahead - psi[i] + logN(own, std*std, 2) - logN(moved, std*std, 2)
			x[i], psi[i] = next, ahead
		}
	}
	tell()
	return weights, logZ + floats.LogSumExp(logw) - math.Log(float64(k))
}

// TestReference: TDS and steering by the difference potential with the guided step have, after every step and through every
// resampling, the log-weights of the reference to 1e-4, on the same noise.
func TestReference(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	const seed = 5
	c := twoModes
	post := odslib.Given(priors.Isotropic(c.weights, c.means, c.v), constraint.Gaussian{A: constraint.Matrix{c.along}, Y: []float64{c.y}, Sigma: c.sigma})
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	// What a run draws: the start, a first move that is not made, and the moves.
	drawing, err := engine.NewProgram(e, nil, func(_ *odslib.Scope, in []*odslib.Node) (out []*odslib.Node) {
		rng, _ := engine.RandomUniform(in[0], c.number, len(c.means))
		var z *odslib.Node
		for range c.steps + 2 {
			rng, z = engine.RandomNormal(rng, c.number, 2)
			out = append(out, z)
		}
		return out[2:]
	})
	if err != nil {
		t.Fatal(err)
	}
	defer drawing.Close()
	drawn, err := drawing.Call(engine.RNGState(seed, "smc.FeynmanKac.noise"))
	if err != nil {
		t.Fatal(err)
	}
	noise := make([][][]float64, len(drawn))
	for i, d := range drawn {
		z, err := engine.ToArray(d)
		if err != nil {
			t.Fatal(err)
		}
		noise[i] = rowsOf(z)
	}
	engine.Free(drawn...)
	for _, k := range []struct {
		name   string
		core   feynmanKac
		lambda float64
	}{
		{"TDS", TDS{Particles: c.number, Steps: c.steps, Twist: twist.Covariance{}, Threshold: .9}.core(), 1},
		{"FK(difference, guided)", FK{Particles: c.number, Steps: c.steps, Twist: twist.Covariance{}, Threshold: .9, Proposal: TwistedStep{}}.core(), 1},
		{"FK(difference, guided), λ=2", FK{Particles: c.number, Steps: c.steps, Twist: twist.Covariance{}, Threshold: .9, Proposal: TwistedStep{}, Lambda: 2}.core(), 2},
	} {
		r, err := k.core.run(post, nil, 10, seed)
		if err != nil {
			t.Fatal(err)
		}
		var got [][]float64
		var start [][]float64
		for !r.Done() {
			if err := r.Step(context.Background()); err != nil {
				t.Fatal(err)
			}
			if got = append(got, r.LogWeights()); start == nil {
				x, err := r.Particles()
				if err != nil {
					t.Fatal(err)
				}
				start = rowsOf(x)
			}
		}
		logZ, resampled := r.LogZ(), len(r.res.Ancestors)
		r.Close()
		want, wantZ := reference(start, noise, engine.RNG(seed, "smc.FeynmanKac.resample").Float64, k.lambda)
		worst := math.Abs(logZ - wantZ)
		for i := range want {
			worst = max(worst, floats.Distance(got[i], want[i], math.Inf(1)))
		}
		t.Logf("%s: %d steps, %d resamplings, log-weights and log Z at most %.2g from the reference's; log Z %.4f", k.name, c.steps, resampled, worst, logZ)
		if !(worst < 1e-4) || resampled == 0 {
			t.Errorf("%s: %.2g from the reference, %d resamplings", k.name, worst, resampled)
		}
	}
}

func rowsOf(a odslib.Array) [][]float64 {
	out := make([][]float64, a.Len())
	for i := range out {
		for _, v := range a.Row(i) {
			out[i] = append(out[i], float64(v))
		}
	}
	return out
}
