package plotting

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"odslab/plotting/internal/density"
)

// chosen are the variables that a plot of distributions shows, and what it has to say about them.
type chosen struct {
	series []Series // on logarithmic axes their values are logarithms to base 10
	index  []int
	names  []string
	scales []scale
	notes  []string
}

// choose checks that all series have the same variables, picks what to draw, and finds the axes' ends.
func choose(series []Series, c *settings, most int) (*chosen, error) {
	d := series[0].dim()
	for _, s := range series {
		if s.dim() == 0 {
			return nil, fmt.Errorf("%s has no samples", s.name)
		}
		if s.dim() != d {
			return nil, fmt.Errorf("%s has %d variables and %s has %d", series[0].name, d, s.name, s.dim())
		}
	}
	if !slices.ContainsFunc(series, Series.many) {
		return nil, errors.New("there is a true point but there are no samples")
	}
	all, err := allNames(series, c, d)
	if err != nil {
		return nil, err
	}
	v := &chosen{series: slices.Clone(series)}
	for _, which := range c.variables {
		i, err := variable(which, all, d)
		if err != nil {
			return nil, fmt.Errorf("Variables: %w", err)
		}
		v.index = append(v.index, i)
	}
	if v.index == nil {
		for i := range min(d, most) {
			v.index = append(v.index, i)
		}
		if d > most {
			v.notes = append(v.notes, fmt.Sprintf("The first %d of %d variables; Variables(i, j, …) draws others", most, d))
		}
	} else if len(v.index) < d && c.variables != nil {
		v.notes = append(v.notes, fmt.Sprintf("%d of %d variables", len(v.index), d))
	}
	for n, i := range v.index {
		switch {
		case len(c.names) == len(v.index):
			v.names = append(v.names, c.names[n])
		default:
			v.names = append(v.names, all[i])
		}
	}
	power, err := v.logarithms(c, all, d)
	if err != nil {
		return nil, err
	}
	for n, i := range v.index {
		sc := v.page(i)
		for _, l := range c.limits {
			if at, err := variable(l.of, all, d); err != nil {
				return nil, fmt.Errorf("Limits: %w", err)
			} else if at == i {
				sc = scale{min: l.min, max: l.max}
				if power[i] {
					if l.min <= 0 {
						return nil, fmt.Errorf("Limits: a logarithmic axis cannot start at %g", l.min)
					}
					sc = scale{min: math.Log10(l.min), max: math.Log10(l.max)}
				}
			}
		}
		sc.power = power[i]
		v.scales = append(v.scales, sc)
		for _, s := range v.series {
			if s.point != nil && !math.IsNaN(s.point[i]) && !(sc.to(s.point[i]) >= 0 && sc.to(s.point[i]) <= 1) {
				v.notes = append(v.notes, fmt.Sprintf("%s of %s, %s, lies outside", s.name, v.names[n], short(s.point[i])))
			}
		}
	}
	v.notes = append(v.notes, v.said()...)
	return v, nil
}

// allNames are the names of all d variables.
func allNames(series []Series, c *settings, d int) ([]string, error) {
	if len(c.names) == d {
		return c.names, nil
	}
	if c.names != nil && len(c.names) != len(c.variables) {
		n := d
		if c.variables != nil {
			n = len(c.variables)
		}
		return nil, fmt.Errorf("Names: %d names for %d variables", len(c.names), n)
	}
	for _, s := range series {
		if len(s.names) == d {
			return s.names, nil
		}
	}
	var names []string
	for i := range d {
		names = append(names, fmt.Sprintf("x_%d", i+1))
	}
	return names, nil
}

// variable finds a variable by its index or its name.
func variable(which any, names []string, d int) (int, error) {
	switch w := which.(type) {
	case int:
		if w < 0 || w >= d {
			return 0, fmt.Errorf("there is no variable %d; they are 0 to %d", w, d-1)
		}
		return w, nil
	case string:
		if i := slices.Index(names, w); i >= 0 {
			return i, nil
		}
		return 0, fmt.Errorf("there is no variable %q; they are %s", w, strings.Join(names[:min(len(names), 12)], ", "))
	}
	return 0, fmt.Errorf("%v is neither a variable's index nor its name", which)
}

// logarithms replaces variables on logarithmic axes by their logarithms; samples that have none are left out and counted.
func (v *chosen) logarithms(c *settings, names []string, d int) (power []bool, err error) {
	power = make([]bool, d)
	any := false
	for _, which := range c.log {
		i, err := variable(which, names, d)
		if err != nil {
			return nil, fmt.Errorf("Log: %w", err)
		}
		power[i], any = true, true
	}
	if !any {
		return power, nil
	}
	for k, s := range v.series {
		if s.point != nil {
			s.point = slices.Clone(s.point)
			for i := range s.point {
				if power[i] {
					s.point[i] = math.Log10(s.point[i])
				}
			}
			v.series[k] = s
			continue
		}
		var rows [][]float64
		var w []float64
		n := s.samples.Len()
		columns := make([][]float64, d)
		for j := range d {
			columns[j] = s.column(j)
		}
		total := 0.
	next:
		for i := range n {
			row := make([]float64, d)
			for j := range d {
				if row[j] = columns[j][i]; power[j] {
					if !(row[j] > 0) {
						continue next
					}
					row[j] = math.Log10(row[j])
				}
			}
			rows, w = append(rows, row), append(w, s.weights[i])
			total += s.weights[i]
		}
		if !(total > 0) {
			return nil, fmt.Errorf("Log: no sample of %s is positive", s.name)
		}
		for i := range w {
			w[i] /= total
		}
		if len(rows) < n {
			v.notes = append(v.notes, fmt.Sprintf("%s: %s are not positive and have no place on a logarithmic axis", s.name, ofSamples(n-len(rows), n)))
		}
		q := seriesOf(rows)
		q.name, q.role, q.names, q.lost, q.result, q.weights = s.name, s.role, s.names, s.lost, s.result, w
		q.table = newTable(d, w, q.column)
		v.series[k] = q
	}
	return power, nil
}

// span is the part of an axis that a variable needs: all samples in the domain but the outermost half per mille.
func span(c *density.Column) (lo, hi float64) {
	lo, hi = max(c.Quantile(.0005), c.Domain.Min), min(c.Quantile(.9995), c.Domain.Max)
	if c.Hard[0] || c.Kind == density.Discrete || c.Kind == density.Few {
		lo = c.Domain.Min
	}
	if c.Hard[1] || c.Kind == density.Discrete || c.Kind == density.Few {
		hi = c.Domain.Max
	}
	if c.Kind == density.Discrete {
		lo, hi = lo-.6*c.Pitch(), hi+.6*c.Pitch()
	}
	return lo, hi
}

// page is the axis of a variable. It follows the posteriors, takes in a prior that is hardly wider, and points that
// leave the posteriors a quarter of it.
func (v *chosen) page(i int) scale {
	lo, hi := math.Inf(1), math.Inf(-1)
	take := func(a, b, widest float64) {
		if l, h := min(lo, a), max(hi, b); !(hi > lo) || h-l <= widest*(hi-lo) {
			lo, hi = l, h
		}
	}
	for _, s := range v.series {
		if s.many() && s.role != prior {
			a, b := span(s.table.column(i))
			take(a, b, math.Inf(1))
		}
	}
	for _, s := range v.series {
		if s.many() && s.role == prior {
			a, b := span(s.table.column(i))
			take(a, b, 1.4)
		}
	}
	for _, s := range v.series {
		if s.point != nil && !math.IsNaN(s.point[i]) && !math.IsInf(s.point[i], 0) {
			take(s.point[i], s.point[i], 4)
		}
	}
	return around(.04, false, lo, hi)
}

// said are the lines below a figure: what its picture does not show of the samples.
func (v *chosen) said() (notes []string) {
	var out []string
	for _, s := range v.series {
		if !s.many() {
			continue
		}
		if n := v.outside(s); n > 0 {
			out = append(out, fmt.Sprintf("%s %s of %s", s.name, grouped(float64(n)), grouped(float64(s.samples.Len()))))
		}
		if s.lost > 0 {
			notes = append(notes, fmt.Sprintf("%s: %s are not finite and are left out", s.name, ofSamples(s.lost, s.lost+s.samples.Len())))
		}
		if n := s.table.size(); n < fewest {
			notes = append(notes, fmt.Sprintf("%s: %s effective samples are too few for regions; all are drawn", s.name, short(math.Round(10*n)/10)))
			continue
		}
		var discrete, constant, tied []string
		for n, i := range v.index {
			switch c := s.table.column(i); {
			case c.Kind == density.Discrete && len(c.Atoms) == 1:
				constant = append(constant, fmt.Sprintf("%s = %s", v.names[n], short(c.Atoms[0].At)))
			case c.Kind == density.Discrete:
				discrete = append(discrete, fmt.Sprintf("%s takes %d values", v.names[n], len(c.Atoms)))
			case c.Kind == density.Tied:
				share := 0.
				for _, a := range c.Atoms {
					share += a.Share
				}
				tied = append(tied, fmt.Sprintf("%s holds %s of its weight in %s", v.names[n], percent([]float64{math.Round(1000*share) / 1000}), plural(len(c.Atoms), "value")))
			}
		}
		if constant != nil {
			notes = append(notes, fmt.Sprintf("%s: constant %s", s.name, strings.Join(constant, ", ")))
		}
		if discrete != nil {
			notes = append(notes, fmt.Sprintf("%s: %s; bars are shares", s.name, strings.Join(discrete, ", ")))
		}
		if tied != nil {
			notes = append(notes, fmt.Sprintf("%s: %s; bars are shares", s.name, strings.Join(tied, ", ")))
		}
	}
	if out != nil {
		notes = append(notes, "Samples outside the page: "+strings.Join(out, ", "))
	}
	return notes
}

// fewest effective samples for which regions are drawn.
const fewest = 20

func plural(n int, what string) string {
	if n == 1 {
		return "one " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// outside counts samples that lie beyond an axis.
func (v *chosen) outside(s Series) int {
	out := make([]bool, s.samples.Len())
	n := 0
	for k, i := range v.index {
		for j, x := range s.column(i) {
			if sc := v.scales[k]; !out[j] && s.weights[j] > 0 && !(x >= sc.min && x <= sc.max) {
				out[j] = true
				n++
			}
		}
	}
	return n
}

func seriesNames(series []Series) string {
	var names []string
	for _, s := range series {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
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
