package balance

import (
	"fmt"
	"math"
	"slices"

	"odslab/odslib"
)

// health watches over a training run: it keeps the best weights, stops what explodes, and says what went badly.
type health struct {
	loss, score float64 // running means; the score is what is climbed, or the evidence lower bound, under r itself, confined to where r > 0
	own         int     // iterations on the policy's own paths that the score has seen
	best        kept
	stop        string // why training has stopped; empty while it has not
}

type kept struct {
	weights odslib.Params
	score   float64
	logZ    float64
	after   int // iterations
}

const (
	exploded = 1e3 // times the loss of the untrained policy under r itself, or 1
	worse    = 5   // nats that the score may fall below the best before the best weights are kept instead
	lookAt   = 25  // iterations between two looks at the weights
	fewCount = .1  // effective share of the policy's own paths below which it says so
)

// kl is the weight of the log-ratio in what is climbed; with 1 that is the evidence lower bound.
func (t *Trainer) kl() float64 {
	if o, ok := t.Objective.(Pull); ok {
		return o.KL
	}
	return 1
}

// track counts an iteration; kl is the weight of the log-ratio in the score.
func (h *health) track(it Iteration, kl float64) {
	mix := func(mean *float64, v float64, first bool) {
		if first {
			*mean = v
		}
		*mean += .1 * (v - *mean)
	}
	if !math.IsNaN(it.Loss) {
		mix(&h.loss, it.Loss, h.loss == 0)
	}
	if !it.Replay && !math.IsNaN(it.ELBO) {
		h.own++
		mix(&h.score, it.Reward+kl*(it.ELBO-it.Beta*it.Reward)+math.Log(1-it.Outside), h.own == 1)
	}
}

// watch looks at the iteration that was just made; none of its paths may have been finite.
func (t *Trainer) watch(it Iteration, none bool) (err error) {
	h := &t.health
	h.track(it, t.kl())
	switch {
	case none:
		h.stop = "the network's numbers are no longer finite"
	case h.loss > exploded*math.Max(1, t.first):
		h.stop = fmt.Sprintf("the loss grew to %.2g, %.2g before training; does r grow without bound?", h.loss, t.first)
	case h.own > 0 && len(t.trace)%lookAt == 0 && (h.best.weights == nil || h.score > h.best.score):
		h.best.weights, err = t.weights.WithTensors(t.average)
		h.best.score, h.best.logZ, h.best.after = h.score, t.logZ.value, len(t.trace)
	}
	if h.stop != "" {
		if h.best.weights == nil {
			h.best = kept{weights: t.weights, logZ: math.NaN()}
		}
		t.note("after %d iterations %s: the weights kept are those after %d", len(t.trace), h.stop, h.best.after)
		t.free()
		t.load(h.best.weights)
		t.logZ.value = h.best.logZ
	}
	return err
}

// conclude gives the policy the best weights where the last are worse, and its notes.
func (t *Trainer) conclude(p *Policy) {
	h := t.health
	for _, line := range t.process.limits() {
		p.note("%s", line)
	}
	if b := h.best; h.stop == "" && b.weights != nil && h.score < b.score-worse {
		p.Weights, p.LogZ = b.weights, b.logZ
		climbed := "the evidence lower bound"
		if t.kl() != 1 {
			climbed = "what it climbs"
		}
		p.note("after %d iterations %s had fallen from %.1f to %.1f: the weights kept are those after %d", len(t.trace), climbed, b.score, h.score, b.after)
	}
	if t.lost > 0 {
		p.note("%d of %d paths had no weight: log r or the path was NaN or infinite", t.lost, len(t.trace)*t.Paths)
	}
	var own, ess float64
	for _, it := range slices.Backward(t.trace) {
		if !it.Replay && !math.IsNaN(it.ESS) && own < 10 {
			own, ess = own+1, ess+it.ESS
		}
	}
	switch {
	case len(t.trace) == 0:
	case t.first == 0:
		p.note("no path ever ended where r > 0: nothing was learned")
	case t.beta < 1:
		p.note("annealing stands at r^%.3g: its paths bore no faster one; train longer", t.beta)
	case h.stop == "" && own > 0 && ess/own < fewCount:
		p.note("at the end %.2g %% of its own paths counted: its samples are not yet the posterior's; train longer, or use the weights", 100*ess/own)
	}
}

func (t *Trainer) note(format string, args ...any) {
	if line := fmt.Sprintf(format, args...); !slices.Contains(t.notes, line) {
		t.notes = append(t.notes, line)
	}
}

func (p *Policy) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}
