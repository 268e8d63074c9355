package plotting

import (
	"errors"

	"odslab/plotting/internal/density"
)

// Inside tells which of the contours that Pair draws for samples in two variables hold a point: the regions of the given
// shares of mass.
func Inside(samples any, mass ...float64) (func(x, y float64) []bool, error) {
	s := seriesOf(samples)
	if s.err != nil {
		return nil, s.err
	}
	if !s.many() || s.dim() != 2 {
		return nil, errors.New("contours are of samples in two variables")
	}
	cx, cy := s.table.column(0), s.table.column(1)
	if cx.Kind != density.Smooth || cy.Kind != density.Smooth {
		return nil, errors.New("the samples are no draws from a smooth density: there are no contours")
	}
	g := density.Estimate2(cx, cy, 128)
	levels := g.Levels(mass...)
	return func(x, y float64) []bool {
		z, out := g.Interpolate(x, y), make([]bool, len(levels))
		for k, l := range levels {
			out[k] = z > l
		}
		return out
	}, nil
}
