package plotting

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Option changes one thing about a plot. An option that has no meaning for a plot is an error.
type Option struct {
	name string
	set  func(c *settings) error
}

// settings is everything that options can say.
type settings struct {
	names          []string
	variables      []any // indices or names
	limits         []variableLimits
	log            []any // variables on logarithmic axes
	xLabel, yLabel string
	x, y           *[2]float64
	logX, logY     bool
	floor          float64
	rows, columns  int
	count          int
	levels         []float64
	exact          float64
	cividis        bool
	threshold      float64
	summary        string
}

func newSettings() settings {
	return settings{floor: math.NaN(), exact: math.NaN(), threshold: math.NaN()}
}

// Names of the variables; x_1 and theta_1 are typeset as such.
func Names(names ...string) Option {
	return Option{"Names", func(c *settings) error { c.names = names; return nil }}
}

// Variables picks the variables to draw, in this order: by their index, counted from 0, or by their name.
func Variables(which ...any) Option {
	return Option{"Variables", func(c *settings) error { c.variables = which; return nil }}
}

type variableLimits struct {
	of       any
	min, max float64
}

// Limits sets the ends of a variable's axis; of is its index or its name.
func Limits(of any, min, max float64) Option {
	return Option{"Limits", func(c *settings) error {
		c.limits = append(c.limits, variableLimits{of, min, max})
		return interval("Limits", min, max)
	}}
}

// Log puts variables, named by index or name, on logarithmic axes; their densities are those of the logarithm.
func Log(which ...any) Option {
	return Option{"Log", func(c *settings) error { c.log = append(c.log, which...); return nil }}
}

// XLabel names the x axis.
func XLabel(label string) Option {
	return Option{"XLabel", func(c *settings) error { c.xLabel = label; return nil }}
}

// YLabel names the y axis.
func YLabel(label string) Option {
	return Option{"YLabel", func(c *settings) error { c.yLabel = label; return nil }}
}

// XLimits sets the ends of the x axis.
func XLimits(min, max float64) Option {
	return Option{"XLimits", func(c *settings) error { c.x = &[2]float64{min, max}; return interval("XLimits", min, max) }}
}

// YLimits sets the ends of the y axis.
func YLimits(min, max float64) Option {
	return Option{"YLimits", func(c *settings) error { c.y = &[2]float64{min, max}; return interval("YLimits", min, max) }}
}

// LogX makes the x axis logarithmic.
func LogX() Option { return Option{"LogX", func(c *settings) error { c.logX = true; return nil }} }

// LogY makes the y axis logarithmic.
func LogY() Option { return Option{"LogY", func(c *settings) error { c.logY = true; return nil }} }

// Floor draws the value that no method can be below: the distance between two sets of exact samples.
func Floor(v float64) Option {
	return Option{"Floor", func(c *settings) error { c.floor = v; return nil }}
}

// Rows sets the rows of an image grid.
func Rows(n int) Option {
	return Option{"Rows", func(c *settings) error { c.rows = n; return positive("Rows", n) }}
}

// Columns sets the columns of a grid.
func Columns(n int) Option {
	return Option{"Columns", func(c *settings) error { c.columns = n; return positive("Columns", n) }}
}

// Count sets how many samples or paths are drawn.
func Count(n int) Option {
	return Option{"Count", func(c *settings) error { c.count = n; return positive("Count", n) }}
}

// Levels sets the shares of probability mass that contours enclose, .5 and .9 by default.
func Levels(mass ...float64) Option {
	return Option{"Levels", func(c *settings) error {
		c.levels = slices.Clone(mass)
		slices.Sort(c.levels)
		for _, m := range mass {
			if !(m > 0 && m < 1) {
				return fmt.Errorf("Levels: %v is not a share of mass between 0 and 1", m)
			}
		}
		return nil
	}}
}

// Exact draws the value that is known: of log Z in ESS, of the loss's optimum in Training.
func Exact(v float64) Option {
	return Option{"Exact", func(c *settings) error { c.exact = v; return nil }}
}

// Threshold draws the share of effective particles below which a sampler resamples.
func Threshold(v float64) Option {
	return Option{"Threshold", func(c *settings) error { c.threshold = v; return nil }}
}

// Cividis replaces viridis by the colour map that looks the same to nearly everyone.
func Cividis() Option {
	return Option{"Cividis", func(c *settings) error { c.cividis = true; return nil }}
}

func interval(name string, a, b float64) error {
	if !(a < b) {
		return fmt.Errorf("%s: %v is not below %v", name, a, b)
	}
	return nil
}

func positive(name string, n int) error {
	if n < 1 {
		return fmt.Errorf("%s: %d is not a number of things to draw", name, n)
	}
	return nil
}

// apply sets an option if the plot knows it.
func (c *settings) apply(o Option, known string) error {
	if o.set == nil {
		return fmt.Errorf("an empty Option")
	}
	if !slices.Contains(strings.Fields(known), o.name) {
		return fmt.Errorf("option %s has no meaning here; there are %s", o.name, strings.Join(strings.Fields(known), ", "))
	}
	return o.set(c)
}

// collect sorts the arguments of a plot of samples into series and options.
func collect(args []any, known string) ([]Series, settings, error) {
	c := newSettings()
	var all []Series
	for i, a := range args {
		if o, ok := a.(Option); ok {
			if err := c.apply(o, known); err != nil {
				return nil, c, err
			}
			continue
		}
		s := seriesOf(a)
		if s.err != nil {
			if s.name != "" && s.name != "samples" {
				return nil, c, fmt.Errorf("%s: %w", s.name, s.err)
			}
			return nil, c, fmt.Errorf("argument %d: %w", i+1, s.err)
		}
		for n := 2; slices.ContainsFunc(all, func(o Series) bool { return o.name == s.name && o.role == s.role }); n++ {
			s.name = fmt.Sprintf("%s %d", strings.TrimSuffix(s.name, fmt.Sprintf(" %d", n-1)), n)
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, c, fmt.Errorf("nothing to draw: give it samples, such as a *odslib.Result")
	}
	return all, c, nil
}

func (c *settings) magnitudes() *colourMap {
	if c.cividis {
		return cividis
	}
	return viridis
}
