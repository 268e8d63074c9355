package plotting

import (
	"errors"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"odslab/odslib/measure"
	"odslab/plotting/internal/ink"
)

const rankOptions = "Names Variables Columns Levels"

// RankHistogram draws the ranks of simulation-based calibration (Talts et al. 2018), as measure.Ranks returns them: ranks of
// each variable on 0 … draws. Right posteriors give level histograms; the band holds all bins of a right one with the
// probability of Levels (.95). A ∪ is over-confidence, a ∩ the opposite, a slope a bias.
func RankHistogram(ranks [][]int, draws int, options ...Option) *Figure {
	r, err := newRankPlot(ranks, draws, options)
	if err != nil {
		return failed("RankHistogram", err)
	}
	bins := max(4, min(20, r.n/15, draws+1))
	law := func(width int) distuv.Binomial {
		return distuv.Binomial{N: float64(r.n), P: float64(width) / float64(draws+1)}
	}
	edges := make([]int, bins+1) // bin b holds the ranks edges[b] … edges[b+1]−1
	for b := range edges {
		edges[b] = b * (draws + 1) / bins
	}
	alpha := (1 - r.level) / float64(bins) / 2
	low, high := make([]float64, bins), make([]float64, bins)
	for b := range bins {
		l := law(edges[b+1] - edges[b])
		low[b], high[b] = binomialQuantile(l, alpha), binomialQuantile(l, 1-alpha)
	}
	top := 0.
	counts := make([][]float64, len(ranks))
	for i, of := range ranks {
		counts[i] = make([]float64, bins)
		for _, v := range of {
			b := min(v*bins/(draws+1), bins-1)
			for v < edges[b] {
				b--
			}
			for v >= edges[b+1] {
				b++
			}
			counts[i][b]++
		}
		for b, c := range counts[i] {
			top = max(top, c, high[b])
		}
	}
	return r.figure("rank histograms", "rank", "simulations", scale{min: 0, max: float64(draws + 1)}, scale{min: 0, max: 1.08 * top}, .62, func(v *view, i int) {
		var x, l, h, c []float64
		for b := range bins {
			for _, e := range edges[b : b+2] {
				x, l, h, c = append(x, float64(e)), append(l, low[b]), append(h, high[b]), append(c, counts[i][b])
			}
		}
		v.band(fade(v.s.prior, .25), x, l, h)
		v.line(v.s.dashed(v.s.ink, .8), []float64{0, float64(draws + 1)}, []float64{float64(r.n) / float64(bins), float64(r.n) / float64(bins)})
		v.band(fade(v.s.colour(0), .3), x, make([]float64, len(x)), c)
		v.line(v.s.pen(v.s.colour(0), 1), x, c)
	})
}

// RankECDF draws how far the distribution of the ranks is from the uniform one, with the band that holds the whole curve of a
// right posterior with the probability of Levels (.95): T. Säilynoja, P.-C. Bürkner, A. Vehtari, Statistics and Computing 32,
// 2022. All variables have one scale.
func RankECDF(ranks [][]int, draws int, options ...Option) *Figure {
	r, err := newRankPlot(ranks, draws, options)
	if err != nil {
		return failed("RankECDF", err)
	}
	band, err := measure.ECDFBand(r.n, draws, r.level)
	if err != nil {
		return failed("RankECDF", err)
	}
	x, low, high := []float64{0}, []float64{0}, []float64{0}
	for i, at := range band.At {
		u := float64(at+1) / float64(draws+1)
		x, low, high = append(x, u), append(low, band.Low[i]-u), append(high, band.High[i]-u)
	}
	x, low, high = append(x, 1), append(low, 0), append(high, 0)
	most := 0.
	differences := make([][]float64, len(ranks))
	for i, of := range ranks {
		upTo := make([]float64, draws+2)
		for _, v := range of {
			upTo[v+1]++
		}
		differences[i] = make([]float64, draws+2)
		for k := 1; k <= draws+1; k++ {
			upTo[k] += upTo[k-1]
			differences[i][k] = upTo[k]/float64(r.n) - float64(k)/float64(draws+1)
			most = max(most, math.Abs(differences[i][k]))
		}
	}
	for i := range low {
		most = max(most, -low[i], high[i])
	}
	at := make([]float64, draws+2)
	for k := range at {
		at[k] = float64(k) / float64(draws+1)
	}
	return r.figure("ECDF differences of ranks", "rank / "+grouped(float64(draws)), "ECDF − uniform", scale{min: 0, max: 1}, scale{min: -1.08 * most, max: 1.08 * most}, .7, func(v *view, i int) {
		v.band(fade(v.s.prior, .25), x, low, high)
		v.line(v.s.dashed(v.s.ink, .8), []float64{0, 1}, []float64{0, 0})
		v.line(v.s.pen(v.s.colour(0), 1.2), at, differences[i])
	})
}

// binomialQuantile is the smallest count whose distribution function reaches q.
func binomialQuantile(l distuv.Binomial, q float64) float64 {
	for k := 0.; k < l.N; k++ {
		if l.CDF(k) >= q {
			return k
		}
	}
	return l.N
}

// rankPlot is what the plots of ranks share.
type rankPlot struct {
	n     int
	level float64
	names []string
	index []int
	cols  int
	notes []string
}

func newRankPlot(ranks [][]int, draws int, options []Option) (*rankPlot, error) {
	c := newSettings()
	for _, o := range options {
		if err := c.apply(o, rankOptions); err != nil {
			return nil, err
		}
	}
	if len(ranks) == 0 || len(ranks[0]) == 0 {
		return nil, errors.New("there are no ranks")
	}
	r := &rankPlot{n: len(ranks[0]), level: .95, cols: c.columns}
	if len(c.levels) > 0 {
		r.level = c.levels[0]
	}
	for i, of := range ranks {
		if len(of) != r.n {
			return nil, fmt.Errorf("variable %d has %d ranks and variable 0 has %d", i, len(of), r.n)
		}
		for s, v := range of {
			if v < 0 || v > draws {
				return nil, fmt.Errorf("rank %d of simulation %d, variable %d, is not in 0 … %d", v, s, i, draws)
			}
		}
	}
	all, err := allNames(nil, &c, len(ranks))
	if err != nil {
		return nil, err
	}
	if c.variables == nil {
		for i := range min(len(ranks), 12) {
			c.variables = append(c.variables, i)
		}
		if len(ranks) > 12 {
			r.notes = append(r.notes, fmt.Sprintf("The first 12 of %d variables; Variables(i, j, …) draws others", len(ranks)))
		}
	}
	for k, which := range c.variables {
		i, err := variable(which, all, len(ranks))
		if err != nil {
			return nil, fmt.Errorf("Variables: %w", err)
		}
		r.index = append(r.index, i)
		name := all[i]
		if len(c.names) == len(c.variables) {
			name = c.names[k]
		}
		r.names = append(r.names, name)
	}
	if r.cols == 0 {
		r.cols = min(len(r.index), 4)
	}
	return r, nil
}

func (r *rankPlot) figure(kind, xLabel, yLabel string, x, y scale, aspect float64, fill func(v *view, i int)) *Figure {
	what := fmt.Sprintf("%s of %s over %s", kind, plural(len(r.index), "variable"), plural(r.n, "simulation"))
	return newFigure(what, func(s *style, width float64, letters bool) *sheet {
		l := &layout{gap: 1, aspect: aspect, most: 50, notes: r.notes}
		for i := 0; i < len(r.index); i += r.cols {
			row := make([]*panel, r.cols)
			for j := range min(r.cols, len(r.index)-i) {
				p := &panel{x: newAxis(x, xLabel), y: newAxis(y, yLabel), title: r.names[i+j]}
				p.x.edge = .02
				p.x.most = 3
				p.y.numbers, p.x.numbers = j == 0, i+j+r.cols >= len(r.index)
				p.add(func(v *view) { fill(v, r.index[i+j]) })
				row[j] = p
			}
			l.panels = append(l.panels, row)
		}
		l.legend = []entry{
			boxEntry(percent([]float64{r.level})+" of right posteriors, over the whole range", func(s *style) color.NRGBA { return s.tint(s.prior, .25) }),
			lineEntry("expected", func(s *style) ink.Pen { return s.dashed(s.ink, .8) }),
		}
		return l.sheet(s, width, letters)
	})
}
