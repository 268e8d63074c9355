package plotting

import (
	"errors"
	"strings"

	"odslab/plotting/internal/ink"
)

// Box is where a part of a figure lies: its lower left corner and its size in points from the page's lower left corner.
type Box struct {
	X, Y, W, H float64
	Text       string  // empty for a panel
	Size       float64 // of a text's letters, and Index of the smallest index among them, in points
	Index      float64
}

// Right and Top are the other two edges.
func (b Box) Right() float64 { return b.X + b.W }

// Top is the upper edge.
func (b Box) Top() float64 { return b.Y + b.H }

// Layout is where everything lies on a figure's page, W × H points.
type Layout struct {
	W, H          float64
	Panels, Texts []Box
}

// Layout lays the figure out in its size, as it will be saved. A figure of an earlier cell has been drawn, and has none.
func (f *Figure) Layout() (Layout, error) {
	if f.err != nil {
		return Layout{}, f.err
	}
	if f.compose == nil {
		return Layout{}, errors.New("plotting: Layout comes too late: this figure was drawn in an earlier cell; call it there")
	}
	sh, _ := f.lay(f.ground())
	page := ink.SVG(sh.w, sh.h, "", "")
	marked := page.Record()
	sh.draw(page)
	l := Layout{W: sh.w, H: sh.h}
	for _, m := range *marked {
		b := Box{m.X, m.Y, m.W, m.H, m.Text, m.Size, m.Index}
		switch {
		case m.Size == 0:
			b.Text = ""
			l.Panels = append(l.Panels, b)
		case strings.TrimSpace(m.Text) != "":
			l.Texts = append(l.Texts, b)
		}
	}
	return l, nil
}
