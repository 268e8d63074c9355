package compare

import (
	"math"
	"slices"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/exact"
	"odslab/odslib/measure"
	"odslab/odslib/priors"
)

// A mode is found when its share of the samples is at least FoundShare of its exact share. Modes that hold less than
// CountedShare of the posterior are not counted: in 1000 exact samples chance alone halves a share of .02 five times in a
// thousand, and smaller ones more often.
const (
	FoundShare   = .5
	CountedShare = .02
)

// Modes says how a sampler's samples are spread over the modes of a posterior.
type Modes struct {
	Found, Counted int     // modes found, and those that count
	Least          float64 // least share of a counted mode, as a fraction of its exact share
	TV             float64 // total variation of all shares; mass at modes of the prior that the posterior lacks is missing elsewhere
}

// ModesOf assigns each sample to the nearest of the case's modes and of the prior's other ones, so that what lies
// elsewhere does not count for the posterior's modes. Cases without named modes take the components of a posterior in
// closed form. It is false where neither makes sense.
func ModesOf(c exact.Case, x odslib.Array) (Modes, bool, error) {
	centres, shares, err := centresOf(c)
	if err != nil || len(centres) < 2 {
		return Modes{}, false, err
	}
	w, err := measure.ModeWeights(x, nil, engine.FromRows(centres))
	if err != nil {
		return Modes{}, false, err
	}
	m := Modes{Least: math.Inf(1)}
	for k, share := range shares {
		if share < CountedShare {
			continue
		}
		m.Counted++
		m.Least = min(m.Least, w[k]/share)
		if w[k] >= FoundShare*share {
			m.Found++
		}
	}
	m.TV, err = measure.TotalVariation(w, shares)
	return m, err == nil, err
}

func centresOf(c exact.Case) (centres [][]float64, shares []float64, err error) {
	if c.Modes == nil {
		truth, _, err := c.Exact()
		if err != nil {
			return nil, nil, err
		}
		if m, ok := truth.(*priors.Mixture); ok {
			return m.Means, m.Probabilities(), nil
		}
		return nil, nil, nil
	}
	centres, shares = slices.Clone(c.Modes), slices.Clone(c.ModeWeights)
	if prior, ok := c.Post.Prior.(*priors.Mixture); ok {
		for _, mean := range prior.Means {
			if !slices.ContainsFunc(centres, func(m []float64) bool { return slices.Equal(m, mean) }) {
				centres, shares = append(centres, mean), append(shares, 0)
			}
		}
	}
	return centres, shares, nil
}
