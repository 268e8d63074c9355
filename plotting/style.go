package plotting

import (
	"image/color"

	"odslab/plotting/internal/ink"
)

// theme is the ground that a figure is made for.
type theme int

const (
	either   theme = iota // a transparent ground, with inks that can be read on white and on black: a notebook's page
	onPaper               // white
	darkness              // near-black
)

// style is the theme at a size: every colour, width and font size there is.
type style struct {
	k                          float64 // scale of text and lines
	theme                      theme
	paper, ink, axis, faint    color.NRGBA
	prior                      color.NRGBA
	cycle                      []color.NRGBA
	label, tick, small, letter ink.Font
	width                      float64 // of a data line
	loose                      bool
	legend                     LegendPlace
	given                      map[string]color.NRGBA // colours asked for, by name
}

func newStyle(p Preset, t theme) *style {
	k := p.Text
	s := &style{
		k: k, theme: t,
		paper: color.NRGBA{255, 255, 255, 255}, ink: color.NRGBA{0, 0, 0, 255}, axis: color.NRGBA{84, 84, 84, 255},
		faint: color.NRGBA{200, 200, 200, 255}, prior: color.NRGBA{110, 110, 110, 255}, cycle: okabeIto,
		label: ink.Font{Size: 7.5 * k}, tick: ink.Font{Size: 6.5 * k}, small: ink.Font{Size: 6.5 * k},
		letter: ink.Font{Face: ink.Bold, Size: 8.5 * k}, width: 1.2 * lineScale(k), loose: p.loose,
	}
	switch t {
	case darkness:
		s.paper, s.ink, s.axis = color.NRGBA{0x16, 0x1a, 0x20, 255}, color.NRGBA{0xf2, 0xf2, 0xf2, 255}, color.NRGBA{0xb4, 0xb8, 0xbe, 255}
		s.faint, s.prior, s.cycle = color.NRGBA{0x4a, 0x50, 0x58, 255}, color.NRGBA{140, 141, 143, 255}, okabeItoDark
	case either:
		s.paper, s.ink, s.axis = color.NRGBA{}, color.NRGBA{0x6e, 0x6e, 0x6e, 255}, color.NRGBA{0x74, 0x74, 0x74, 255}
		s.faint, s.prior, s.cycle = color.NRGBA{0x80, 0x80, 0x80, 0x80}, color.NRGBA{0x7a, 0x7a, 0x7a, 255}, okabeItoEither[:]
	}
	return s
}

// lineScale lets lines grow with the text, but less.
func lineScale(k float64) float64 { return (1 + k) / 2 }

func (s *style) pen(c color.NRGBA, width float64) ink.Pen {
	return ink.Pen{Color: c, Width: width * lineScale(s.k)}
}

// dashed is the pen of the truth, and of any line that is given and not measured.
func (s *style) dashed(c color.NRGBA, width float64) ink.Pen {
	return s.pattern(c, width, 3.2, 1.8)
}

// dotted is the pen of a reference value.
func (s *style) dotted(c color.NRGBA, width float64) ink.Pen { return s.pattern(c, width, 1, 1.3) }

func (s *style) pattern(c color.NRGBA, width float64, dash ...float64) ink.Pen {
	p := s.pen(c, width)
	for _, d := range dash {
		p.Dash = append(p.Dash, d*lineScale(s.k))
	}
	return p
}

// dashes tell lines apart without colour, by their place among the samplers of a figure.
var dashes = [][]float64{nil, {6, 1.5, 1.2, 1.5}, {1.6, 1.4}, {8, 2.2}, {6, 1.4, 1.2, 1.4, 1.2, 1.4}, {4, 1.4, 4, 1.4, 1.2, 1.4}, {2.6, 2.6}}

// line is the pen of the n-th of several samplers.
func (s *style) line(c color.NRGBA, width float64, n int) ink.Pen {
	return s.pattern(c, width, dashes[(n+n/len(dashes))%len(dashes)]...)
}

// tint is a colour mixed with the ground, 0 the ground and 1 the colour; it hides what lies below where there is a ground.
func (s *style) tint(c color.NRGBA, share float64) color.NRGBA {
	if s.paper.A == 0 {
		return fade(c, share)
	}
	return tint(c, s.paper, share)
}

func (s *style) colour(i int) color.NRGBA { return s.cycle[i%len(s.cycle)] }
