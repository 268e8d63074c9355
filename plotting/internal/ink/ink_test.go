package ink

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"strings"
	"testing"
)

func text(runs []run) string {
	var out []string
	for _, r := range runs {
		s := r.s
		if r.font.Face == Italic {
			s = "/" + s + "/"
		}
		switch {
		case r.rise < 0:
			s = "_" + s
		case r.rise > 0:
			s = "^" + s
		}
		out = append(out, s)
	}
	return strings.Join(out, "|")
}

func TestTypeset(t *testing.T) {
	for in, want := range map[string]string{
		"theta_1":                      "/θ/|_1",
		"x_{t+1}":                      "/x/|_t+1",
		"α_t":                          "/α/|_/t/",
		"σ^2":                          "/σ/|^2",
		"x":                            "/x/",
		"log Ẑ":                        "log Ẑ",
		"sliced distance":              "sliced distance",
		"a b":                          "a b",
		"-3":                           "−3",
		"half-life 2-3":                "half-life 2-3",
		"10^{-2}":                      "10|^−2",
		"2×10^{6}":                     "2×10|^6",
		"alpha":                        "/α/",
		"theta_1 (m)":                  "/θ/|_1| (m)",
		"snake_case":                   "snake_case",
		"":                             "",
		`$\theta_1$`:                   "/θ/|_1",
		`$\Omega_m h^2$`:               "/Ω/|_/m/| |/h/|^2",
		"1.0^{+0.2}_{-0.1}":            "1.0|^+0.2|_−0.1",
		"Omega_m":                      "/Ω/|_/m/",
		`\log \hat{Z}`:                 "log Ẑ",
		`$\sigma_{\mathrm{obs}}$ (km)`: "/σ/|_obs| (km)",
		`$x_{t+1}$`:                    "/x/|_t+1",
		"∇_x":                          "∇|_/x/",
	} {
		if got := text(typeset(in, Font{Size: 10})); got != want {
			t.Errorf("%q is set as %q, want %q", in, got, want)
		}
	}
}

// The font has what figures need.
func TestGlyphs(t *testing.T) {
	for _, f := range []Face{Regular, Italic, Bold} {
		for _, r := range "αβγδεζηθκλμνξπρστφχψωΠΣẐ−×±√∂∞≤≥∇…–’ " {
			if !f.has(r) && r != '∇' {
				t.Errorf("face %d lacks %q", f, r)
			}
		}
	}
}

// What the font lacks is drawn by other means, in every format, and runes beyond the first plane are no panic in PDF.
func TestFallback(t *testing.T) {
	empty := Regular.get(0x10ffff)
	for _, r := range "∇変数한글∈≪⊗𝜃𝔼" {
		for _, f := range []Face{Regular, Bold} {
			if g := f.get(r); len(g.segments) == 0 || g.advance <= 0 || len(g.segments) == len(empty.segments) && g.segments[0] == empty.segments[0] {
				t.Errorf("face %d has nothing for %q", f, r)
			}
		}
	}
	for name, page := range map[string]*Page{"svg": SVG(99, 99, "t", "d"), "pdf": PDF(99, 99, "𝜃"), "png": PNG(99, 99, 96, color.White)} {
		page.Text(Pt{X: 5, Y: 5}, "∇ 変数 𝜃 \U0001F600 Ω_m", Font{Size: 10}, color.NRGBA{A: 255}, 0, 0, .3)
		if data, err := page.Bytes(); err != nil || len(data) < 300 {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
}

func TestWidth(t *testing.T) {
	f := Font{Size: 10}
	if a, b := Width("mm", f), Width("m", Font{Size: 20}); math.Abs(a-b+0) > 8 || a <= 0 {
		t.Errorf("widths %v and %v", a, b)
	}
	if Width("ab", f)+Width("cd", f)-Width("abcd", f) > 1e-9 {
		t.Error("widths do not add up")
	}
}

// Colours come out as given in all formats, the transparent ones too.
func TestColours(t *testing.T) {
	half := color.NRGBA{0xd5, 0x5e, 0, 128}
	p, img := Pixels(10, 10, 72, color.White)
	p.Box(half, Rect{0, 0, 10, 10})
	r, g, b, _ := img().At(5, 5).RGBA()
	if r>>8 < 0xe8 || r>>8 > 0xec || g>>8 < 0xac || g>>8 > 0xb1 || b>>8 < 0x7c || b>>8 > 0x82 {
		t.Errorf("half vermillion on white is %x %x %x", r>>8, g>>8, b>>8)
	}
	for name, page := range map[string]*Page{"svg": SVG(10, 10, "", ""), "pdf": PDF(10, 10, "")} {
		page.Box(half, Rect{0, 0, 10, 10})
		data, err := page.Bytes()
		if err != nil || len(data) == 0 {
			t.Errorf("%s: %v", name, err)
		}
		if name == "svg" && !bytes.Contains(data, []byte("#D55E00")) {
			t.Errorf("svg: %s", data)
		}
	}
}

// Pixels of an enlarged image stay sharp, and row 0 is the top.
func TestPictureIsSharpAndUpright(t *testing.T) {
	src := image.NewNRGBA(image.Rect(0, 0, 2, 2))
	src.SetNRGBA(0, 0, color.NRGBA{255, 0, 0, 255})
	src.SetNRGBA(1, 0, color.NRGBA{0, 255, 0, 255})
	src.SetNRGBA(0, 1, color.NRGBA{0, 0, 255, 255})
	src.SetNRGBA(1, 1, color.NRGBA{A: 255})
	p, img := Pixels(20, 20, 72, color.White)
	p.Picture(Rect{0, 0, 20, 20}, src)
	for _, c := range []struct {
		x, y int
		want color.NRGBA
	}{{8, 8, src.NRGBAAt(0, 0)}, {12, 8, src.NRGBAAt(1, 0)}, {8, 12, src.NRGBAAt(0, 1)}, {3, 3, src.NRGBAAt(0, 0)}} {
		r, g, b, _ := img().At(c.x, c.y).RGBA()
		if d := math.Abs(float64(r>>8)-float64(c.want.R)) + math.Abs(float64(g>>8)-float64(c.want.G)) + math.Abs(float64(b>>8)-float64(c.want.B)); d > 40 {
			t.Errorf("pixel %d,%d is %d %d %d, want %v", c.x, c.y, r>>8, g>>8, b>>8, c.want)
		}
	}
}
