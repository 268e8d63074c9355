package plotting

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"odslab/plotting/internal/density"
)

// variables checks that all series have the same dimension and picks what to draw.
func variables(series []Series, c *settings) (vars []int, names, notes []string, err error) {
	d := series[0].dim()
	for _, s := range series {
		if s.dim() == 0 {
			return nil, nil, nil, fmt.Errorf("%s has no samples", s.name)
		}
		if s.dim() != d {
			return nil, nil, nil, fmt.Errorf("%s has %d variables and %s has %d", series[0].name, d, s.name, s.dim())
		}
	}
	vars = slices.Clone(c.variables)
	for _, v := range vars {
		if v < 0 || v >= d {
			return nil, nil, nil, fmt.Errorf("Variables: there is no variable %d; they are 0 to %d", v, d-1)
		}
	}
	if vars == nil {
		for i := range min(d, mostVariables) {
			vars = append(vars, i)
		}
		if d > mostVariables {
			notes = append(notes, fmt.Sprintf("The first %d of %d variables.", mostVariables, d))
		}
	} else if len(vars) < d {
		notes = append(notes, fmt.Sprintf("%d of %d variables.", len(vars), d))
	}
	switch {
	case c.names == nil:
		for _, v := range vars {
			names = append(names, fmt.Sprintf("x_%d", v+1))
		}
	case len(c.names) == len(vars):
		names = c.names
	case len(c.names) == d:
		for _, v := range vars {
			names = append(names, c.names[v])
		}
	default:
		return nil, nil, nil, fmt.Errorf("Names: %d names for %d variables", len(c.names), len(vars))
	}
	if !slices.ContainsFunc(series, Series.many) {
		return nil, nil, nil, errors.New("there is a true point but there are no samples")
	}
	return vars, names, notes, nil
}

func seriesNames(series []Series) string {
	var names []string
	for _, s := range series {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// limits are an axis's ends: the bulk of all series but the prior, and the true value.
func limits(series []Series, v int, curve func(k int) density.Curve) scale {
	var at []float64
	for _, withPrior := range []bool{false, true} {
		for k, s := range series {
			if s.role == prior && !withPrior {
				continue
			}
			if s.point != nil {
				at = append(at, s.point[v])
				continue
			}
			c := curve(k)
			// Where the density has fallen below a hundredth of its top, nothing is to be seen.
			top := slices.Max(c.Y)
			lo, hi := c.X[len(c.X)-1], c.X[0]
			for i, y := range c.Y {
				if y > .008*top {
					lo, hi = min(lo, c.X[i]), max(hi, c.X[i])
				}
			}
			at = append(at, lo, hi)
		}
		if len(at) > 1 {
			break
		}
	}
	return around(.05, false, at...)
}

// percent writes shares as "50 and 90 %".
func percent(shares []float64) string {
	var out []string
	for _, v := range shares {
		out = append(out, strings.TrimSuffix(fmt.Sprintf("%.3g", 100*v), ".0"))
	}
	if len(out) == 1 {
		return out[0] + " %"
	}
	return strings.Join(out[:len(out)-1], ", ") + " and " + out[len(out)-1] + " %"
}
