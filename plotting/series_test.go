package plotting

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"odslab/odslib"
)

// bell is a standard normal prior in the plane that knows its density, and its posterior under shift.
type bell struct{ at float64 }

func (b bell) Shape() []int { return []int{2} }

func (b bell) Sample(_ context.Context, n int, seed uint64) (odslib.Array, error) {
	return shifted(normals(n, 2, seed), float32(b.at)), nil
}

func (b bell) LogDensityHost(x []float64, alpha, sigma float64) float64 {
	return -((x[0]-b.at)*(x[0]-b.at) + (x[1]-b.at)*(x[1]-b.at)) / 2 / (alpha*alpha + sigma*sigma)
}

func (b bell) Exact(c odslib.Constraint) (odslib.Prior, float64, error) {
	if s, ok := c.(shift); ok {
		return bell{b.at + s.by}, 0, nil
	}
	return nil, 0, odslib.ErrNoClosedForm
}

type shift struct{ by float64 }

func (shift) LogR(*odslib.Scope, *odslib.Node) *odslib.Node { return nil }

type other struct{ shift }

// A prior and a posterior in closed form stand for their samples and bring their density.
func TestPriorsAndClosedForms(t *testing.T) {
	p := Prior(bell{})
	if p.err != nil || p.role != prior || p.name != "prior" || p.samples.Len() != drawn || p.log == nil || p.log(0, 0) != 0 {
		t.Errorf("prior: %v, %d samples", p.err, p.samples.Len())
	}
	q := Truth(odslib.Given(bell{}, shift{3}))
	if q.err != nil || q.role != truth || q.name != "exact" || q.log == nil || q.log(3, 3) != 0 {
		t.Fatalf("exact posterior: %v, named %q", q.err, q.name)
	}
	mean := 0.
	for _, v := range q.column(0) {
		mean += v / drawn
	}
	if math.Abs(mean-3) > .1 {
		t.Errorf("mean of the exact posterior %.3f, want 3", mean)
	}
	if f := Density2D(modes("DPS", 300, 1), q); f.Err() != nil {
		t.Error(f.Err())
	}
	for _, c := range []struct {
		post odslib.Posterior
		want string
	}{
		{odslib.Given(bell{}, other{}), "no closed form"},
		{odslib.Given(nil, shift{}), "no prior"},
	} {
		if err := Pair(Truth(c.post)).Err(); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v, want %q", c.post, err, c.want)
		}
	}
}

type failing struct{ bell }

func (failing) Sample(context.Context, int, uint64) (odslib.Array, error) {
	return odslib.Array{}, errors.New("no weights were loaded")
}

func TestPriorThatFails(t *testing.T) {
	if err := Pair(failing{}).Err(); err == nil || !strings.Contains(err.Error(), "no weights were loaded") {
		t.Errorf("error %v", err)
	}
}

// Parts keep their colours whatever their order, and names stay apart.
func TestRolesAndNames(t *testing.T) {
	s := newStyle(Column, onPaper)
	list, _, err := collect([]any{Truth(modes("exact", 9, 1)), modes("DPS", 9, 1), Prior(modes("x", 9, 1)), modes("DPS", 9, 2), As("mine", modes("TDS", 9, 3))}, "")
	if err != nil {
		t.Fatal(err)
	}
	want := []any{s.ink, s.cycle[0], s.prior, s.cycle[1], colourOf(s, list, 4)}
	for k := range list {
		if got := colourOf(s, list, k); got != want[k] {
			t.Errorf("%s has colour %v, want %v", list[k].name, got, want[k])
		}
	}
	if got := seriesNames(list); got != "exact, DPS, prior, DPS 2, mine" {
		t.Errorf("names %q", got)
	}
}

func TestImageShapes(t *testing.T) {
	for _, c := range []struct {
		shape []int
		want  raster
		ok    bool
	}{
		{[]int{28, 28}, raster{28, 28, 1}, true},
		{[]int{8, 6, 1}, raster{8, 6, 1}, true},
		{[]int{8, 6, 3}, raster{8, 6, 3}, true},
		{[]int{1, 8, 6}, raster{8, 6, 1}, true},
		{[]int{64}, raster{8, 8, 1}, true},
		{[]int{65}, raster{}, false},
		{[]int{2, 2, 2, 2}, raster{}, false},
	} {
		got, err := rasterOf(c.shape)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%v: %v, %v", c.shape, got, err)
		}
	}
}

func TestIntensities(t *testing.T) {
	for _, c := range []struct {
		v        []float64
		min, max float64
	}{{[]float64{0, .2, 1}, 0, 1}, {[]float64{-1, 0, 1}, -1, 1}, {[]float64{-.05, .5, 1.05}, 0, 1}, {[]float64{0, 17, 254}, 0, 275}, {[]float64{math.NaN(), 0, 1}, 0, 1}} {
		if s := intensities(c.v); math.Abs(s.min-c.min) > .5 || math.Abs(s.max-c.max) > 1 {
			t.Errorf("%v: %+v, want %v to %v", c.v, s, c.min, c.max)
		}
	}
}

// Where the density is known it is drawn, and not an estimate from samples: the 90 % contour is a circle.
func TestKnownDensityIsDrawn(t *testing.T) {
	p, err := pairOf(odslib.Given(bell{2}, nil))
	if err != nil {
		t.Fatal(err)
	}
	loops := p.joint[[3]int{0, 1, 0}][1]
	if len(loops) != 1 {
		t.Fatalf("%d loops", len(loops))
	}
	for _, q := range loops[0] {
		if r := math.Hypot(q[0]-2, q[1]-2); math.Abs(r-math.Sqrt(-2*math.Log(.1))) > .05 {
			t.Fatalf("the contour is at radius %.3f, want 2.146", r)
		}
	}
	c := p.curve(0, 1)
	for i, x := range c.X {
		if want := math.Exp(-(x-2)*(x-2)/2) / math.Sqrt(2*math.Pi); math.Abs(c.Y[i]-want) > .01 {
			t.Fatalf("marginal at %.2f is %.4f, want %.4f", x, c.Y[i], want)
		}
	}
}

// A tempered training begins with losses of 0: the axis is logarithmic all the same, and they are left out; where many are
// not positive it is linear.
func TestTrainingAxis(t *testing.T) {
	losses := func(zeros int) []float64 {
		y := make([]float64, 100)
		for i := zeros; i < len(y); i++ {
			y[i] = 1e4 / float64(i+1)
		}
		return y
	}
	x, y := above0([]float64{1, 2, 3, 4}, []float64{0, 5, -1, math.NaN()})
	if len(x) != 2 || x[0] != 2 || y[0] != 5 || x[1] != 4 {
		t.Errorf("kept %v %v", x, y)
	}
	for zeros, want := range map[int]bool{0: true, 2: true, 50: false} {
		if got := spansDecades([]Curve{Runs("RTB", losses(zeros))}); got != want {
			t.Errorf("%d of 100 losses are 0: logarithmic %v", zeros, got)
		}
	}
	if spansDecades([]Curve{Runs("RTB", []float64{1, 2, 29})}) {
		t.Error("a factor of 29 is logarithmic")
	}
}
