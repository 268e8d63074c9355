package plotting

import (
	"fmt"

	"odslab/plotting/internal/ink"
)

// Figure is a plot that has not been drawn yet: its size and theme can still change. What the plotting functions return.
type Figure struct {
	err     error
	what    string
	title   string
	preset  Preset
	dark    bool
	letters bool
	compose func(s *style, width float64, letters bool) *sheet
	pages   map[string][]byte // of a figure that an earlier cell drew
}

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

// Dark draws on a dark ground.
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
	return f.what
}

// lay lays the figure out in its theme and size.
func (f *Figure) lay() (sh *sheet, s *style) {
	s = newStyle(f.preset, f.dark)
	return titled(f.compose(s, f.preset.Width*mm, f.letters), s, f.title), s
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
