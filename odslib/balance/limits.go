package balance

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
	"odslab/odslib/diffusion"
)

const (
	knownAtStart = .01 // share of x_T's variance that is of x_0, above which the start law is warned of
	leastOfFixed = .4  // effective share that fixed variances allow at best, below which they are warned of
	mostFactored = 512 // values of a measurement whose matrix is taken apart for that
)

// limits are what keeps this policy from the posterior, however long it is trained.
func (p *corrected) limits() (notes []string) {
	c, ok := p.Process.(*diffusion.Process)
	if !ok {
		return nil
	}
	if share, v, alpha := startLaw(c); share > knownAtStart {
		notes = append(notes, fmt.Sprintf("the chain starts where x_T still knows x_0 (α²=%.3g), and policy and prior share that start: "+
			"a tilt e^{λx} keeps a loss of %.3g·λ² and loses as much of its mean, times λ; start in more noise", alpha*alpha, share*v))
	}
	if p.variances {
		return notes
	}
	if share, ok := fixedShare(c, p.post); ok && share < leastOfFixed {
		notes = append(notes, fmt.Sprintf("with the prior's step variances an effective share of %.2g is the most that this measurement allows in %d steps; set Variances, or take more Steps", share, c.Chain.Steps))
	}
	return notes
}

// startLaw is what x_T at the chain's start knows of x_0: the share α²v/(α²v+σ²) of its variance, for a prior of variance v. Under the
// tilt e^{λx} share·v·λ² is left of the loss, and the mean of an on-policy solution is λ(1−share)·v.
func startLaw(c *diffusion.Process) (share, v, alpha float64) {
	t := c.Chain.Grid[0]
	alpha, sigma := c.Chain.Schedule.Alpha(t), c.Chain.Schedule.Sigma(t)
	v = diffusion.Variance(c.Diffusion)
	return alpha * alpha * v / (alpha*alpha*v + sigma*sigma), v, alpha
}

// fixedShare is the largest effective share of paths with the prior's step variances under a Gaussian measurement or a quadratic
// reward, taking the prior for a Gaussian of its mean variance v. In a direction that is measured with precision s², a step's
// posterior has 1/(1 + std²·s²b²/(1+s²r²)) = c of its variance, b = αv/(α²v+σ²) and r² = vσ²/(α²v+σ²) being those of x_0 given
// x_s; the best weights of such a step have the effective share √(c(2−c)).
func fixedShare(c *diffusion.Process, post odslib.Posterior) (share float64, ok bool) {
	precisions, ok := precisions(post)
	if !ok {
		return 1, false
	}
	v, log, ch := diffusion.Variance(c.Diffusion), 0., c.Chain
	for i := range ch.Steps {
		_, _, std := ch.Kernel.Coefficients(ch.Schedule, ch.Grid[i], ch.Grid[i+1])
		alpha, sigma := ch.Schedule.Alpha(ch.Grid[i+1]), ch.Schedule.Sigma(ch.Grid[i+1])
		total := alpha*alpha*v + sigma*sigma
		b, r2 := alpha*v/total, v*sigma*sigma/total
		for _, s2 := range precisions {
			k := 1 / (1 + std*std*s2*b*b/(1+s2*r2))
			log += .5 * math.Log(k*(2-k))
		}
	}
	return math.Exp(log), true
}

// precisions are those of the measured directions.
func precisions(post odslib.Posterior) (out []float64, ok bool) {
	if c, ok := odslib.Can[odslib.Linear](post.Constraint); ok {
		s, err := c.System(post.Shape())
		if err != nil || len(s.A) == 0 || len(s.A) > mostFactored || len(s.A[0]) > mostFactored {
			return nil, false
		}
		a := mat.NewDense(len(s.A), len(s.A[0]), nil)
		for i, row := range s.A {
			a.SetRow(i, row)
		}
		var svd mat.SVD
		if !svd.Factorize(a, mat.SVDNone) {
			return nil, false
		}
		for _, v := range svd.Values(nil) {
			out = append(out, v*v)
		}
		return out, true
	}
	c, ok := odslib.Can[odslib.Quadratic](post.Constraint)
	if !ok {
		return nil, false
	}
	h, _, _, err := c.Quadratic(post.Shape())
	if err != nil || len(h) > mostFactored {
		return nil, false
	}
	sym := mat.NewSymDense(len(h), nil)
	for i := range h {
		for j := range i + 1 {
			sym.SetSym(i, j, -h[i][j])
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(sym, false) {
		return nil, false
	}
	for _, v := range eig.Values(nil) {
		out = append(out, math.Max(0, v))
	}
	return out, true
}
