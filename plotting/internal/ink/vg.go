package ink

import (
	"bytes"
	"html"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// vgBackend draws on any of gonum/plot's canvases, text as outlines.
type vgBackend struct {
	vg.Canvas
	svg bool
}

// up is a colour that vgsvg, which cuts off where it should round, writes as it is.
type up struct{ color.NRGBA }

// RGBA implements color.Color.
func (c up) RGBA() (r, g, b, a uint32) {
	r, g, b, a = c.NRGBA.RGBA()
	half := 0x80 * a / 0xffff
	return min(r+half, a), min(g+half, a), min(b+half, a), a
}

func (b vgBackend) colour(c color.NRGBA) {
	if b.svg {
		b.SetColor(up{c})
		return
	}
	b.SetColor(c)
}

func (b vgBackend) fill(p vg.Path, c color.NRGBA) {
	b.colour(c)
	b.Fill(p)
}

func (b vgBackend) stroke(p vg.Path, pen Pen) {
	b.colour(pen.Color)
	b.SetLineWidth(vg.Length(pen.Width))
	dash := make([]vg.Length, len(pen.Dash))
	for i, d := range pen.Dash {
		dash[i] = vg.Length(d)
	}
	b.SetLineDash(dash, 0)
	b.Stroke(p)
}

func (b vgBackend) text(x, y, angle float64, s string, f Font, c color.NRGBA) {
	sin, cos := math.Sincos(angle)
	if p := f.outline(s, x, y, cos, sin); len(p) > 0 {
		b.fill(p, c)
	}
}

func (b vgBackend) picture(r Rect, img image.Image) {
	packed := img
	if b.svg {
		packed = indexed(img)
	}
	b.DrawImage(vg.Rectangle{
		Min: vg.Point{X: vg.Length(r.X), Y: vg.Length(r.Y)},
		Max: vg.Point{X: vg.Length(r.Right()), Y: vg.Length(r.Top())},
	}, packed)
}

// SVG is a new page of scalable graphics, with a title and a description for those who can't see it.
func SVG(w, h float64, title, description string) *Page {
	c := vgsvg.New(vg.Length(w), vg.Length(h))
	return &Page{W: w, H: h, b: vgBackend{c, true}, write: func() ([]byte, error) {
		var buf bytes.Buffer
		if _, err := c.WriteTo(&buf); err != nil {
			return nil, err
		}
		// vgsvg writes PNG data and calls it JPEG, and lets viewers keep an image's proportions.
		svg := bytes.ReplaceAll(compact(buf.Bytes()), []byte(`xlink:href="data:image/jpg;base64,`), []byte(`preserveAspectRatio="none" xlink:href="data:image/png;base64,`))
		if title != "" {
			at := bytes.Index(svg, []byte("<svg"))
			at += bytes.IndexByte(svg[at:], '>') + 1
			svg = slices.Concat(svg[:at-1], []byte(` role="img">`), []byte("\n<title>"+html.EscapeString(title)+"</title>\n<desc>"+html.EscapeString(description)+"</desc>"), svg[at:])
		}
		return svg, nil
	}}
}

// PNG is a new page of pixels on a background.
func PNG(w, h float64, dpi int, background color.Color) *Page {
	p, img := Pixels(w, h, dpi, background)
	p.write = func() ([]byte, error) {
		var buf bytes.Buffer
		err := png.Encode(&buf, indexed(img()))
		return buf.Bytes(), err
	}
	return p
}

// Pixels is a new page of pixels and the image that it ends up in.
func Pixels(w, h float64, dpi int, background color.Color) (*Page, func() image.Image) {
	c := vgimg.NewWith(vgimg.UseWH(vg.Length(w), vg.Length(h)), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(background))
	return &Page{W: w, H: h, b: vgBackend{c, false}, dots: true}, func() image.Image { return c.Image() }
}
