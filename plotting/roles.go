package plotting

import (
	"hash/fnv"
	"image/color"
	"strings"
	"unicode"

	"odslab/plotting/internal/ink"
)

// homes are the colours of methods, by the first word of their name, so that a method has one colour in all figures. Other
// names have theirs by their letters.
var homes = map[string]int{
	"posterior": 0, "samples": 0, "dps": 0, "bootstrap": 1, "smc": 1, "rtb": 2, "tds": 3, "elliptical": 4, "πgdm": 5, "pigdm": 5, "plain": 6,
	"chain": 0, "loss": 0, "exact": 6,
}

func home(name string) (place int, known bool) {
	first := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })
	if len(first) > 0 {
		if i, ok := homes[strings.ToLower(first[0])]; ok {
			return i, true
		}
	}
	h := fnv.New32a()
	h.Write([]byte(strings.TrimRight(name, " 0123456789")))
	return int(h.Sum32() % 6), false
}

// places give each name of a figure a colour of its own: known methods first. Names that are no sampler's take what is left
// in their order. From the eighth on colours come back, with other dashes.
func places(names []string, samplers bool) []int {
	out, n := make([]int, len(names)), len(okabeIto)
	var taken [len(okabeItoEither)]bool
	for _, round := range []bool{true, false} {
		for i, name := range names[:min(n, len(names))] {
			p, known := home(name)
			if known != round {
				continue
			}
			if !known && !samplers {
				p = 0
			}
			for taken[p] {
				p = (p + 1) % n
			}
			taken[p], out[i] = true, p
		}
	}
	for i := n; i < len(names); i++ {
		out[i] = out[i-n]
	}
	return out
}

// colours are those of named samplers in one figure.
func (s *style) colours(names []string) []color.NRGBA { return s.assigned(names, true) }

func (s *style) assigned(names []string, samplers bool) []color.NRGBA {
	out := make([]color.NRGBA, len(names))
	for i, p := range places(names, samplers) {
		out[i] = s.colour(p)
		if c, ok := s.given[names[i]]; ok {
			out[i] = c
		}
	}
	return out
}

// posteriors is the number of series that are neither prior nor truth.
func posteriors(series []Series) int { return len(samplerNames(series)) }

func samplerNames(series []Series) (names []string) {
	for _, s := range series {
		if s.role == sampler {
			names = append(names, s.name)
		}
	}
	return names
}

// nth is a series' place among the samplers.
func nth(series []Series, k int) int { return len(samplerNames(series[:k])) }

// colourOf is a series' colour: by its part, or a sampler's own.
func colourOf(s *style, series []Series, k int) color.NRGBA {
	if c, ok := s.given[series[k].name]; ok {
		return c
	}
	switch series[k].role {
	case prior:
		return s.prior
	case truth:
		return s.ink
	case reference:
		return s.axis
	}
	return s.colours(samplerNames(series))[nth(series, k)]
}

// penOf draws a series' lines: samplers differ by their dashes too.
func penOf(s *style, series []Series, k int, width float64) ink.Pen {
	c := colourOf(s, series, k)
	switch series[k].role {
	case truth:
		return s.dashed(c, width)
	case reference:
		return s.dotted(c, width)
	case prior:
		return s.pen(c, width)
	}
	return s.line(c, width, nth(series, k))
}

// drawOrder puts the prior below and the truth on top.
func drawOrder(series []Series) []int {
	var order []int
	for _, r := range []role{prior, sampler, reference, truth} {
		for k, s := range series {
			if s.role == r {
				order = append(order, k)
			}
		}
	}
	return order
}

// seriesEntries are the lines of a legend: samplers in their order, then the rest.
func seriesEntries(series []Series) (es []entry) {
	for k, s := range series {
		if s.role == sampler {
			es = append(es, seriesEntry(series, k, s.name))
		}
	}
	for _, k := range drawOrder(series) {
		if series[k].role != sampler {
			es = append(es, seriesEntry(series, k, series[k].name))
		}
	}
	return es
}

func seriesEntry(series []Series, k int, name string) entry {
	switch series[k].role {
	case prior:
		return boxEntryEdge(name, func(s *style) (color.NRGBA, ink.Pen) { return s.prior, s.pen(s.prior, .8) }, .2)
	case truth, reference:
		return lineEntry(name, func(s *style) ink.Pen { return penOf(s, series, k, .9) })
	}
	if posteriors(series) > 4 {
		return lineEntry(name, func(s *style) ink.Pen { return penOf(s, series, k, 1.1) })
	}
	return boxEntryEdge(name, func(s *style) (color.NRGBA, ink.Pen) { return colourOf(s, series, k), penOf(s, series, k, .9) }, .4)
}

func boxEntryEdge(name string, c func(s *style) (color.NRGBA, ink.Pen), share float64) entry {
	return entry{name, func(page *ink.Page, s *style, r ink.Rect) {
		fill, pen := c(s)
		page.Box(s.tint(fill, share), r)
		page.Frame(pen, r)
	}}
}
