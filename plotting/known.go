package plotting

import (
	"context"
	"fmt"
	"math"

	"odslab/odslib"
	"odslab/plotting/internal/density"
)

// knownGrid is the density of a series in two variables on a grid that holds its samples, where it knows its log-density;
// else nil. Samples then only say where to look.
func knownGrid(s Series) *density.Grid {
	if s.log == nil || !s.many() || s.dim() != 2 {
		return nil
	}
	s.table.exact.Do(func() {
		s.table.grid = exponentiated(density.NewGrid(roomy(s.table.column(0)), roomy(s.table.column(1)), 300, 300).Fill(s.log))
	})
	return s.table.grid
}

// roomy is a domain that takes in a known density: that of its samples and a fifth more on either side.
func roomy(c *density.Column) density.Domain {
	r := .2 * (c.Domain.Max - c.Domain.Min)
	return density.Domain{Min: c.Domain.Min - r, Max: c.Domain.Max + r}
}

// exponentiated turns log-densities into a density that integrates to one on the grid; nil where no value is finite. What is not a number
// counts as nothing.
func exponentiated(g *density.Grid) *density.Grid {
	top := highest(g)
	if math.IsInf(top, 0) {
		return nil
	}
	out, total := density.NewGrid(g.X, g.Y, g.NX, g.NY), 0.
	for i, z := range g.Z {
		if p := math.Exp(z - top); !math.IsNaN(p) {
			out.Z[i] = p
			total += p
		}
	}
	total *= (g.X.Max - g.X.Min) * (g.Y.Max - g.Y.Min) / float64(g.NX*g.NY)
	for i := range out.Z {
		out.Z[i] /= total
	}
	return out
}

// highest is the largest value that is a number, −∞ where there is none.
func highest(g *density.Grid) float64 {
	top := math.Inf(-1)
	for _, z := range g.Z {
		if !math.IsNaN(z) {
			top = max(top, z)
		}
	}
	return top
}

// drawn is the number of samples that stand for a prior.
const drawn = 4000

// sampled draws from a prior, always the same samples.
func sampled(p odslib.Prior) Series {
	a, err := p.Sample(context.Background(), drawn, 1)
	if err != nil {
		return Series{err: fmt.Errorf("sampling the prior: %w", err)}
	}
	s := seriesOf(a)
	if s.err == nil && s.dim() == 2 {
		s.log = hostDensity(p)
	}
	return s.as("prior", prior)
}

// hostDensity is the clean density of a prior that can evaluate it outside the graph, else nil.
func hostDensity(p odslib.Prior) func(x, y float64) float64 {
	h, ok := p.(interface {
		LogDensityHost(x []float64, alpha, sigma float64) float64
	})
	if !ok {
		return nil
	}
	return func(x, y float64) float64 { return h.LogDensityHost([]float64{x, y}, 1, 0) }
}

// closedForm is a posterior that is known exactly.
func closedForm(post odslib.Posterior) Series {
	if err := post.Check(); err != nil {
		return Series{err: err}
	}
	if post.Constraint == nil {
		return sampled(post.Prior)
	}
	exact, _, err := post.Exact()
	if err != nil {
		return Series{err: fmt.Errorf("%w; plot a sampler's Result", err)}
	}
	return sampled(exact).as("posterior", sampler)
}
