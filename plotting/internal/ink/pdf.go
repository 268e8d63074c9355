package ink

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"gonum.org/v1/plot/vg"
)

// pdfBackend draws on one PDF page whose text stays text, in an embedded subset of the font.
type pdfBackend struct {
	doc    *fpdf.Fpdf
	h      float64
	images int
	widths map[int]bool     // of the images so far
	fonts  [len(faces)]bool // those in the file
}

// PDF is a new page for print. Its bytes depend on nothing but what is drawn: no time stamp, no random names.
func PDF(w, h float64, title string) *Page {
	// A page wider than high must be declared so, else fpdf turns it.
	doc := fpdf.NewCustom(&fpdf.InitType{OrientationStr: orientation(w, h), UnitStr: "pt", Size: fpdf.SizeType{Wd: min(w, h), Ht: max(w, h)}})
	doc.SetMargins(0, 0, 0)
	doc.SetAutoPageBreak(false, 0)
	doc.SetCreationDate(time.Unix(0, 0).UTC())
	doc.SetModificationDate(time.Unix(0, 0).UTC())
	doc.SetCatalogSort(true)
	doc.SetProducer("odslab", true)
	doc.SetTitle(title, true)
	doc.AddPage()
	doc.SetLineJoinStyle("round")
	b := &pdfBackend{doc: doc, h: h, widths: map[int]bool{}}
	return &Page{W: w, H: h, b: b, write: func() ([]byte, error) {
		var buf bytes.Buffer
		err := doc.Output(&buf)
		return buf.Bytes(), err
	}}
}

func orientation(w, h float64) string {
	if w > h {
		return "L"
	}
	return "P"
}

func (b *pdfBackend) trace(p vg.Path) {
	at := func(v vg.Point) (float64, float64) { return float64(v.X), b.h - float64(v.Y) }
	for _, c := range p {
		x, y := at(c.Pos)
		switch c.Type {
		case vg.MoveComp:
			b.doc.MoveTo(x, y)
		case vg.LineComp:
			b.doc.LineTo(x, y)
		case vg.CurveComp:
			x0, y0 := at(c.Control[0])
			if len(c.Control) == 1 {
				b.doc.CurveTo(x0, y0, x, y)
				continue
			}
			x1, y1 := at(c.Control[1])
			b.doc.CurveBezierCubicTo(x0, y0, x1, y1, x, y)
		case vg.CloseComp:
			b.doc.ClosePath()
		}
	}
}

func (b *pdfBackend) fill(p vg.Path, c color.NRGBA) {
	b.doc.SetFillColor(int(c.R), int(c.G), int(c.B))
	b.doc.SetAlpha(float64(c.A)/255, "Normal")
	b.trace(p)
	b.doc.DrawPath("F")
}

func (b *pdfBackend) stroke(p vg.Path, pen Pen) {
	c := pen.Color
	b.doc.SetDrawColor(int(c.R), int(c.G), int(c.B))
	b.doc.SetAlpha(float64(c.A)/255, "Normal")
	b.doc.SetLineWidth(pen.Width)
	b.doc.SetDashPattern(pen.Dash, 0)
	b.trace(p)
	b.doc.DrawPath("D")
}

func (b *pdfBackend) text(x, y, angle float64, s string, f Font, c color.NRGBA) {
	if !f.Face.hasAll(s) { // outlines: the font in the file lacks a letter, or its format has no room for it
		sin, cos := math.Sincos(angle)
		if p := f.outline(s, x, y, cos, sin); len(p) > 0 {
			b.fill(p, c)
		}
		return
	}
	if !b.fonts[f.Face] {
		b.fonts[f.Face] = true
		b.doc.AddUTF8FontFromBytes("sans", faces[f.Face].style, faces[f.Face].ttf)
	}
	b.doc.SetFont("sans", faces[f.Face].style, f.Size)
	b.doc.SetTextColor(int(c.R), int(c.G), int(c.B))
	b.doc.SetAlpha(float64(c.A)/255, "Normal")
	if angle != 0 {
		b.doc.TransformBegin()
		b.doc.TransformRotate(angle*180/math.Pi, x, b.h-y)
		defer b.doc.TransformEnd()
	}
	b.doc.Text(x, b.h-y, s)
}

func (b *pdfBackend) picture(r Rect, img image.Image) {
	img, grown := b.unique(img)
	r.W *= grown
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		b.doc.SetError(err)
		return
	}
	b.images++
	name, options := fmt.Sprintf("picture%d", b.images), fpdf.ImageOptions{ImageType: "png"}
	b.doc.RegisterImageOptionsReader(name, options, &buf)
	b.doc.SetAlpha(1, "Normal")
	b.doc.ImageOptions(name, r.X, b.h-r.Top(), r.W, r.H, false, options, 0, "")
}

// unique adds clear columns on the right until no other image is as wide, and says by what factor the image grew. fpdf
// sorts images by width when it writes them, and leaves ties to the order of a map.
func (b *pdfBackend) unique(img image.Image) (image.Image, float64) {
	r := img.Bounds()
	w := r.Dx()
	for b.widths[w] {
		w++
	}
	b.widths[w] = true
	if w == r.Dx() {
		return img, 1
	}
	out := image.NewNRGBA(image.Rect(0, 0, w, r.Dy()))
	draw.Draw(out, image.Rect(0, 0, r.Dx(), r.Dy()), img, r.Min, draw.Src)
	return out, float64(w) / float64(r.Dx())
}
