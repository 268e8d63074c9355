package plotting

import (
	"image"
	"math"

	"odslab/plotting/internal/ink"
)

// colourBar says what the colours of a figure's fields mean.
type colourBar struct {
	colours func(f float64) (r, g, b, a uint8)
	scale   scale
	label   string
}

func mapBar(m *colourMap, sc scale, label string) *colourBar {
	return &colourBar{scale: sc, label: label, colours: func(f float64) (r, g, b, a uint8) {
		c := m.at(f)
		return c.R, c.G, c.B, c.A
	}}
}

func (b *colourBar) gap(s *style) float64   { return .5 * s.label.Size }
func (b *colourBar) thick(s *style) float64 { return .55 * s.label.Size }

func (b *colourBar) width(s *style) float64 {
	w := 0.
	for _, t := range b.scale.ticks(5, 0) {
		w = max(w, ink.Width(t.label, s.tick))
	}
	w += b.gap(s) + b.thick(s) + 2.5*lineScale(s.k) + 1.5*s.k
	if b.label != "" {
		w += 1.3 * s.label.Size
	}
	return w
}

// strip is the bar as an image, lowest value at the bottom.
func (b *colourBar) strip() image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, 1, 256))
	for i := range 256 {
		r, g, bl, a := b.colours(1 - float64(i)/255)
		copy(img.Pix[4*i:], []uint8{r, g, bl, a})
	}
	return img
}

func (b *colourBar) draw(page *ink.Page, s *style, r ink.Rect) {
	page.Picture(r, b.strip())
	page.Frame(s.pen(s.axis, .5), r)
	pen, long := s.pen(s.axis, .8), 2.5*lineScale(s.k)
	wide := 0.
	for _, t := range b.scale.ticks(5, 0) {
		y := r.Y + r.H*b.scale.to(t.at)
		page.Line(pen, ink.Pt{X: r.Right(), Y: y}, ink.Pt{X: r.Right() + long, Y: y})
		page.Text(ink.Pt{X: r.Right() + long + 1.5*s.k, Y: y}, t.label, s.tick, s.axis, 0, .5, 0)
		wide = max(wide, ink.Width(t.label, s.tick))
	}
	label, font := ink.Fit(b.label, s.label, r.H+s.tick.Size)
	page.Text(ink.Pt{X: r.Right() + long + 1.5*s.k + wide + 1.1*s.label.Size, Y: r.Y + r.H/2}, label, font, s.ink, .5, 0, math.Pi/2)
}

// drawAcross is the small bar below an image: two numbers at its ends.
func (b *colourBar) drawAcross(page *ink.Page, s *style, r ink.Rect) {
	src := b.strip().(*image.NRGBA)
	img := image.NewNRGBA(image.Rect(0, 0, 256, 1))
	for i := range 256 {
		copy(img.Pix[4*i:4*i+4], src.Pix[4*(255-i):])
	}
	page.Picture(r, img)
	page.Frame(s.pen(s.axis, .5), r)
	low, high := short(b.scale.min), short(b.scale.max)
	inwards := 0.
	if ink.Width(low, s.tick)+ink.Width(high, s.tick)+3*s.k > r.W {
		inwards = .5 // no room between: centred on the ends
	}
	page.Text(ink.Pt{X: r.X, Y: r.Y - 2*s.k}, low, s.tick, s.axis, inwards, 1, 0)
	page.Text(ink.Pt{X: r.Right(), Y: r.Y - 2*s.k}, high, s.tick, s.axis, 1-inwards, 1, 0)
}
