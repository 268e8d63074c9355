package plotting

import (
	"fmt"
	"image/color"
	"maps"

	"odslab/plotting/internal/ink"
)

// Figure is a plot that has not been drawn yet: its size and theme can still change. What the plotting functions return.
type Figure struct {
	err         error
	what        string
	title       string
	numbers     func() string // the figure in numbers, for readers of text; may be nil
	preset      Preset
	dark        bool
	letters     bool
	legend      LegendPlace
	colours     map[string]color.NRGBA
	compose     func(s *style, width float64, letters bool) *sheet
	vega        func() map[string]any // the figure as an interactive one; may be nil
	interactive bool                  // a cell shows that one
	html        func() string         // the figure as text for a page; may be nil
	frames      func() []frame        // the figure on its way, for animations; may be nil
	dpi         int                   // of PNG files; 0 means 192
	pages       map[string][]byte     // of a figure that an earlier cell drew
	bundle      map[string]any        // what that cell showed
}

// frame is a moment of a figure that moves.
type frame struct {
	name    string
	compose func(s *style, width float64) *sheet
}

// LegendPlace says where a figure's legend stands.
type LegendPlace int

// Places of a legend. Where it stands by itself depends on the plot.
const (
	LegendAuto LegendPlace = iota
	LegendAbove
	LegendBelow
	LegendOff
)

func newFigure(what string, compose func(s *style, width float64, letters bool) *sheet) *Figure {
	return &Figure{what: what, preset: Notebook, compose: compose}
}

// failed is a Figure that says what went wrong, and where.
func failed(function string, err error) *Figure {
	return &Figure{err: fmt.Errorf("plotting.%s: %w", function, err), preset: Notebook}
}

// Err is why there is no figure, or nil.
func (f *Figure) Err() error { return f.err }

// Size sets the width on the page: Column, OneAndHalf, TwoColumn, Notebook (the default) or Slide.
func (f *Figure) Size(p Preset) *Figure {
	if !f.fixed("Size") {
		f.preset = p
	}
	return f
}

// DPI sets the resolution of PNG files, in dots an inch; 192 by default.
func (f *Figure) DPI(n int) *Figure {
	if f.fixed("DPI") || f.err != nil {
		return f
	}
	if n < 36 || n > 1200 {
		f.err = fmt.Errorf("plotting: %d dots an inch; take 36 to 1200", n)
	}
	f.dpi = n
	return f
}

// Title sets a line above the figure.
func (f *Figure) Title(title string) *Figure {
	if !f.fixed("Title") {
		f.title = title
	}
	return f
}

// Letters marks the panels a, b, c…
func (f *Figure) Letters() *Figure {
	if !f.fixed("Letters") {
		f.letters = true
	}
	return f
}

// Legend moves the legend, or leaves it out.
func (f *Figure) Legend(at LegendPlace) *Figure {
	if !f.fixed("Legend") {
		f.legend = at
	}
	return f
}

// Colour gives a sampler a colour of its own, "#rrggbb". By default each method has the same in all figures.
func (f *Figure) Colour(name, hex string) *Figure {
	if f.fixed("Colour") || f.err != nil {
		return f
	}
	var c color.NRGBA
	if n, err := fmt.Sscanf(hex, "#%02x%02x%02x", &c.R, &c.G, &c.B); err != nil || n != 3 || len(hex) != 7 {
		f.err = fmt.Errorf("plotting: colour %q of %s; write #rrggbb", hex, name)
		return f
	}
	c.A = 255
	f.colours = maps.Clone(f.colours)
	if f.colours == nil {
		f.colours = map[string]color.NRGBA{}
	}
	f.colours[name] = c
	return f
}

// Dark draws on a dark ground. Without it a figure in a cell has no ground at all and inks that can be read on white and on
// black, and one that is saved in the width of a journal is made for white paper.
func (f *Figure) Dark() *Figure {
	if !f.fixed("Dark") {
		f.dark = true
	}
	return f
}

// String describes the figure in one line, or says why there is none.
func (f *Figure) String() string {
	if f.err != nil {
		return f.err.Error()
	}
	if f.title != "" {
		return f.title + ": " + f.what
	}
	return f.what
}

// lay lays the figure out in its size, for a ground.
func (f *Figure) lay(t theme) (sh *sheet, s *style) {
	s = newStyle(f.preset, t)
	s.legend, s.given = f.legend, f.colours
	return titled(f.compose(s, f.preset.Width*mm, f.letters), s, f.title), s
}

// ground is what the figure is made for when it is saved.
func (f *Figure) ground() theme {
	switch {
	case f.dark:
		return darkness
	case f.preset.loose:
		return either
	}
	return onPaper
}

// titled puts a title above a sheet.
func titled(sh *sheet, s *style, title string) *sheet {
	if title == "" {
		return sh
	}
	return &sheet{sh.w, sh.h + 2*s.label.Size, sh.base, func(p *ink.Page) {
		sh.draw(p)
		font := ink.Font{Face: ink.Bold, Size: 1.1 * s.label.Size}
		title, font := ink.Fit(title, font, sh.w-.6*s.label.Size)
		p.Text(ink.Pt{X: .3 * s.label.Size, Y: sh.h + .55*s.label.Size}, title, font, s.ink, 0, 0, 0)
	}}
}
