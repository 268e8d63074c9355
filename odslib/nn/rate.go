package nn

import "math"

// Rate is a learning rate over the steps of a training run: a linear warm-up, then constant, or falling to zero along
// half a cosine (Loshchilov & Hutter 1608.03983).
type Rate struct {
	Peak   float64 // 0 means 1e-3
	Warmup int     // steps, 0 means 100; negative for none
	Decay  int     // step at which the rate has fallen to zero; 0 means constant
}

// At is the rate of the given step, counted from 0.
func (r Rate) At(step int) float64 {
	peak, warm := or(r.Peak, 1e-3), max(0, or(r.Warmup, 100))
	if r.Decay > 0 {
		warm = min(warm, r.Decay/2)
	}
	if step < warm {
		return peak * float64(step+1) / float64(warm)
	}
	if r.Decay <= 0 {
		return peak
	}
	progress := math.Min(1, float64(step-warm)/float64(max(1, r.Decay-warm)))
	return peak * .5 * (1 + math.Cos(math.Pi*progress))
}
