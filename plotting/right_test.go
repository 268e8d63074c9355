package plotting

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/exact"
	"odslab/plotting/internal/density"
)

// rows draws n samples of a law.
func rows(n int, seed uint64, f func(r *rand.Rand) []float64) (out [][]float64) {
	r := rand.New(rand.NewPCG(seed, 99))
	for range n {
		out = append(out, f(r))
	}
	return out
}

func plane(r *rand.Rand) []float64 { return []float64{r.NormFloat64(), r.NormFloat64()} }

func pairPlotOf(t *testing.T, args ...any) *pairPlot {
	t.Helper()
	p, err := pairOf(args...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Bounded variables are shown to their bounds: no sample of a uniform and an exponential variable is off the page.
func TestBoundedVariablesAreShownWhole(t *testing.T) {
	for name, f := range map[string]func(r *rand.Rand) []float64{
		"uniform × exponential": func(r *rand.Rand) []float64 { return []float64{r.Float64(), r.ExpFloat64()} },
		"triangle":              func(r *rand.Rand) []float64 { a, b := r.Float64(), r.Float64(); return []float64{max(a, b), min(a, b)} },
		"uniform to the power of 4": func(r *rand.Rand) []float64 {
			return []float64{math.Pow(r.Float64(), 4), 1 - math.Pow(r.Float64(), 4)}
		},
	} {
		x := rows(2000, 1, f)
		p := pairPlotOf(t, x)
		if n := p.outside(p.series[0]); n > 3 {
			t.Errorf("%s: %d of 2000 samples are outside, axes %+v", name, n, p.scales)
		}
		for k := range 2 {
			c := p.series[0].table.column(k)
			if lo, hi := c.Ends(); c.Domain.Min < lo-.2*(hi-lo) || c.Domain.Max > hi+.2*(hi-lo) {
				t.Errorf("%s: samples in %.3f..%.3f, density on %+v", name, lo, hi, c.Domain)
			}
		}
	}
}

// A few samples far away change neither the contours nor the bars of the others by much, and are counted.
func TestFarSamples(t *testing.T) {
	far := map[string][][]float64{
		"one at −10⁶":       {{-1e6, 0}},
		"three at 1000":     {{1000, 1}, {1000.5, 0}, {1001, 2}},
		"four of sd 300":    {{312, -80}, {-290, 400}, {150, -250}, {-410, 33}},
		"one at 10³⁰":       {{0, 1e30}},
		"ten on both sides": {{1e4, 0}, {-1e4, 0}, {2e4, 0}, {-2e4, 1}, {3e4, 0}, {-3e4, 0}, {4e4, 0}, {-4e4, 0}, {5e4, 0}, {-5e4, 0}},
	}
	for name, some := range far {
		x := append(rows(2000-len(some), 2, plane), some...)
		p := pairPlotOf(t, x)
		for k := range 2 {
			if sc := p.scales[k]; sc.max-sc.min > 12 {
				t.Errorf("%s: axis %+v", name, sc)
			}
			c := p.curve(0, k)
			for m, want := range map[float64]float64{.5: .674, .9: 1.645} {
				r := c.Above(c.Levels(m)[0])
				if len(r) == 0 || math.Abs(r[0][0]+want) > .3 || math.Abs(r[len(r)-1][1]-want) > .3 {
					t.Errorf("%s: %g %% region %v, want ±%.2f", name, 100*m, r, want)
				}
			}
		}
		if loops := p.joint[[3]int{0, 1, 0}]; len(loops) != 2 || len(loops[1]) == 0 {
			t.Errorf("%s: contours %v", name, loops)
		}
		if n := p.outside(p.series[0]); n < len(some) || !strings.Contains(strings.Join(p.notes, " "), fmt.Sprintf("outside the page: samples %d of 2\u00a0000", n)) {
			t.Errorf("%s: %d outside, notes %q", name, n, p.notes)
		}
	}
}

// Weighted samples and their copies in proportion to the weights give the same contours.
func TestWeightsAndCopiesAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	weighted := odslib.NewResult(odslib.Posterior{}, "a", nil, 0)
	var once, copies [][]float64
	for range 1500 {
		x, k := plane(r), 1+r.IntN(5)
		once = append(once, x)
		weighted.LogWeights = append(weighted.LogWeights, math.Log(float64(k)))
		for range k {
			copies = append(copies, x)
		}
	}
	weighted.Samples = engine.FromRows(once)
	even := odslib.NewResult(odslib.Posterior{}, "b", nil, 0)
	even.Samples = engine.FromRows(copies)
	p, q := pairPlotOf(t, weighted), pairPlotOf(t, even)
	for m := range 2 {
		a, b := p.joint[[3]int{0, 1, 0}][m], q.joint[[3]int{0, 1, 0}][m]
		if len(a) != len(b) {
			t.Fatalf("level %d: %d and %d loops", m, len(a), len(b))
		}
		for i := range a {
			if len(a[i]) != len(b[i]) {
				t.Fatalf("level %d, loop %d: %d and %d points", m, i, len(a[i]), len(b[i]))
			}
			for j := range a[i] {
				if d := math.Hypot(a[i][j][0]-b[i][j][0], a[i][j][1]-b[i][j][1]); d > 1e-9 {
					t.Fatalf("level %d: contours are %g apart", m, d)
				}
			}
		}
	}
	for k := range 2 {
		a, b := p.curve(0, k), q.curve(0, k)
		for i := range a.Y {
			if math.Abs(a.Y[i]-b.Y[i]) > 1e-9 {
				t.Fatalf("densities are %g apart", a.Y[i]-b.Y[i])
			}
		}
	}
}

// What is no draw from a density is drawn as what it is, and said.
func TestKinds(t *testing.T) {
	skewed := odslib.NewResult(odslib.Posterior{}, "SMC", nil, 0)
	skewed.Samples = normals(1000, 2, 5)
	for i := range 1000 {
		skewed.LogWeights = append(skewed.LogWeights, -float64(i))
	}
	copies := engine.NewArray(1000, 2)
	for i := range copies.Data {
		copies.Data[i] = float32(math.Sin(float64(i/2%7)*(1+float64(i%2)) + .3))
	}
	for _, c := range []struct {
		name string
		data any
		kind density.Kind // of the first variable
		want string       // in a note
	}{
		{"one sample", rows(1, 1, plane), density.Discrete, "1 effective samples are too few"},
		{"two samples", rows(2, 1, plane), density.Few, "2 effective samples are too few"},
		{"ten samples", rows(10, 1, plane), density.Few, "10 effective samples are too few"},
		{"ESS 2", skewed, density.Few, "too few"},
		{"seven places", copies, density.Few, "7 effective samples are too few"},
		{"constant", rows(300, 1, func(r *rand.Rand) []float64 { return []float64{3, r.NormFloat64()} }), density.Discrete, "constant x_1 = 3"},
		{"all zero", rows(300, 1, func(r *rand.Rand) []float64 { return []float64{0, r.NormFloat64()} }), density.Discrete, "constant x_1 = 0"},
		{"0 to 3", rows(2000, 1, func(r *rand.Rand) []float64 { return []float64{float64(r.IntN(4)), r.NormFloat64()} }), density.Discrete, "x_1 takes 4 values"},
		{"mostly zeros", rows(2000, 1, func(r *rand.Rand) []float64 {
			if r.Float64() < .95 {
				return []float64{0, r.NormFloat64()}
			}
			return []float64{r.ExpFloat64(), r.NormFloat64()}
		}), density.Tied, "in one value"},
		{"censored", rows(2000, 1, func(r *rand.Rand) []float64 { return []float64{min(1, r.NormFloat64()), r.NormFloat64()} }), density.Tied, "in one value"},
		{"counts alone", rows(1000, 1, func(r *rand.Rand) []float64 { return []float64{float64(r.IntN(3)), float64(r.IntN(3))} }), density.Discrete, "x_1 takes 3 values"},
		{"rounded", rows(5000, 1, func(r *rand.Rand) []float64 { return []float64{math.Round(50*r.NormFloat64()) / 50, r.NormFloat64()} }), density.Smooth, ""},
		{"a thousand counts", rows(3000, 1, func(r *rand.Rand) []float64 { return []float64{math.Round(1000 + 40*r.NormFloat64()), r.NormFloat64()} }), density.Smooth, ""},
		{"far from zero", rows(500, 1, func(r *rand.Rand) []float64 { return []float64{1e6 + r.NormFloat64(), r.NormFloat64()} }), density.Smooth, ""},
	} {
		p := pairPlotOf(t, c.data)
		notes := strings.Join(p.notes, ". ")
		if k := p.series[0].table.column(0).Kind; k != c.kind || !strings.Contains(notes, c.want) || c.want == "" && strings.Contains(notes, "values") {
			t.Errorf("%s: kind %d, want %d; notes %q", c.name, k, c.kind, notes)
		}
		if loops := p.joint[[3]int{0, 1, 0}]; (loops == nil) != (c.kind != density.Smooth) {
			t.Errorf("%s: confident regions %v", c.name, loops != nil)
		}
		for _, f := range []*Figure{Pair(c.data), Marginals(c.data), Density2D(c.data), Intervals(c.data)} {
			for _, format := range formats {
				if data, err := f.encode(format); err != nil || len(data) < 500 {
					t.Errorf("%s as %s: %d bytes, %v", c.name, format, len(data), err)
				}
			}
		}
	}
	one := func(f func(r *rand.Rand) float64) *density.Column {
		var x []float64
		for _, v := range rows(2000, 3, func(r *rand.Rand) []float64 { return []float64{f(r)} }) {
			x = append(x, v[0])
		}
		return pairPlotOf(t, x).series[0].table.column(0)
	}
	for name, c := range map[string]struct {
		f    func(r *rand.Rand) float64
		want density.Kind
	}{
		"counts": {func(r *rand.Rand) float64 { return float64(r.IntN(4)) }, density.Discrete},
		"zeros":  {func(r *rand.Rand) float64 { return max(0, r.NormFloat64()-1.6) }, density.Tied},
		"copies": {func(r *rand.Rand) float64 { return math.Sin(float64(r.IntN(300))) }, density.Smooth},
	} {
		if k := one(c.f); k.Kind != c.want || name == "copies" && k.Size > 300 {
			t.Errorf("%s alone: kind %d of size %.0f, want %d", name, k.Kind, k.Size, c.want)
		}
	}
	// Rounding leaves no comb in a curve.
	c := pairPlotOf(t, rows(5000, 1, func(r *rand.Rand) []float64 { return []float64{math.Round(10*r.NormFloat64()) / 10, r.NormFloat64()} })).curve(0, 0)
	turns := 0
	for i := 2; i < len(c.Y); i++ {
		if (c.Y[i]-c.Y[i-1])*(c.Y[i-1]-c.Y[i-2]) < 0 && c.Y[i] > .02 {
			turns++
		}
	}
	if turns > 9 {
		t.Errorf("the density of rounded samples turns %d times", turns)
	}
}

// Lone points are drawn, and no value on any axis makes a drawing hang or writes NaN.
func TestLonePoints(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	one := &odslib.Result{Sampler: "SMC", Trace: []odslib.TraceStep{{Step: 1, ESS: .4, LogZ: -1, Loss: 2}}}
	for name, c := range map[string]struct {
		f    *Figure
		dots int
	}{
		"gaps":          {Lines(Line("a", nil, []float64{1, nan, 2, inf, 3})), 3},
		"zeros, log":    {Lines(Line("a", nil, []float64{1, 0, 10, 0, 100}), LogY()), 3},
		"one step":      {ESS(one), 2},
		"one loss":      {Training(one), 1},
		"band to 0":     {Lines(Band("b", nil, []float64{0, 1, 0, 2}, []float64{3, 4, 0, 9}), LogY()), 0},
		"band, NaN":     {Lines(Band("b", nil, []float64{1, nan, 1, 2, -inf}, []float64{3, 4, 5, inf, 9})), 0},
		"low 0":         {Cost(CostPoint{Name: "a", Distance: 1, Low: 0, High: 2, Seconds: 1}, CostPoint{Name: "b", Distance: 2, Seconds: 3}), 0},
		"negative low":  {Cost(CostPoint{Name: "a", Distance: 1, Low: -1, High: 2, Seconds: 1}), 0},
		"log from 0, x": {Lines(Line("a", []float64{0, 1, 10}, []float64{1, 2, 3}), LogX()), 0},
	} {
		if c.f.Err() != nil {
			t.Errorf("%s: %v", name, c.f.Err())
			continue
		}
		for _, format := range formats {
			done := make(chan error, 1)
			var data []byte
			go func() { var err error; data, err = c.f.encode(format); done <- err }()
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("%s as %s: %v", name, format, err)
				}
			case <-time.After(60 * time.Second):
				t.Fatalf("%s as %s hangs", name, format)
			}
			if s := string(data); format == "svg" && (strings.Contains(s, "NaN") || strings.Contains(s, "Inf")) {
				t.Errorf("%s: NaN or Inf in the SVG", name)
			} else if n := len(discs.FindAllString(s, -1)); format == "svg" && c.dots > 0 && n < c.dots {
				t.Errorf("%s: %d discs, want %d", name, n, c.dots)
			}
		}
	}
}

// discs finds a disc in an SVG: a path of one closed curve.
var discs = regexp.MustCompile(` d="m[^"a-z]*c[^"a-z]*z"`)

// No two ticks of an axis say the same, and none collide, wherever the axis lies.
func TestTicksDiffer(t *testing.T) {
	s := newStyle(Column, onPaper)
	r := rand.New(rand.NewPCG(7, 7))
	scales := []scale{{min: 100000.1, max: 100000.3}, {min: 1e6 - 1, max: 1e6 + 1}, around(.04, false, 0, 0), {min: -1e9, max: -1e9 + 1e-3}, {min: 1e-12, max: 3e-12}, {min: -3, max: 2, power: true}}
	for range 2000 {
		lo := (r.Float64() - .5) * math.Pow(10, 14*r.Float64()-5)
		scales = append(scales, scale{min: lo, max: lo + math.Max(math.Abs(lo)*1e-8, math.Pow(10, 9*r.Float64()-5))})
	}
	for _, sc := range scales {
		a := newAxis(sc, "x")
		for _, upright := range []bool{true, false} {
			ts := a.marks(s, 60, upright)
			seen, last := map[string]bool{}, math.Inf(-1)
			for _, k := range ts {
				if k.label == "" {
					continue
				}
				at, half := sc.to(k.at)*60, 1.0
				if seen[k.label] || at-half < last {
					t.Fatalf("%+v: ticks %v", sc, ts)
				}
				seen[k.label], last = true, at+half
			}
			if len(ts) == 0 {
				t.Fatalf("%+v has no tick", sc)
			}
		}
	}
}

// A method has one colour in all figures, and up to 28 samplers differ by colour or dash in one.
func TestColoursFollowTheMethod(t *testing.T) {
	s := newStyle(Column, onPaper)
	alone := s.colours([]string{"RTB"})[0]
	for _, names := range [][]string{{"DPS", "RTB"}, {"mine", "SMC", "RTB", "other"}, {"TDS", "x", "y", "z", "RTB"}} {
		for i, n := range names {
			if n == "RTB" && s.colours(names)[i] != alone {
				t.Errorf("RTB changes its colour among %v", names)
			}
		}
	}
	var names []string
	for i := range 14 {
		names = append(names, fmt.Sprintf("method %c", 'a'+i))
	}
	seen := map[string]bool{}
	for i, c := range s.colours(names) {
		seen[fmt.Sprint(c, s.line(c, 1, i).Dash)] = true
	}
	if len(seen) != 14 {
		t.Errorf("%d looks for 14 samplers", len(seen))
	}
	if f := Pair(normals(50, 2, 1)).Colour("samples", "red"); f.Err() == nil {
		t.Error("a colour called red was taken")
	}
}

// The exact posterior of a case whose constraint was made from its target draws itself.
func TestTruthOfACase(t *testing.T) {
	if f := Pair(normals(100, 2, 1), Truth(exact.T1().Post)); f.Err() != nil {
		t.Error(f.Err())
	}
}

// Choices of the call: order and names of variables, limits, logarithmic axes, references.
func TestChoices(t *testing.T) {
	res := odslib.NewResult(odslib.Posterior{}, "DPS", nil, 0)
	res.Samples, res.Names = normals(300, 3, 1), []string{"mass", "spin", "rate"}
	for i := range 300 {
		res.Samples.Row(i)[2] = float32(math.Exp(float64(res.Samples.Row(i)[2])))
	}
	p := pairPlotOf(t, res, Variables("rate", 0), Log("rate"), Limits("mass", -9, 9), Reference("other", math.NaN(), 0, 2))
	if got := strings.Join(p.names, " "); got != "rate mass" {
		t.Errorf("variables %q", got)
	}
	if !p.scales[0].power || p.scales[0].max > 2 || p.scales[1] != (scale{min: -9, max: 9}) {
		t.Errorf("axes %+v", p.scales)
	}
	if got := p.series[1].point[2]; math.Abs(got-math.Log10(2)) > 1e-9 {
		t.Errorf("the reference lies at %v", got)
	}
	for _, c := range []struct {
		f    *Figure
		want string
	}{
		{Pair(res, Variables("mss")), `there is no variable "mss"`},
		{Pair(res, Limits("mass", 2, 1)), "2 is not below 1"},
		{Pair(res, Log("mass"), Limits("mass", -1, 1)), "cannot start at -1"},
		{Marginals([]float64{-1, -2}, Log(0)), "no sample of samples is positive"},
		{Pair(res, Reference("r", math.NaN())), "no finite value"},
		{Pair(res, Summary("mode")), "neither mean nor median"},
	} {
		if c.f.Err() == nil || !strings.Contains(c.f.Err().Error(), c.want) {
			t.Errorf("%v; want %q", c.f.Err(), c.want)
		}
	}
	if f := Marginals([]float64{1, 2, 3}); f.Err() != nil {
		t.Error(f.Err())
	}
}
