package ink

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var number = regexp.MustCompile(`-?(\d+\.?\d*|\.\d+)(e-?\d+)?`)

// places are the absolute places of a path in either form, by a reader of its own.
func places(t *testing.T, path string) (out []float64) {
	t.Helper()
	var x, y, sx, sy float64
	size := map[rune]int{'m': 1, 'l': 1, 'h': 1, 'v': 1, 'q': 2, 'c': 3, 'z': 0}
	for len(path) > 0 {
		c := rune(path[0])
		rest := strings.IndexFunc(path[1:], func(r rune) bool { return unicode.IsLetter(r) && r != 'e' }) + 1 // 1e-05
		if rest == 0 {
			rest = len(path)
		}
		var v []float64
		for _, f := range number.FindAllString(path[1:rest], -1) {
			var n float64
			if _, err := fmt.Sscan(f, &n); err != nil {
				t.Fatalf("%q: %v", f, err)
			}
			v = append(v, n)
		}
		path = path[rest:]
		n, relative := size[unicode.ToLower(c)], unicode.IsLower(c)
		if n == 0 {
			x, y = sx, sy
			out = append(out, math.Inf(1))
			continue
		}
		if c == 'h' || c == 'v' { // the other step is 0
			var both []float64
			for _, f := range v {
				if c == 'h' {
					both = append(both, f, 0)
				} else {
					both = append(both, 0, f)
				}
			}
			v = both
		}
		if len(v)%(2*n) != 0 {
			t.Fatalf("%c with %d numbers", c, len(v))
		}
		for ; len(v) > 0; v = v[2*n:] {
			bx, by := 0., 0.
			if relative {
				bx, by = x, y
			}
			for k := range n {
				out = append(out, bx+v[2*k], by+v[2*k+1])
			}
			x, y = bx+v[2*n-2], by+v[2*n-1]
			if unicode.ToLower(c) == 'm' {
				sx, sy = x, y
			}
		}
	}
	return out
}

// Compact paths go through the same places, to half a hundredth of a point however long they are, in fewer bytes.
func TestCompact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var b strings.Builder
		at := func() string {
			scale := math.Pow(10, 3*r.Float64()-1)
			return fmt.Sprintf("%.5g,%.5g", scale*r.NormFloat64(), 400*r.Float64())
		}
		for n := range 1 + r.IntN(300) {
			switch k := r.IntN(9); {
			case n == 0 || k == 0:
				b.WriteString("M" + at())
			case k < 5:
				b.WriteString("L" + at())
			case k < 7:
				b.WriteString("Q" + at() + "," + at())
			case k == 7:
				b.WriteString("C" + at() + "," + at() + "," + at())
			default:
				b.WriteString("Z")
			}
		}
		svg := `<g><path d="` + b.String() + `" style="fill:none" /><text>M1,2</text></g>`
		got := string(compact([]byte(svg)))
		head, tail, _ := strings.Cut(got, `<path d="`)
		path, tail, _ := strings.Cut(tail, `"`)
		if head != "<g>" || tail != ` style="fill:none" /><text>M1,2</text></g>` || len(got) > len(svg) {
			t.Fatalf("%d bytes of %d: %s…%s", len(got), len(svg), head, tail)
		}
		want, have := places(t, b.String()), places(t, path)
		if len(want) != len(have) {
			t.Fatalf("%d places, were %d", len(have), len(want))
		}
		for i := range want {
			if want[i] != have[i] && math.Abs(want[i]-have[i]) > .0051 {
				t.Fatalf("place %d is %v, was %v", i, have[i], want[i])
			}
		}
	}
}

// A picture's colours stay where they were, or move by what nobody sees.
func TestIndexed(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	flat := image.NewNRGBA(image.Rect(2, 3, 90, 70))
	shades := image.NewNRGBA(image.Rect(0, 0, 200, 150))
	ramps := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	for i := range flat.Pix {
		flat.Pix[i] = uint8(r.IntN(3) * 100)
	}
	for i := range shades.Pix {
		shades.Pix[i] = uint8(r.IntN(256))
	}
	for y := range 64 {
		for x := range 64 {
			ramps.SetNRGBA(x, y, color.NRGBA{uint8(255 - y*4), uint8(255 - y*3), 255, uint8(255 * (x % 8) / 7)})
		}
	}
	area := image.NewNRGBA(image.Rect(0, 0, 300, 400)) // shades of an area, with edges of many colours beside it
	for y := range 400 {
		for x := range 300 {
			c := color.NRGBA{uint8(y / 2), uint8(60 + y/3), uint8(200 - y/2), 255}
			if x >= 290 {
				c = color.NRGBA{uint8(r.IntN(256)), 0, 0, 255}
			}
			area.SetNRGBA(x, y, c)
		}
	}
	for name, c := range map[string]struct {
		img     *image.NRGBA
		most    int
		palette bool
	}{"flat": {flat, 0, true}, "shades": {shades, 1, false}, "ramps": {ramps, 8, true}, "area": {area, 2, true}} {
		got := indexed(c.img)
		b := got.Bounds()
		if _, ok := got.(*image.Paletted); ok != c.palette || b.Dx() != c.img.Rect.Dx() || b.Dy() != c.img.Rect.Dy() {
			t.Errorf("%s: %T of %v", name, got, b)
		}
		for y := range b.Dy() {
			for x := range b.Dx() {
				was := c.img.NRGBAAt(c.img.Rect.Min.X+x, c.img.Rect.Min.Y+y)
				is := color.NRGBAModel.Convert(got.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
				if was.A == 0 && is.A == 0 {
					continue
				}
				if d := farthest(was, is); d > c.most {
					t.Fatalf("%s: a channel moved by %d", name, d)
				}
			}
		}
	}
}
