package plotting

import (
	"bytes"
	"flag"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden figures anew")

// goldens are kept at column width; SVG shows what changed in a diff, PNG shows it to the eye.
var goldens = []string{
	"pair", "pair-two", "marginals", "density", "density-known", "images-sets", "recoveries", "lines", "trajectories", "ess", "training", "bars", "cost",
	"intervals", "genealogy", "rank-histogram", "rank-ecdf", "coverage", "calibration", "predictive", "heatmap", "infilled", "backbone", "pair-discrete", "pair-few", "grid",
}

func TestGolden(t *testing.T) {
	for _, f := range figures {
		for _, name := range goldens {
			if f.name != name {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				format := "png"
				if name == "lines" || name == "bars" {
					format = "svg"
				}
				got, err := f.make().Size(Column).encode(format)
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join("testdata", name+"."+format)
				if *update {
					if err := os.WriteFile(path, got, 0o644); err != nil {
						t.Fatal(err)
					}
					return
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if format == "svg" {
					if msg := compareSVG(got, want); msg != "" {
						t.Errorf("%s (go test -update writes it anew)", msg)
					}
					return
				}
				if d := pixelDistance(t, got, want); d > 1 {
					t.Errorf("differs from %s by %.2f of 255 on average (go test -update writes it anew)", path, d)
				}
			})
		}
	}
}

// pixelDistance is the root mean square difference of two images, infinite where the sizes differ.
func pixelDistance(t *testing.T, a, b []byte) float64 {
	x, y := decode(t, a), decode(t, b)
	if x.Bounds() != y.Bounds() {
		return math.Inf(1)
	}
	sum, n := 0., 0
	for j := range x.Bounds().Dy() {
		for i := range x.Bounds().Dx() {
			r0, g0, b0, _ := x.At(i, j).RGBA()
			r1, g1, b1, _ := y.At(i, j).RGBA()
			for _, d := range []float64{float64(r0) - float64(r1), float64(g0) - float64(g1), float64(b0) - float64(b1)} {
				sum += d * d / 257 / 257
				n++
			}
		}
	}
	return math.Sqrt(sum / float64(n))
}

func decode(t *testing.T, b []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

var numbers = regexp.MustCompile(`[ ,]?-?(\d+\.?\d*|\.\d+)`)

// compareSVG allows numbers to differ by rounding: another processor may fuse a multiplication and an addition.
func compareSVG(got, want []byte) string {
	if !bytes.Equal(numbers.ReplaceAll(got, nil), numbers.ReplaceAll(want, nil)) {
		return "the drawing has other elements"
	}
	a, b := numbers.FindAll(got, -1), numbers.FindAll(want, -1)
	for i := range a {
		x, _ := strconv.ParseFloat(strings.Trim(string(a[i]), " ,"), 64)
		y, _ := strconv.ParseFloat(strings.Trim(string(b[i]), " ,"), 64)
		if math.Abs(x-y) > .02 {
			return "number " + strconv.Itoa(i) + " is " + string(a[i]) + ", was " + string(b[i])
		}
	}
	return ""
}

func TestGoldenComparisonSeesChanges(t *testing.T) {
	f := func() *Figure { return Bars(Bar{Name: "a", Value: 1}) }
	a, _ := f().encode("png")
	b, _ := Bars(Bar{Name: "a", Value: 1}, Floor(.5)).encode("png")
	if d := pixelDistance(t, a, b); d <= 1 {
		t.Errorf("a floor line and its legend changed the picture by %.3f only", d)
	}
	c, _ := f().encode("svg")
	d, _ := Bars(Bar{Name: "a", Value: 1.1}).encode("svg")
	if compareSVG(c, d) == "" {
		t.Error("another value gave the same drawing")
	}
}
