package smc

import (
	"math"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/priors"
)

// nine is nine Gaussians of variance .3 at {−4, 0, 4}² under log r = −x²/100 − y².
func nine() odslib.Posterior {
	var means [][]float64
	for _, x := range []float64{-4, 0, 4} {
		for _, y := range []float64{-4, 0, 4} {
			means = append(means, []float64{x, y})
		}
	}
	return odslib.Given(priors.Isotropic(nil, means, .3), constraint.Tilt{Precision: []float64{.02, 2}})
}

// tilted is a Gaussian prior under exp(x_1), for which r(x̂0) is the ideal twist up to a constant, and its log Z_T: every
// x_t of the chain is Gaussian, with a variance that follows a linear recursion.
func tilted(steps int) (post odslib.Posterior, logZ float64) {
	v := gaussianChain(steps, 1)
	return odslib.Given(priors.Gaussian([]float64{0, 0}, 1), constraint.Tilt{Linear: []float64{1, 0}}), v / 2
}

// gaussianChain is the variance of the chain's x_0 under the prior N(0, variance): a linear recursion from the start.
func gaussianChain(steps int, variance float64) float64 {
	s := diffusion.VPLinear{}
	at := func(t float64) float64 { return s.Alpha(t)*s.Alpha(t)*variance + s.Sigma(t)*s.Sigma(t) }
	v := at(1)
	for k := steps; k > 0; k-- {
		t := float64(k) / float64(steps)
		a, b, std := matchedStep(s, t, float64(k-1)/float64(steps), variance)
		j := a + b*s.Alpha(t)*variance/at(t)
		v = j*j*v + std*std
	}
	return v
}

// chainEvidence is the evidence of the reference chain under nine's reward, by quadrature: the nine Gaussians are a
// product, the reward is a product, and so the chain of T steps is two chains in one dimension, where the backward
// recursion h_t(x) = E[h_s(x_s)|x_t=x] can be done on a grid. It returns log Z_T and the weight of each mode, by the
// nearest mean. Nothing here is shared with the samplers.
func chainEvidence(steps int) (logZ float64, weights [3][3]float64) {
	var zx, zy [3]float64
	for m := range 3 {
		zx[m] = chain1D(steps, func(x float64) float64 { return inMode(x, m) * math.Exp(-x*x/100) })
		zy[m] = chain1D(steps, func(x float64) float64 { return inMode(x, m) * math.Exp(-x*x) })
	}
	z := (zx[0] + zx[1] + zx[2]) * (zy[0] + zy[1] + zy[2])
	for i := range 3 {
		for j := range 3 {
			weights[i][j] = zx[i] * zy[j] / z
		}
	}
	return math.Log(z), weights
}

func modeOf(x float64) int { return int(math.Round(max(-4, min(4, x))/4)) + 1 }

func inMode(x float64, m int) float64 {
	if modeOf(x) == m {
		return 1
	}
	return 0
}

func chain1D(steps int, r func(float64) float64) float64 {
	const n, lo, hi = 2001, -10., 10.
	x := func(i int) float64 { return lo + (hi-lo)*float64(i)/(n-1) }
	// E over N(0,1) by the trapezoid rule, exact to machine precision for smooth functions.
	var nodes, probs []float64
	for z := -6.; z <= 6; z += .25 {
		nodes, probs = append(nodes, z), append(probs, .25*math.Exp(-z*z/2)/math.Sqrt(2*math.Pi))
	}
	h := make([]float64, n)
	for i := range h {
		h[i] = r(x(i))
	}
	at := func(v float64) float64 {
		u := max(0, min(n-1.000001, (v-lo)/(hi-lo)*(n-1)))
		i := int(u)
		return h[i] + (u-float64(i))*(h[i+1]-h[i])
	}
	mean := func(f func(z float64) float64) (sum float64) {
		for q, z := range nodes {
			sum += probs[q] * f(z)
		}
		return sum
	}
	s := diffusion.VPLinear{}
	for k := range steps { // from t=0 up
		t, to := float64(k+1)/float64(steps), float64(k)/float64(steps)
		a, b, std := matchedStep(s, t, to, .3+32./3)
		next := make([]float64, n)
		for i := range next {
			m := a*x(i) + b*denoise1D(x(i), s.Alpha(t), s.Sigma(t))
			next[i] = mean(func(z float64) float64 { return at(m + std*z) })
		}
		h = next
	}
	z, std := 0., math.Sqrt(.3*s.Alpha(1)*s.Alpha(1)+s.Sigma(1)*s.Sigma(1))
	for _, m := range []float64{-4, 0, 4} { // the chain starts from its own law
		z += mean(func(z float64) float64 { return at(s.Alpha(1)*m + std*z) }) / 3
	}
	return z
}

// matchedStep is q(x_s|x_t, x_0), with x_0 drawn around x̂0 as if it were N(·, variance).
func matchedStep(s odslib.Schedule, t, to, variance float64) (a, b, std float64) {
	r := s.Alpha(t) / s.Alpha(to)
	vt, vs := s.Sigma(t)*s.Sigma(t), s.Sigma(to)*s.Sigma(to)
	v := vt - r*r*vs
	b = s.Alpha(to) * v / vt
	of0 := variance * vt / (s.Alpha(t)*s.Alpha(t)*variance + vt)
	return r * vs / vt, b, math.Sqrt(v*vs/vt + b*b*of0)
}

func denoise1D(x, alpha, sigma float64) float64 {
	v := .3*alpha*alpha + sigma*sigma
	sum, total := 0., 0.
	for _, m := range []float64{-4, 0, 4} {
		d := x - alpha*m
		g := math.Exp(-.5 * d * d / v)
		total += g
		sum += g * (m + .3*alpha*d/v)
	}
	if total == 0 {
		return math.Copysign(4, x)
	}
	return sum / total
}

// TestQuadrature: with many steps the chain's evidence is the continuous one, −1.439687 with weights .315 at (±4, 0).
func TestQuadrature(t *testing.T) {
	logZ, w := chainEvidence(200)
	if math.Abs(logZ+1.439687) > .03 {
		t.Errorf("log Z_200 = %.4f, the continuous one is −1.4397", logZ)
	}
	if math.Abs(w[0][1]-.315191) > .01 || math.Abs(w[1][1]-.369527) > .01 {
		t.Errorf("weights %.4f", w)
	}
}
