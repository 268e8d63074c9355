package balance

// Objective is another loss over the same paths, for comparison. One whose gradient is that of log p_φ(τ), path by path, is a
// Pull; [Adjoint] has a gradient of its own. Objectives see the policy's own paths alone, without replay or annealing.
type Objective interface{ objective() }

// Pull is a loss with the gradient Σ pull·∇log p_φ(τ). Of gives the pull of each path from log p_φ(τ) − log p_ref(τ) and log r.
type Pull struct {
	Name string
	KL   float64 // what it climbs is log r less so much of the log-ratio, by which the best weights are known; 1 is the evidence lower bound
	Of   func(ratio, logr []float64) []float64
}

func (Pull) objective() {}

// Adjoint is the loss of adjoint matching (Domingo-Enrich et al. 2024, 2409.08861): each step's shift is matched to −std²·a, where the
// lean adjoint a is ∇(−log r) at the end of the path, carried back through the means of the prior's own steps. It needs ∇log r.
// The chain is memoryless as it is: its noise is that of the reverse SDE.
type Adjoint struct{}

func (Adjoint) objective() {}

// onPolicy turns off what a rival has not.
func (s Settings) onPolicy() Settings {
	s.Replay, s.Pool, s.Anneal, s.Local = -1, -1, -1, 0
	return s
}

// pull is the objective's pull of each path, 0 for paths that have no weight. A path that ended where r is 0 counts as one with
// the least log r of the others.
func (o Pull) pull(j judged) []float64 {
	ratio, logr, least := make([]float64, 0, len(j.ratio)), make([]float64, 0, len(j.ratio)), j.logr[j.in[0]]
	index := append(append([]int{}, j.in...), j.out...)
	for _, i := range j.in {
		least = min(least, j.logr[i])
	}
	for k, i := range index {
		ratio = append(ratio, j.ratio[i])
		if k < len(j.in) {
			logr = append(logr, j.logr[i])
		} else {
			logr = append(logr, least)
		}
	}
	out := make([]float64, len(j.ratio))
	for k, v := range o.Of(ratio, logr) {
		out[index[k]] = v
	}
	return out
}
