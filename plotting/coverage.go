package plotting

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"

	"odslab/odslib"
	"odslab/odslib/measure"
	"odslab/plotting/internal/ink"
)

// CoverageCurve is how often regions of given levels held the true value.
type CoverageCurve struct {
	Name             string
	Levels, Coverage []float64
	Simulations      int // behind it, for the band; 0 draws none
}

const coverageOptions = "Levels XLabel YLabel"

// Coverage draws measured against nominal coverage, of credible intervals or of TARP (Lemos et al. 2023), on a square: right
// posteriors lie on the diagonal, within the band with the probability of Levels (.95) over the whole range; over-confident
// ones lie below it.
func Coverage(args ...any) *Figure {
	c := newSettings()
	c.xLabel, c.yLabel = "nominal coverage", "measured coverage"
	var curves []CoverageCurve
	for i, a := range args {
		switch a := a.(type) {
		case Option:
			if err := c.apply(a, coverageOptions); err != nil {
				return failed("Coverage", err)
			}
		case CoverageCurve:
			curves = append(curves, a)
		case []CoverageCurve:
			curves = append(curves, a...)
		default:
			return failed("Coverage", fmt.Errorf("argument %d is a %T, neither a CoverageCurve nor an option", i+1, a))
		}
	}
	if len(curves) == 0 {
		return failed("Coverage", errors.New("nothing to draw: give it a CoverageCurve"))
	}
	level := .95
	if len(c.levels) > 0 {
		level = c.levels[0]
	}
	var names []string
	fewest := math.MaxInt
	for _, k := range curves {
		if len(k.Levels) != len(k.Coverage) || len(k.Levels) == 0 {
			return failed("Coverage", fmt.Errorf("%s has %d levels and %d coverages", k.Name, len(k.Levels), len(k.Coverage)))
		}
		for i := range k.Levels {
			if !(k.Levels[i] >= 0 && k.Levels[i] <= 1 && k.Coverage[i] >= 0 && k.Coverage[i] <= 1) {
				return failed("Coverage", fmt.Errorf("%s: coverage %v at level %v; both are shares between 0 and 1", k.Name, k.Coverage[i], k.Levels[i]))
			}
		}
		if k.Simulations > 0 {
			fewest = min(fewest, k.Simulations)
		}
		names = append(names, k.Name)
	}
	var x, low, high []float64
	if fewest < math.MaxInt {
		const grid = 100
		band, err := measure.ECDFBand(fewest, grid, level)
		if err != nil {
			return failed("Coverage", err)
		}
		x, low, high = []float64{0}, []float64{0}, []float64{0}
		for i, at := range band.At {
			x, low, high = append(x, float64(at+1)/(grid+1)), append(low, band.Low[i]), append(high, band.High[i])
		}
		x, low, high = append(x, 1), append(low, 1), append(high, 1)
	}
	unit := scale{min: 0, max: 1}
	p := &panel{x: newAxis(unit, c.xLabel), y: newAxis(unit, c.yLabel), aspect: 1}
	p.add(func(v *view) {
		v.band(fade(v.s.prior, .25), x, low, high)
		v.line(v.s.dashed(v.s.ink, .9), []float64{0, 1}, []float64{0, 1})
		for i, k := range curves {
			order := make([]int, len(k.Levels))
			for n := range order {
				order[n] = n
			}
			slices.SortFunc(order, func(a, b int) int {
				if k.Levels[a] < k.Levels[b] {
					return -1
				}
				return 1
			})
			var at, share []float64
			for _, n := range order {
				at, share = append(at, k.Levels[n]), append(share, k.Coverage[n])
			}
			v.line(v.s.line(v.s.colours(names)[i], 1.2, i), at, share)
			if len(at) <= 12 {
				v.markers(v.s.colours(names)[i], 1.6, i, at, share)
			}
		}
	})
	return newFigure(fmt.Sprintf("coverage of %s", plural(len(curves), "curve")), func(s *style, width float64, letters bool) *sheet {
		l := &layout{panels: [][]*panel{{p}}, most: 62}
		for i, k := range curves {
			if k.Name != "" {
				l.legend = append(l.legend, lineEntry(k.Name, func(s *style) ink.Pen { return s.line(s.colours(names)[i], 1.2, i) }))
			}
		}
		l.legend = append(l.legend, lineEntry("right", func(s *style) ink.Pen { return s.dashed(s.ink, .9) }))
		if x != nil {
			l.legend = append(l.legend, boxEntry(percent([]float64{level})+" of right posteriors", func(s *style) color.NRGBA { return s.tint(s.prior, .25) }))
		}
		return l.sheet(s, width, letters)
	})
}

// Ranked is what has compared true values with draws, as the calibrations of odslib/compare.
type Ranked interface{ Ranking() measure.Ranking }

// Calibration draws what simulations say about a sampler: ECDF differences of the ranks of true values among its draws, and the
// coverage of central intervals and of TARP. It takes what compare.Calibrating returns, or true values [S, shape…] and the S sets
// of draws that belong to them, as measure.Ranks does.
//
//	plotting.Calibration(calibration)
//	plotting.Calibration(truths, draws)
func Calibration(args ...any) *Figure {
	r, options, err := rankingOf(args)
	if err != nil {
		return failed("Calibration", err)
	}
	if r.Names != nil {
		options = append([]Option{Names(r.Names...)}, options...)
	}
	left := RankECDF(r.Ranks, r.Draws, append([]Option{Columns(min(2, len(r.Ranks)))}, options...)...)
	if left.err != nil {
		return left
	}
	var levels []float64
	for i := range 50 {
		levels = append(levels, float64(i+1)/51)
	}
	per := r.Coverage(levels...)
	mean := make([]float64, len(levels))
	for i := range mean {
		for _, of := range per {
			mean[i] += of[i]
		}
		mean[i] /= float64(len(per)) // at the end: ninths of nine ones are more than 1
	}
	n := len(r.Ranks[0])
	name := "intervals"
	if len(per) > 1 {
		name = fmt.Sprintf("intervals, mean of %d", len(per))
	}
	right := Coverage(CoverageCurve{"TARP", r.Levels, r.TARP, n}, CoverageCurve{name, levels, mean, n})
	if right.err != nil {
		return right
	}
	what := fmt.Sprintf("calibration of %s over %s", plural(len(r.Ranks), "variable"), plural(n, "simulation"))
	return newFigure(what, func(s *style, width float64, letters bool) *sheet {
		rows := [][]*Figure{{left, right}}
		if width < 130*mm*s.k { // a column has no room for both side by side
			rows = [][]*Figure{{left}, {right}}
		}
		return composed(rows, s, width, letters)
	})
}

// rankingOf takes the ranking and the options from the arguments.
func rankingOf(args []any) (r measure.Ranking, options []Option, err error) {
	usage := errors.New("it takes what compare.Calibrating returns, or true values and their sets of draws")
	if len(args) == 0 {
		return r, nil, usage
	}
	rest := args[1:]
	switch first := args[0].(type) {
	case Ranked:
		r = first.Ranking()
		if len(r.Ranks) == 0 || len(r.Ranks[0]) == 0 || len(r.TARP) == 0 {
			return r, nil, errors.New("too few runs gave draws: there is nothing to rank")
		}
	case odslib.Array:
		if len(rest) == 0 {
			return r, nil, usage
		}
		draws, ok := rest[0].([]odslib.Array)
		if !ok {
			return r, nil, usage
		}
		rest = rest[1:]
		if r.Ranks, err = measure.Ranks(first, draws); err != nil {
			return r, nil, err
		}
		r.Draws = draws[0].Len()
		for i := range 50 {
			r.Levels = append(r.Levels, float64(i+1)/51)
		}
		if r.TARP, err = (measure.TARP{}).Coverage(first, draws, r.Levels...); err != nil {
			return r, nil, err
		}
	default:
		return r, nil, usage
	}
	for _, a := range rest {
		o, ok := a.(Option)
		if !ok {
			return r, nil, fmt.Errorf("%T is no option", a)
		}
		options = append(options, o)
	}
	return r, options, nil
}
