// Package plots shows a plot of gonum's as the last expression of a cell. It is
// linked only into cells that do.
package plots

import (
	"bytes"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// The size of a plot that says none.
const (
	width  = 12 * vg.Centimeter
	height = 8 * vg.Centimeter
)

// heavy is from what size on a drawing is a picture instead.
const heavy = 1 << 20

// Shown is a plot that a notebook can show.
type Shown struct{ p *plot.Plot }

// Plot makes a plot showable.
func Plot(p *plot.Plot) Shown { return Shown{p} }

// MIMEBundle is the plot as SVG, or as PNG where that would be heavy.
func (s Shown) MIMEBundle() (map[string]any, error) {
	out := map[string]any{"text/plain": s.String()}
	if s.p == nil {
		return out, nil
	}
	for _, format := range []string{"svg", "png"} {
		w, err := s.p.WriterTo(width, height, format)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if _, err := w.WriteTo(&b); err != nil {
			return nil, err
		}
		if format == "png" {
			out["image/png"] = b.Bytes()
		} else if b.Len() <= heavy {
			out["image/svg+xml"] = b.String()
			break
		}
	}
	return out, nil
}

// String says what the plot is.
func (s Shown) String() string {
	switch {
	case s.p == nil:
		return "nil"
	case s.p.Title.Text != "":
		return "plot: " + s.p.Title.Text
	}
	return "plot"
}
