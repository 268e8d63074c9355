package balance

import (
	"math"
	"slices"
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
	in          []int     // the paths that ended where r > 0
	out         []int     // those that ended where r = 0; the rest are lost: NaN
	lost        int
}

func judge(ratio, logr []float64) judged {
	j := judged{ratio: ratio, logr: logr}
	for i := range ratio {
		switch {
		case math.IsNaN(logr[i]) || math.IsNaN(ratio[i]) || math.IsInf(ratio[i], 0):
			j.lost++
		case math.IsInf(logr[i], -1):
			j.out = append(j.out, i)
		default:
			j.in = append(j.in, i)
		}
	}
	return j
}

// broken is the number of paths that are not finite themselves, of which there is no gradient.
func (j judged) broken() (n int) {
	for _, r := range j.ratio {
		if math.IsNaN(r) || math.IsInf(r, 0) {
			n++
		}
	}
	return n
}

// share is that of the paths that ended where r > 0, of all that are not lost.
func (j judged) share() float64 { return float64(len(j.in)) / float64(len(j.in)+len(j.out)) }

// weights are β·log r − log-ratio of the paths that ended where r > 0: their importance weights, and −δ up to log Z.
func (j judged) weights(beta float64) []float64 {
	out := make([]float64, len(j.in))
	for k, i := range j.in {
		out[k] = beta*j.logr[i] - j.ratio[i]
	}
	return out
}

// Annealing goes on as fast as the paths bear it: by a step of β that leaves this share of their effective size, the smaller
// share where the policy lags behind, which the effective size of its own weights says.
const (
	keptByStep   = .98
	keptByLagged = .998
	lagging      = .25
)

// advance is the next β, at most cap, by paths of the policy.
func (j judged) advance(beta, cap float64) float64 {
	if beta >= cap || len(j.in) < 2 {
		return beta
	}
	logr := make([]float64, len(j.in))
	for k, i := range j.in {
		logr[k] = j.logr[i]
	}
	n, kept := float64(len(logr)), keptByStep
	if effective(j.weights(beta), 1) < lagging*n {
		kept = keptByLagged
	}
	low, high := 0., cap-beta
	if effective(logr, high) >= kept*n {
		return cap
	}
	for range 60 {
		if mid := .5 * (low + high); effective(logr, mid) >= kept*n {
			low = mid
		} else {
			high = mid
		}
	}
	return beta + low
}

// gain is log of the mean of r^step over the paths that ended where r > 0: by how much log Z moves when β does.
func (j judged) gain(step float64) float64 {
	if len(j.in) == 0 || step == 0 {
		return 0
	}
	top, sum := math.Inf(-1), 0.
	for _, i := range j.in {
		top = math.Max(top, step*j.logr[i])
	}
	for _, i := range j.in {
		sum += math.Exp(step*j.logr[i] - top)
	}
	return top + math.Log(sum/float64(len(j.in)))
}

// held keeps z near the range of the policy's own estimates, of which a twentieth at either end does not count.
func (j judged) held(z, beta float64) float64 {
	w := j.weights(beta)
	if len(w) == 0 {
		return z
	}
	slices.Sort(w)
	cut := len(w) / 20
	return math.Max(w[cut]-2, math.Min(z, w[len(w)-1-cut]+2))
}

// score is the evidence lower bound of the policy for r itself, confined to where r > 0: what tells the best weights.
func (j judged) score() float64 {
	if len(j.in) == 0 {
		return math.Inf(-1)
	}
	return mean(j.weights(1)) + math.Log(j.share())
}
