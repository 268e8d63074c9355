package measure

import (
	"fmt"
	"math"
	"math/bits"

	"odslab/odslib"
)

// Laws over sequences of tokens are tables here, the last position running fastest, as in exact.Sequences.

// KL returns the Kullback–Leibler divergence Σ p·log(p/q) of two discrete laws, in nats: +Inf where q misses what p has.
func KL(p, q []float64) (float64, error) {
	if len(p) != len(q) {
		return 0, fmt.Errorf("measure: divergence of laws over %d and %d outcomes", len(p), len(q))
	}
	sum := 0.
	for i := range p {
		if p[i] > 0 {
			sum += p[i] * math.Log(p[i]/q[i])
		}
	}
	return sum, nil
}

// TokenMarginals returns the share of weight of each token at each position of the sequences x [n, length], [length][tokens].
func TokenMarginals(x odslib.Array, logWeights []float64, tokens int) ([][]float64, error) {
	if len(x.Shape) != 2 || x.Len() == 0 {
		return nil, fmt.Errorf("measure: sequences are an array [n, length], got shape %v", x.Shape)
	}
	w, err := normalised(logWeights, x.Len())
	if err != nil {
		return nil, err
	}
	out := make([][]float64, x.Dim())
	for j := range out {
		out[j] = make([]float64, tokens)
	}
	for i := range w {
		for j, v := range x.Row(i) {
			if v != v || v < 0 || int(v) >= tokens || float32(int(v)) != v {
				return nil, fmt.Errorf("measure: position %d of sequence %d is %g, which is none of %d tokens", j, i, v, tokens)
			}
			out[j][int(v)] += w[i]
		}
	}
	return out, nil
}

// WorstMarginal returns the largest total variation of the laws of one position, and which position that is. It is blind to how
// positions go together: beside it belongs a divergence of the whole.
func WorstMarginal(p, q [][]float64) (distance float64, position int, err error) {
	if len(p) != len(q) {
		return 0, 0, fmt.Errorf("measure: marginals of %d and of %d positions", len(p), len(q))
	}
	for j := range p {
		d, err := TotalVariation(p[j], q[j])
		if err != nil {
			return 0, 0, fmt.Errorf("position %d: %w", j, err)
		}
		if d > distance {
			distance, position = d, j
		}
	}
	return distance, position, nil
}

// MarginalFloor is the mean of [WorstMarginal] between a law's marginals and those of exact draws, which sample makes: as many as
// were judged. It is called with the seeds 0 … reps−1.
func MarginalFloor(marginals [][]float64, sample func(seed uint64) (odslib.Array, error), reps int) (float64, error) {
	if reps < 1 || len(marginals) == 0 {
		return 0, fmt.Errorf("measure: a floor of %d positions by %d repetitions; it needs one of each", len(marginals), reps)
	}
	sum := 0.
	for r := range reps {
		x, err := sample(uint64(r))
		if err != nil {
			return 0, err
		}
		m, err := TokenMarginals(x, nil, len(marginals[0]))
		if err != nil {
			return 0, err
		}
		d, _, err := WorstMarginal(m, marginals)
		if err != nil {
			return 0, err
		}
		sum += d
	}
	return sum / float64(reps), nil
}

// FactorisationFloor returns by how many nats the best chain of masked diffusion that reveals positions together misses a law p
// over sequences, the divergence of the path laws: at each of so many equal steps what is revealed is drawn independently, and
// the total correlation of it given the tokens before is lost. Nothing that is trained can be nearer.
//
// With h(S) the entropy of the positions S it is Σ_steps ρ·E_O[Σ_{i∉O} h(O∪i) − h(O)] − h(all), O the positions revealed by then.
func FactorisationFloor(p []float64, tokens, length, steps int) (float64, error) {
	n := 1
	for range length {
		n *= tokens
	}
	if tokens < 1 || length < 1 || n != len(p) {
		return 0, fmt.Errorf("measure: a law over %d outcomes is none of sequences of %d tokens out of %d", len(p), length, tokens)
	}
	if length > 16 || steps < 1 {
		return 0, fmt.Errorf("measure: a factorisation floor of %d positions in %d steps; it goes through all sets of at most 16, in at least one step", length, steps)
	}
	h, all := make([]float64, 1<<length), 1<<length-1
	for set := range h {
		size := 1
		for range bits.OnesCount(uint(set)) {
			size *= tokens
		}
		law := make([]float64, size)
		for i, q := range p {
			rest, at, place := i, 0, 1
			for j := length - 1; j >= 0; j-- {
				if set>>j&1 == 1 {
					at += rest % tokens * place
					place *= tokens
				}
				rest /= tokens
			}
			law[at] += q
		}
		h[set] = Entropy(law)
	}
	sum := -h[all]
	for k := range steps {
		alpha := float64(k) / float64(steps)
		rho := 1 / float64(steps-k)
		for set := range h {
			known := bits.OnesCount(uint(set))
			w := math.Pow(alpha, float64(known)) * math.Pow(1-alpha, float64(length-known))
			for j := range length {
				if set>>j&1 == 0 {
					sum += w * rho * (h[set|1<<j] - h[set])
				}
			}
		}
	}
	return sum, nil
}
