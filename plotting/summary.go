package plotting

import (
	"fmt"
	"math"
	"strings"
)

// Summary writes above each marginal what it comes to: "mean" (the default) is the mean ± the standard deviation, "median"
// the median and how far the ends of the central 90 % are from it. Of several samplers it is that of the first.
func Summary(kind ...string) Option {
	return Option{"Summary", func(c *settings) error {
		c.summary = "mean"
		if len(kind) > 0 {
			c.summary = kind[0]
		}
		if c.summary != "mean" && c.summary != "median" {
			return fmt.Errorf("Summary: %q is neither mean nor median", c.summary)
		}
		return nil
	}}
}

// moments are of all samples of a variable, weighted.
type moments struct{ mean, sd, low, median, high float64 }

func (v *chosen) moments(k, variable int) (m moments) {
	c := v.series[k].table.column(v.index[variable])
	for i, w := range c.W {
		if w > 0 {
			m.mean += w * c.X[i]
		}
	}
	for i, w := range c.W {
		if w > 0 {
			m.sd += w * (c.X[i] - m.mean) * (c.X[i] - m.mean)
		}
	}
	m.sd = math.Sqrt(m.sd)
	m.low, m.median, m.high = c.Quantile(.05), c.Quantile(.5), c.Quantile(.95)
	if v.scales[variable].power { // of the values; the mean is that of their logarithms, which is their geometric mean
		m.low, m.median, m.high = math.Pow(10, m.low), math.Pow(10, m.median), math.Pow(10, m.high)
	}
	return m
}

// toError writes a value and what it is uncertain by with two digits of the latter.
func toError(by float64, values ...float64) []string {
	digits := 2
	if by > 0 && !math.IsInf(by, 0) {
		digits = 1 - int(math.Floor(math.Log10(by)))
	}
	out := make([]string, len(values))
	for i, v := range values {
		if a := math.Abs(v); digits > 6 || digits < -4 || a >= 1e6 {
			out[i] = short(v)
			continue
		}
		p := math.Pow(10, float64(digits))
		out[i] = number(math.Round(v*p)/p, max(0, digits))
	}
	return out
}

// summaryOf is the first sampler's summary of a variable.
func (v *chosen) summaryOf(variable int, kind string) string {
	for k, s := range v.series {
		if s.role != sampler || !s.many() {
			continue
		}
		m := v.moments(k, variable)
		if kind == "median" || v.scales[variable].power {
			t := toError(max(m.high-m.low, 1e-300)/3, m.median, m.high-m.median, m.median-m.low)
			return fmt.Sprintf("%s = %s^{+%s}_{−%s}", v.names[variable], t[0], t[1], t[2])
		}
		t := toError(m.sd, m.mean, m.sd)
		return fmt.Sprintf("%s = %s ± %s", v.names[variable], t[0], t[1])
	}
	return ""
}

// numbers are the moments of every series and variable, a line each, and the notes.
func (v *chosen) numbers() string {
	var b strings.Builder
	for k, s := range v.series {
		if !s.many() {
			continue
		}
		for i, name := range v.names {
			m := v.moments(k, i)
			by := m.sd
			if v.scales[i].power {
				by = (m.high - m.low) / 3
			}
			t := toError(by, m.mean, m.sd, m.median, m.low, m.high)
			if v.scales[i].power {
				fmt.Fprintf(&b, "%s, %s: median %s, 90 %% in %s to %s\n", s.name, name, t[2], t[3], t[4])
				continue
			}
			fmt.Fprintf(&b, "%s, %s: mean %s ± %s, median %s, 90 %% in %s to %s\n", s.name, name, t[0], t[1], t[2], t[3], t[4])
		}
	}
	for _, n := range v.notes {
		b.WriteString(n + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}
