package ink

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"gonum.org/v1/plot/vg"
)

// Pt is a point on the page, in points (1/72 inch).
type Pt struct{ X, Y float64 }

// Rect is an upright rectangle on the page.
type Rect struct{ X, Y, W, H float64 }

// Right is the x of the right edge.
func (r Rect) Right() float64 { return r.X + r.W }

// Top is the y of the upper edge.
func (r Rect) Top() float64 { return r.Y + r.H }

// Holds tells whether a point lies in the rectangle.
func (r Rect) Holds(p Pt) bool { return p.X >= r.X && p.X <= r.Right() && p.Y >= r.Y && p.Y <= r.Top() }

// backend is what a file format has to know.
type backend interface {
	fill(p vg.Path, c color.NRGBA)
	stroke(p vg.Path, pen Pen)
	text(x, y, angle float64, s string, f Font, c color.NRGBA)
	picture(r Rect, img image.Image)
}

// Pen draws lines.
type Pen struct {
	Color color.NRGBA
	Width float64
	Dash  []float64
}

// Page is what is drawn on.
type Page struct {
	W, H   float64
	b      backend
	write  func() ([]byte, error)
	dots   bool    // the page is made of pixels
	dx, dy float64 // where its origin lies on the file's page
	boxes  *[]Box
}

// Box is where something lies on the page: a text, or what was given to Mark.
type Box struct {
	Rect
	Text        string
	Size, Index float64 // of a text's letters and its smallest index, in points; 0 for a frame
}

// Record makes the page keep the boxes of its texts and of what is marked, so that a layout can be tested.
func (p *Page) Record() *[]Box {
	p.boxes = new([]Box)
	return p.boxes
}

// Mark keeps a named rectangle if boxes are recorded.
func (p *Page) Mark(name string, r Rect) {
	if p.boxes != nil {
		r.X, r.Y = r.X+p.dx, r.Y+p.dy
		*p.boxes = append(*p.boxes, Box{Rect: r, Text: name})
	}
}

// At is the same page with its origin elsewhere.
func (p *Page) At(x, y float64) *Page {
	q := *p
	q.dx, q.dy = p.dx+x, p.dy+y
	return &q
}

// Bytes closes the page and returns its file.
func (p *Page) Bytes() ([]byte, error) { return p.write() }

// Pixels tells whether the page is made of pixels, so that nothing is gained by drawing clouds as pictures.
func (p *Page) Pixels() bool { return p.dots }

// Line strokes an open line through the points.
func (p *Page) Line(pen Pen, pts ...Pt) {
	if len(pts) < 2 || pen.Width <= 0 {
		return
	}
	p.b.stroke(p.path(pts, false), pen)
}

// Loop strokes a closed line.
func (p *Page) Loop(pen Pen, pts ...Pt) {
	if len(pts) < 2 {
		return
	}
	p.b.stroke(p.path(pts, true), pen)
}

// Area fills one shape of several loops by the non-zero winding rule: loops of opposite sense are holes.
func (p *Page) Area(c color.NRGBA, loops ...[]Pt) {
	var all vg.Path
	for _, l := range loops {
		if len(l) > 2 {
			all = append(all, p.path(l, true)...)
		}
	}
	if len(all) == 0 {
		return
	}
	p.b.fill(all, c)
}

// Box fills a rectangle.
func (p *Page) Box(c color.NRGBA, r Rect) {
	p.Area(c, []Pt{{r.X, r.Y}, {r.Right(), r.Y}, {r.Right(), r.Top()}, {r.X, r.Top()}})
}

// Frame strokes a rectangle.
func (p *Page) Frame(pen Pen, r Rect) {
	p.Loop(pen, Pt{r.X, r.Y}, Pt{r.Right(), r.Y}, Pt{r.Right(), r.Top()}, Pt{r.X, r.Top()})
}

// Disc fills a circle.
func (p *Page) Disc(c color.NRGBA, at Pt, r float64) {
	const k = .5522847498307936 // four Bézier arcs within .03 % of the circle
	v := func(x, y float64) vg.Point {
		return vg.Point{X: vg.Length(p.dx + at.X + x*r), Y: vg.Length(p.dy + at.Y + y*r)}
	}
	var q vg.Path
	q.Move(v(1, 0))
	q.CubeTo(v(1, k), v(k, 1), v(0, 1))
	q.CubeTo(v(-k, 1), v(-1, k), v(-1, 0))
	q.CubeTo(v(-1, -k), v(-k, -1), v(0, -1))
	q.CubeTo(v(k, -1), v(1, -k), v(1, 0))
	q.Close()
	p.b.fill(q, c)
}

// Picture stretches an image over a rectangle, with sharp pixel edges: small images are enlarged by a whole factor
// first, because viewers blur.
func (p *Page) Picture(r Rect, img image.Image) {
	r.X, r.Y = r.X+p.dx, r.Y+p.dy
	p.b.picture(r, enlarge(img, int(math.Ceil(r.W*3)))) // about 220 dots an inch
}

func (p *Page) path(pts []Pt, closed bool) vg.Path {
	q := make(vg.Path, 0, len(pts)+1)
	for i, t := range pts {
		v := vg.Point{X: vg.Length(p.dx + t.X), Y: vg.Length(p.dy + t.Y)}
		if i == 0 {
			q.Move(v)
		} else {
			q.Line(v)
		}
	}
	if closed {
		q.Close()
	}
	return q
}

func enlarge(img image.Image, want int) image.Image {
	b := img.Bounds()
	f := want / max(1, b.Dx())
	if f < 2 {
		return img
	}
	out := image.NewNRGBA(image.Rect(0, 0, b.Dx()*f, b.Dy()*f))
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := image.NewUniform(img.At(b.Min.X+x, b.Min.Y+y))
			draw.Draw(out, image.Rect(x*f, y*f, (x+1)*f, (y+1)*f), c, image.Point{}, draw.Src)
		}
	}
	return out
}
