package plotting

import (
	"image/color"

	"odslab/plotting/internal/ink"
)

// style is the theme at a size: every colour, width and font size there is.
type style struct {
	k                          float64 // scale of text and lines
	paper, ink, axis, faint    color.NRGBA
	prior                      color.NRGBA
	cycle                      []color.NRGBA
	label, tick, small, letter ink.Font
	width                      float64 // of a data line
	loose                      bool
}

func newStyle(p Preset, dark bool) *style {
	k := p.Text
	s := &style{
		k:     k,
		paper: color.NRGBA{255, 255, 255, 255}, ink: color.NRGBA{0, 0, 0, 255}, axis: color.NRGBA{84, 84, 84, 255},
		faint: color.NRGBA{200, 200, 200, 255}, prior: color.NRGBA{110, 110, 110, 255}, cycle: okabeIto,
		label: ink.Font{Size: 7.5 * k}, tick: ink.Font{Size: 6.5 * k}, small: ink.Font{Size: 6.5 * k},
		letter: ink.Font{Face: ink.Bold, Size: 8.5 * k}, width: 1.2 * lineScale(k), loose: p.loose,
	}
	if dark {
		s.paper, s.ink, s.axis = color.NRGBA{0x16, 0x1a, 0x20, 255}, color.NRGBA{0xf2, 0xf2, 0xf2, 255}, color.NRGBA{0xb4, 0xb8, 0xbe, 255}
		s.faint, s.prior, s.cycle = color.NRGBA{0x4a, 0x50, 0x58, 255}, color.NRGBA{140, 141, 143, 255}, okabeItoDark
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
	w := width * lineScale(s.k)
	return ink.Pen{Color: c, Width: w, Dash: []float64{3.2 * lineScale(s.k), 1.8 * lineScale(s.k)}}
}

func (s *style) colour(i int) color.NRGBA { return s.cycle[i%len(s.cycle)] }
