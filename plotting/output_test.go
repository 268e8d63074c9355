package plotting

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every figure in every size: nothing is drawn beyond the page, so that no label is cut and no mark leaves its panel.
func TestNothingLeavesThePage(t *testing.T) {
	for _, f := range figures {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			fig := f.make()
			for size, preset := range map[string]Preset{"column": Column, "two": TwoColumn, "notebook": Notebook, "slide": Slide} {
				svg, err := fig.Size(preset).encode("svg")
				if err != nil {
					t.Fatal(err)
				}
				w, h := viewBox(t, svg)
				lo, hi := extent(t, svg)
				if lo[0] < -.1 || lo[1] < -.1 || hi[0] > w+.1 || hi[1] > h+.1 {
					t.Errorf("%s: marks span %.1f..%.1f × %.1f..%.1f on a page of %.1f × %.1f pt", size, lo[0], hi[0], lo[1], hi[1], w, h)
				}
				if exact := preset.Width * mm; !preset.loose && math.Abs(w-exact) > .3 {
					t.Errorf("%s: %.1f pt wide, want %.1f", size, w, exact)
				}
			}
		})
	}
}

var box = regexp.MustCompile(`viewBox="0 0 ([\d.]+) ([\d.]+)"`)

func viewBox(t *testing.T, svg []byte) (w, h float64) {
	t.Helper()
	m := box.FindSubmatch(svg)
	if m == nil {
		t.Fatal("no viewBox")
	}
	w, _ = strconv.ParseFloat(string(m[1]), 64)
	h, _ = strconv.ParseFloat(string(m[2]), 64)
	return w, h
}

var (
	path = regexp.MustCompile(`<path d="([^"]*)"`)
	pair = regexp.MustCompile(`(-?[\d.]+(?:e-?\d+)?),(-?[\d.]+(?:e-?\d+)?)`)
)

// extent is the box around all points of all paths.
func extent(t *testing.T, svg []byte) (lo, hi [2]float64) {
	t.Helper()
	lo, hi = [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, p := range path.FindAllSubmatch(svg, -1) {
		for _, q := range pair.FindAllSubmatch(p[1], -1) {
			for k := range 2 {
				v, err := strconv.ParseFloat(string(q[k+1]), 64)
				if err != nil {
					t.Fatal(err)
				}
				lo[k], hi[k] = min(lo[k], v), max(hi[k], v)
			}
		}
	}
	return lo, hi
}

func TestSameDataSameBytes(t *testing.T) {
	for _, f := range figures {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for _, format := range formats[:2] { // PNG is drawn as SVG is
				a, err := f.make().encode(format)
				if err != nil {
					t.Fatal(err)
				}
				b, _ := f.make().encode(format)
				if !bytes.Equal(a, b) {
					t.Errorf("%s: two drawings of the same data differ", format)
				}
			}
		})
	}
}

func TestPDFHasEmbeddedFontsAndNoTime(t *testing.T) {
	pdf, err := Bars(Bar{Name: "θ ± σ", Value: 1}).encode("pdf")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(pdf, []byte("/FontFile2")) {
		t.Error("no embedded font")
	}
	for _, d := range regexp.MustCompile(`/(Creation|Mod)Date \((.*?)\)`).FindAllSubmatch(pdf, -1) {
		if !bytes.HasPrefix(d[2], []byte("D:19700101")) {
			t.Errorf("time stamp %s", d[2])
		}
	}
	if len(pdf) > 80<<10 {
		t.Errorf("%d bytes for a small figure: the font is not cut to what is used", len(pdf))
	}
}

func TestBundle(t *testing.T) {
	for _, f := range figures {
		b, err := f.make().MIMEBundle()
		if err != nil {
			t.Fatal(err)
		}
		text, _ := b["text/plain"].(string)
		if first, _, _ := strings.Cut(text, "\n"); first == "" || first != f.make().String() {
			t.Errorf("%s: description %q", f.name, text)
		}
		svg, _ := b["image/svg+xml"].(string)
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", f.name, err)
			}
		}
		if n := strings.Count(svg, "<path"); n == 0 || n > 5000 {
			t.Errorf("%s: %d marks", f.name, n)
		}
	}
}

// Twenty thousand samples stay a small drawing: the cloud is a picture inside the frame.
func TestCloudsArePictures(t *testing.T) {
	b, err := Density2D(normals(20000, 2, 1), Count(20000)).MIMEBundle()
	if err != nil {
		t.Fatal(err)
	}
	svg, _ := b["image/svg+xml"].(string)
	if n := strings.Count(svg, "<path"); n > 300 || !strings.Contains(svg, `preserveAspectRatio="none" xlink:href="data:image/png;base64,`) || len(svg) > 1<<20 {
		t.Errorf("%d paths, %d bytes", n, len(svg))
	}
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	f := Bars(Bar{Name: "a", Value: 1})
	if err := f.Save(filepath.Join(dir, "new", "x")); err != nil {
		t.Fatal(err)
	}
	for ext, magic := range map[string]string{"pdf": "%PDF", "svg": "<?xml", "png": "\x89PNG"} {
		data, err := os.ReadFile(filepath.Join(dir, "new", "x."+ext))
		if err != nil || !strings.HasPrefix(string(data), magic) {
			t.Errorf("%s: %v, begins %.5q", ext, err, data)
		}
	}
	if err := f.Save(filepath.Join(dir, "only.SVG")); err != nil {
		t.Error(err)
	}
	err := f.Save(filepath.Join(dir, "x.jpg"))
	if err == nil || !strings.Contains(err.Error(), ".svg, .pdf or .png") {
		t.Errorf("saving a .jpg: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "x.jpg")); err == nil {
		t.Error("an empty file was left")
	}
}

func TestFigureLivesOn(t *testing.T) {
	f := Bars(Bar{Name: "a", Value: 1})
	data, err := f.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var g Figure
	if err := g.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	for _, format := range formats {
		a, _ := f.encode(format)
		b, err := g.encode(format)
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s changed on the way: %v", format, err)
		}
	}
	if err := g.Size(Column).Err(); err == nil || !strings.Contains(err.Error(), "earlier cell") {
		t.Errorf("resizing a figure that was kept: %v", err)
	}
	bad := Pair()
	data, _ = bad.MarshalBinary()
	if err := g.UnmarshalBinary(data); err != nil || g.Err() == nil || g.Err().Error() != bad.Err().Error() {
		t.Errorf("an error became %v", g.Err())
	}
}

// Long names are cut, not the page.
func TestLongNames(t *testing.T) {
	long := "a sampler whose name is longer than anything that anyone would want to read in a legend"
	m := modes(long, 50, 1)
	two := tracing(long, 1)
	for name, f := range map[string]*Figure{
		"pair": Pair(m, Prior(As(long, m)), Names(long, long)), "marginals": Marginals(m, Names(long, long)), "density": Density2D(m, As(long+" 2", m)),
		"images": Images(As(long, pictures8(3, 1)), As("b", pictures8(3, 2))), "recoveries": Recoveries(Recovery{Name: long, Samples: recovery().Samples}),
		"lines": Lines(Line(long, nil, []float64{1, 2}), Line("b", nil, []float64{2, 1}), XLabel(long), YLabel(long)).Title(long), "ess": ESS(two, tracing("b", 2)),
		"bars": Bars(Bar{Name: long, Value: 1}, Floor(.1), XLabel(long)), "cost": Cost(CostPoint{Name: long, Distance: 1, Seconds: 1}, YLabel(long)),
		"training": Training(two),
	} {
		for _, preset := range []Preset{Column, Notebook} {
			svg, err := f.Size(preset).encode("svg")
			if err != nil {
				t.Fatal(name, err)
			}
			w, h := viewBox(t, svg)
			if lo, hi := extent(t, svg); lo[0] < -.1 || lo[1] < -.1 || hi[0] > w+.1 || hi[1] > h+.1 {
				t.Errorf("%s: marks span %.1f..%.1f × %.1f..%.1f on a page of %.1f × %.1f pt", name, lo[0], hi[0], lo[1], hi[1], w, h)
			}
		}
	}
}
