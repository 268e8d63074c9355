package plotting

import (
	"math/rand/v2"
	"testing"
)

func overlap(a, b Box) float64 {
	x, y := min(a.Right(), b.Right())-max(a.X, b.X), min(a.Top(), b.Top())-max(a.Y, b.Y)
	return min(x, y)
}

// inPanel are texts that belong into a panel: names beside points, numbers at the ends of bars.
var inPanel = map[string]bool{"cost": true, "bars": true, "bars-log": true, "beside": true, "grid": true, "long cost": true, "long bars": true}

// In every figure and size no text overlaps another or a panel, leaves the page, or is too small to be read.
func TestLayout(t *testing.T) {
	long := "a sampler whose name is longer than anything that anyone would want to read in a legend"
	m := modes(long, 60, 1)
	var many []any
	for i := range 9 {
		many = append(many, As(long[:20+5*i], normals(60, 3, uint64(i))))
	}
	all := append([]fixture{
		{"long pair", func() *Figure { return Pair(m, Prior(As(long, m)), Names(long, "$\\Omega_{"+long+"}$")) }},
		{"long marginals", func() *Figure { return Marginals(m, As(long+" 2", m), Names(long, long), Summary()) }},
		{"nine samplers", func() *Figure { return Pair(many...) }},
		{"nine in two variables", func() *Figure { return Pair(append(many, Variables(0, 1))...) }},
		{"long cost", func() *Figure { return Cost(CostPoint{Name: long, Distance: 1, Seconds: 1}, YLabel(long)) }},
		{"long bars", func() *Figure { return Bars(Bar{Name: long, Value: 1}, Floor(.1), XLabel(long)) }},
		{"long lines", func() *Figure { return Lines(Line(long, nil, []float64{1, 2}), XLabel(long), YLabel(long)).Title(long) }},
		{"legend below", func() *Figure { return Pair(m, Prior(normals(60, 2, 1))).Legend(LegendBelow) }},
		{"eight variables", func() *Figure { return Pair(normals(100, 30, 1), Truth(make([]float64, 30))) }},
		{"titles", func() *Figure { return Pair(normals(100, 3, 1), Summary("median")) }},
		{"offsets", func() *Figure {
			return Pair(rows(200, 1, func(r *rand.Rand) []float64 { return []float64{1e6 + r.NormFloat64(), r.NormFloat64()} }))
		}},
	}, figures...)
	for _, f := range all {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for _, preset := range []Preset{Column, OneAndHalf, TwoColumn, Notebook} {
				fig := f.make().Size(preset)
				l, err := fig.Layout()
				if err != nil {
					t.Fatal(err)
				}
				texts, panels, w, h := l.Texts, l.Panels, l.W, l.H
				for i, a := range texts {
					if a.X < -.3 || a.Y < -.3 || a.Right() > w+.3 || a.Top() > h+.3 {
						t.Errorf("%v mm: %q lies at %.1f..%.1f × %.1f..%.1f on a page of %.1f × %.1f", preset.Width, a.Text, a.X, a.Right(), a.Y, a.Top(), w, h)
					}
					if a.Size < 6-1e-9 || a.Index < 5-1e-9 {
						t.Errorf("%v mm: %q is set in %.2f pt, its index in %.2f", preset.Width, a.Text, a.Size, a.Index)
					}
					for _, b := range texts[:i] {
						if overlap(a, b) > .8 {
							t.Errorf("%v mm: %q overlaps %q", preset.Width, a.Text, b.Text)
						}
					}
					for _, p := range panels {
						if !inPanel[f.name] && overlap(a, p) > .8 {
							t.Errorf("%v mm: %q lies on a panel", preset.Width, a.Text)
						}
					}
				}
				for i, a := range panels {
					for _, b := range panels[:i] {
						if overlap(a, b) > .1 {
							t.Errorf("%v mm: two panels overlap", preset.Width)
						}
					}
				}
			}
		})
	}
}
