package rtb

import (
	"context"

	"odslab/odslib"
	"odslab/odslib/balance"
)

// PolicyGradient trains by REINFORCE on log r − KL·log(p_φ/p_ref), the reward with a penalty for leaving the prior, as DPOK does (Fan
// et al. 2023, 2305.16381). With KL = 1 its optimum is the posterior, and its gradient on-policy is that of the reverse divergence,
// which a mode that is not visited does not enter.
type PolicyGradient struct {
	balance.Settings
	KL float64 // 0 means 1
}

var (
	_ odslib.Trainer[odslib.Posterior, *balance.Policy] = PolicyGradient{}
	_ odslib.Trainer[odslib.Posterior, *balance.Policy] = DDPO{}
	_ odslib.Trainer[odslib.Posterior, *balance.Policy] = AdjointMatching{}
	_ odslib.Trainer[odslib.Posterior, *balance.Policy] = OnPolicy{}
)

// Train implements odslib.Trainer.
func (s PolicyGradient) Train(ctx context.Context, post odslib.Posterior, budget odslib.Budget, seed uint64) (*balance.Policy, error) {
	kl := s.KL
	if kl == 0 {
		kl = 1
	}
	s.Objective = balance.Pull{Name: "policy gradient", KL: kl, Of: func(ratio, logr []float64) []float64 {
		value := make([]float64, len(ratio))
		for i := range value {
			value[i] = logr[i] - kl*ratio[i]
		}
		return ascent(value, 1)
	}}
	return balance.Train(ctx, "policy gradient", s.Settings, post, budget, seed)
}

// ascent is the pull −(value − mean)·scale/n: a baseline, and up.
func ascent(value []float64, scale float64) []float64 {
	mean := 0.
	for _, v := range value {
		mean += v / float64(len(value))
	}
	out := make([]float64, len(value))
	for i, v := range value {
		out[i] = -(v - mean) * scale / float64(len(value))
	}
	return out
}
