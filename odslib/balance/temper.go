package balance

import (
	"math"
	"slices"

	"odslab/odslib/measure"
)

// logZ is the learned log Z with its moments: Adam on one number.
type logZ struct{ value, m, v float64 }

func (z *logZ) step(gradient, rate float64, count int) {
	k := float64(count)
	z.m, z.v = .9*z.m+.1*gradient, .999*z.v+.001*gradient*gradient
	z.value -= rate * z.m / (1 - math.Pow(.9, k)) / (math.Sqrt(z.v/(1-math.Pow(.999, k))) + 1e-8)
}

// judged is a batch of paths as the loss sees it.
type judged struct {
	ratio, logr []float64 // log p_φ(τ) − log p_ref(τ), log r
	in, out     []int     // the paths that ended where r > 0, and where it is 0
	lost        int       // the rest: no number
	broken      int       // of these, those that are not finite themselves and have no gradient
}

func judge(ratio, logr []float64) judged {
	j := judged{ratio: ratio, logr: logr}
	for i := range ratio {
		switch {
		case math.IsNaN(ratio[i]) || math.IsInf(ratio[i], 0):
			j.broken++
		case math.IsInf(logr[i], -1):
			j.out = append(j.out, i)
		case !math.IsNaN(logr[i]):
			j.in = append(j.in, i)
		}
	}
	j.lost = len(ratio) - len(j.in) - len(j.out)
	return j
}

// share is that of the paths that ended where r > 0, of all that are not lost.
func (j judged) share() float64 { return float64(len(j.in)) / float64(len(j.in)+len(j.out)) }

// rewards are beta·log r of the paths that ended where r > 0.
func (j judged) rewards(beta float64) []float64 {
	out := make([]float64, len(j.in))
	for k, i := range j.in {
		out[k] = beta * j.logr[i]
	}
	return out
}

// weights are their β·log r − log-ratio: importance weights, and −δ up to log Z.
func (j judged) weights(beta float64) []float64 {
	out := j.rewards(beta)
	for k, i := range j.in {
		out[k] -= j.ratio[i]
	}
	return out
}

// Annealing goes on as fast as the paths bear it: by a step of β that leaves this share of their effective size, the larger
// share where the policy lags behind, which the effective size of its own weights says.
const (
	keptByStep   = .98
	keptByLagged = .998
	lagging      = .25
)

// advance is the next β, at most limit, by paths of the policy.
func (j judged) advance(beta, limit float64) float64 {
	n, kept := float64(len(j.in)), keptByStep
	if n < 2 {
		return beta
	}
	if measure.ESS(j.weights(beta)) < lagging*n {
		kept = keptByLagged
	}
	return j.borne(beta, limit, kept)
}

// borne is the largest β up to limit that leaves a share of the effective size.
func (j judged) borne(beta, limit, kept float64) float64 {
	n := float64(len(j.in))
	bears := func(step float64) bool { return measure.ESS(j.rewards(step)) >= kept*n }
	low, high := 0., limit-beta
	if bears(high) {
		return limit
	}
	for range 60 {
		if mid := .5 * (low + high); bears(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return beta + low
}

// gain is log of the mean of r^step over the paths that ended where r > 0: by how much log Z moves when β does.
func (j judged) gain(step float64) float64 {
	mean, _ := measure.LogMeanExp(j.rewards(step))
	return mean
}

// held keeps z near the range of the policy's own estimates, of which a twentieth at either end does not count.
func (j judged) held(z, beta float64) float64 {
	w := j.weights(beta)
	slices.Sort(w)
	cut := len(w) / 20
	return math.Max(w[cut]-2, math.Min(z, w[len(w)-1-cut]+2))
}
