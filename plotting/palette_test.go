package plotting

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"testing"

	"odslab/plotting/internal/ink"
)

// Dichromats as simulated by G. Machado, M. Oliveira, L. Fernandes (IEEE TVCG 15, 2009), severity 1, on linear RGB.
var sight = map[string][3][3]float64{
	"full":         {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia":   {{.152286, 1.052583, -.204868}, {.114503, .786281, .099216}, {-.003882, -.048116, 1.051998}},
	"deuteranopia": {{.367322, .860646, -.227968}, {.280085, .672501, .047413}, {-.011820, .042940, .968881}},
	"tritanopia":   {{1.255528, -.076749, -.178779}, {-.078411, .930809, .147602}, {.004733, .691367, .303900}},
}

func linear(c color.NRGBA) (out [3]float64) {
	for i, v := range [3]uint8{c.R, c.G, c.B} {
		x := float64(v) / 255
		if out[i] = x / 12.92; x > .04045 {
			out[i] = math.Pow((x+.055)/1.055, 2.4)
		}
	}
	return out
}

// lab is CIE L*a*b* (D65) of a colour as seen with some sight.
func lab(c color.NRGBA, m [3][3]float64) [3]float64 {
	l := linear(c)
	var s [3]float64
	for i := range s {
		for j := range l {
			s[i] += m[i][j] * l[j]
		}
		s[i] = min(max(s[i], 0), 1)
	}
	f := func(t float64) float64 {
		if t > 216./24389 {
			return math.Cbrt(t)
		}
		return (24389./27*t + 16) / 116
	}
	x, y, z := f((.4124*s[0]+.3576*s[1]+.1805*s[2])/.9505), f(.2126*s[0]+.7152*s[1]+.0722*s[2]), f((.0193*s[0]+.1192*s[1]+.9505*s[2])/1.089)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func apart(a, b color.NRGBA, m [3][3]float64) float64 {
	p, q := lab(a, m), lab(b, m)
	return math.Sqrt((p[0]-q[0])*(p[0]-q[0]) + (p[1]-q[1])*(p[1]-q[1]) + (p[2]-q[2])*(p[2]-q[2]))
}

// nearest is the smallest distance between two colours of a set to any of the four kinds of sight.
func nearest(cs []color.NRGBA) (float64, string) {
	least, who := math.Inf(1), ""
	for name, m := range sight {
		for i := range cs {
			for j := range i {
				if d := apart(cs[i], cs[j], m); d < least {
					least, who = d, name
				}
			}
		}
	}
	return least, who
}

// The parts of a picture (prior, truth, the first four samplers) can be told apart by everyone, and from the ground.
func TestPaletteForAllSight(t *testing.T) {
	for _, dark := range []bool{false, true} {
		s := newStyle(Column, map[bool]theme{false: onPaper, true: darkness}[dark])
		set := append([]color.NRGBA{s.paper, s.ink, s.prior}, s.cycle[:4]...)
		if d, who := nearest(set); d < 12 {
			t.Errorf("dark %v: two parts are only ΔE %.1f apart with %s", dark, d, who)
		}
		for i, c := range append([]color.NRGBA{s.prior, s.ink, s.axis}, s.cycle[:5]...) {
			if r := contrast(c, s.paper); r < 2.2 {
				t.Errorf("dark %v: colour %d has contrast %.1f with the ground", dark, i, r)
			}
		}
		if r := contrast(s.axis, s.paper); r < 7 {
			t.Errorf("dark %v: numbers have contrast %.1f, want 7 for small text", dark, r)
		}
	}
	if d, _ := nearest([]color.NRGBA{{0xd6, 0x27, 0x28, 255}, {0x2c, 0xa0, 0x2c, 255}, {0x8c, 0x56, 0x4b, 255}}); d > 12 {
		t.Errorf("red, green and brown pass with ΔE %.1f, so this test sees nothing", d)
	}
}

// contrast is the ratio of WCAG 2.
func contrast(a, b color.NRGBA) float64 {
	y := func(c color.NRGBA) float64 { l := linear(c); return .2126*l[0] + .7152*l[1] + .0722*l[2] + .05 }
	return max(y(a), y(b)) / min(y(a), y(b))
}

// Colour maps for magnitudes grow lighter all the way, for everyone.
func TestColourMapsRise(t *testing.T) {
	for name, m := range map[string]*colourMap{"viridis": viridis, "cividis": cividis, "grey": grey} {
		for who, eye := range sight {
			for i := 8; i < 256; i++ {
				if lab(m[i], eye)[0] <= lab(m[i-8], eye)[0] {
					t.Fatalf("%s is not lighter at %d than at %d with %s", name, i, i-8, who)
				}
			}
		}
	}
}

// Without a ground of its own a figure can be read on white and on near-black: every ink has a contrast of 3 with both.
func TestInksForEitherGround(t *testing.T) {
	s := newStyle(Notebook, either)
	black := color.NRGBA{0x11, 0x11, 0x11, 255}
	for i, c := range append([]color.NRGBA{s.ink, s.axis, s.prior}, s.cycle...) {
		if a, b := contrast(c, color.NRGBA{255, 255, 255, 255}), contrast(c, black); a < 3 || b < 3 {
			t.Errorf("ink %d has contrast %.2f with white and %.2f with near-black", i, a, b)
		}
	}
	if d, who := nearest(s.cycle); d < 14 {
		t.Errorf("two samplers are only ΔE %.1f apart with %s", d, who)
	}
	if s.paper.A != 0 {
		t.Error("there is a ground")
	}
	for name, f := range map[string]*Figure{"pair": Pair(modes("DPS", 60, 1)), "bars": Bars(Bar{Name: "a", Value: 1})} {
		data, err := f.encode("png")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, a := decode(t, data).At(1, 1).RGBA(); a != 0 {
			t.Errorf("%s: the corner of the PNG is not transparent", name)
		}
		b, _ := f.MIMEBundle()
		if svg := b["image/svg+xml"].(string); strings.Contains(svg, "#FFFFFF") {
			t.Errorf("%s: white in the SVG of a cell", name)
		}
	}
}

// In grey, any two lines of a figure differ by lightness or by their dashes.
func TestLinesInGrey(t *testing.T) {
	for _, ground := range []theme{either, onPaper, darkness} {
		s := newStyle(Column, ground)
		var pens []ink.Pen
		for i := range 7 {
			pens = append(pens, s.line(s.cycle[i], 1, i))
		}
		pens = append(pens, s.dashed(s.ink, 1), s.dotted(s.axis, 1))
		for i, a := range pens {
			for _, b := range pens[:i] {
				if l := math.Abs(lab(a.Color, sight["full"])[0] - lab(b.Color, sight["full"])[0]); l < 12 && fmt.Sprint(a.Dash) == fmt.Sprint(b.Dash) {
					t.Errorf("ground %d: two lines of dashes %v differ by ΔL %.1f", ground, a.Dash, l)
				}
			}
		}
	}
}
