package plotting

import (
	"image/color"

	"odslab/plotting/internal/ink"
)

// posteriors is the number of series that are neither prior nor truth.
func posteriors(series []Series) int {
	n := 0
	for _, s := range series {
		if s.role == sampler {
			n++
		}
	}
	return n
}

// colourOf is a series' colour: by its part, or by its place among the samplers.
func colourOf(s *style, series []Series, k int) color.NRGBA {
	switch series[k].role {
	case prior:
		return s.prior
	case truth:
		return s.ink
	}
	n := 0
	for _, o := range series[:k] {
		if o.role == sampler {
			n++
		}
	}
	return s.colour(n)
}

// drawOrder puts the prior below and the truth on top.
func drawOrder(series []Series) []int {
	var order []int
	for _, r := range []role{prior, sampler, truth} {
		for k, s := range series {
			if s.role == r {
				order = append(order, k)
			}
		}
	}
	return order
}

func seriesEntry(series []Series, k int, name string) entry {
	switch series[k].role {
	case prior:
		return boxEntryEdge(name, func(s *style) color.NRGBA { return s.prior }, .2)
	case truth:
		return lineEntry(name, func(s *style) ink.Pen { return s.dashed(s.ink, .9) })
	}
	return boxEntryEdge(name, func(s *style) color.NRGBA { return colourOf(s, series, k) }, .45)
}

func boxEntryEdge(name string, c func(s *style) color.NRGBA, share float64) entry {
	return entry{name, func(page *ink.Page, s *style, r ink.Rect) {
		page.Box(tint(c(s), s.paper, share), r)
		page.Frame(s.pen(c(s), .8), r)
	}}
}
