package plotting

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"odslab/plotting/internal/ink"
)

func labels(ts []tick) (out []string) {
	for _, t := range ts {
		out = append(out, t.label)
	}
	return out
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		s    scale
		n    int
		want string
	}{
		{scale{min: 0, max: 100}, 5, "0 25 50 75 100"},
		{scale{min: -3.2, max: 3.4}, 5, "−2 0 2"},
		{scale{min: 0, max: 1}, 3, "0.0 0.5 1.0"},
		{scale{min: 0, max: 3e6}, 5, "0 1×10^{6} 2×10^{6} 3×10^{6}"},
		{scale{min: -.0004, max: .0004}, 5, "−4×10^{-4} −2×10^{-4} 0 2×10^{-4} 4×10^{-4}"},
		{scale{min: .02, max: 40, log: true}, 5, "0.1 1 10"},
		{scale{min: .02, max: .8, log: true}, 5, "0.02 0.05 0.1 0.2 0.5"},
		{scale{min: 1e-9, max: 1, log: true}, 5, "10^{-8} 10^{-6} 10^{-4} 10^{-2} 1"},
		{scale{min: 3, max: 4, log: true}, 5, "3.00 3.25 3.50 3.75 4.00"},
	} {
		got := slices.DeleteFunc(labels(c.s.ticks(c.n, 0)), func(s string) bool { return s == "" })
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %q, want %q", c.s, strings.Join(got, " "), c.want)
		}
	}
}

// Any axis has two to n labelled ticks, inside, even, and labelled with what they stand for.
func TestTicksAlways(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		lo := (r.Float64() - .5) * math.Pow(10, 8*r.Float64()-4)
		s := scale{min: lo, max: lo + math.Pow(10, 10*r.Float64()-5)}
		n := 2 + r.IntN(4)
		ts := s.ticks(n, 0)
		if len(ts) > n || len(ts) == 0 || n > 2 && len(ts) < 2 {
			t.Fatalf("%+v: %d ticks for at most %d", s, len(ts), n)
		}
		for i, k := range ts {
			if f := s.to(k.at); f < -1e-6 || f > 1+1e-6 {
				t.Fatalf("%+v: tick at %v", s, k.at)
			}
			text, exp, _ := strings.Cut(strings.ReplaceAll(k.label, "−", "-"), "×10^{")
			v, err := strconv.ParseFloat(text, 64)
			if e := strings.TrimSuffix(exp, "}"); e != "" {
				p, _ := strconv.Atoi(e)
				v *= math.Pow(10, float64(p))
			}
			v += s.base()
			if err != nil || math.Abs(v-k.at) > 1e-6*max(math.Abs(k.at), s.max-s.min) {
				t.Fatalf("%+v: tick at %v says %q", s, k.at, k.label)
			}
			if i > 1 && math.Abs((k.at-ts[i-1].at)-(ts[1].at-ts[0].at)) > 1e-6*(s.max-s.min) {
				t.Fatalf("%+v: uneven ticks %v", s, ts)
			}
		}
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", .41: "0.41", .0432: "0.0432", 1234.5: "1234", -2: "−2", 3.2e-5: "3.2×10^{-5}", 12.34: "12.3", 100: "100"} {
		if got := short(v); got != want {
			t.Errorf("short(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	r := ink.Rect{X: 0, Y: 0, W: 10, H: 10}
	// In, out across the right edge, in again: two pieces that end on the edge.
	got := clipLine(r, []ink.Pt{{X: 1, Y: 1}, {X: 15, Y: 1}, {X: 15, Y: 9}, {X: 1, Y: 9}})
	if len(got) != 2 || got[0][1] != (ink.Pt{X: 10, Y: 1}) || got[1][0] != (ink.Pt{X: 10, Y: 9}) {
		t.Errorf("pieces %v", got)
	}
	// Straight through without a point inside.
	if got := clipLine(r, []ink.Pt{{X: -5, Y: 5}, {X: 15, Y: 5}}); len(got) != 1 || got[0][0].X != 0 || got[0][1].X != 10 {
		t.Errorf("through: %v", got)
	}
	// Past a corner.
	if got := clipLine(r, []ink.Pt{{X: -5, Y: 8}, {X: 3, Y: 16}}); got != nil {
		t.Errorf("past a corner: %v", got)
	}
	// A square around the panel fills it; one outside leaves nothing.
	area := func(ps []ink.Pt) (s float64) {
		for i, p := range ps {
			q := ps[(i+1)%len(ps)]
			s += (p.X*q.Y - q.X*p.Y) / 2
		}
		return s
	}
	square := func(x, y, w float64) []ink.Pt {
		return []ink.Pt{{X: x, Y: y}, {X: x + w, Y: y}, {X: x + w, Y: y + w}, {X: x, Y: y + w}}
	}
	for _, c := range []struct{ x, y, w, want float64 }{{-5, -5, 30, 100}, {20, 20, 5, 0}, {5, 5, 20, 25}, {2, 2, 3, 9}} {
		if got := area(clipArea(r, square(c.x, c.y, c.w))); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("square %+v keeps %v", c, got)
		}
	}
}

func TestThinKeepsShape(t *testing.T) {
	var pts []ink.Pt
	for i := range 2000 {
		x := float64(i) / 10
		pts = append(pts, ink.Pt{X: x, Y: 20 * math.Sin(x/10)})
	}
	few := thin(pts)
	if len(few) > 400 {
		t.Errorf("%d of 2000 points left", len(few))
	}
	k := 0
	for _, p := range pts {
		for k+2 < len(few) && few[k+1].X < p.X {
			k++
		}
		a, b := few[k], few[k+1]
		dx, dy := b.X-a.X, b.Y-a.Y
		if off := math.Abs(dx*(p.Y-a.Y)-dy*(p.X-a.X)) / math.Hypot(dx, dy); off > .03+1e-9 {
			t.Fatalf("off by %.3f pt at %v", off, p.X)
		}
	}
}

// Samples are picked in proportion to their weights, and never more than asked for by much.
func TestDrawByWeight(t *testing.T) {
	n := 1000
	w, x := make([]float64, n), make([]float64, n)
	for i := range w {
		x[i] = float64(i % 2)
		w[i] = 1 + 2*x[i] // odd ones count three times
	}
	got, _ := draw(200, w, x, x)
	odd := 0.
	for _, v := range got {
		odd += v
	}
	if len(got) < 199 || len(got) > 201 || math.Abs(odd/float64(len(got))-.75) > .02 {
		t.Errorf("%d picked, share of odd ones %.3f; want 200 and .75", len(got), odd/float64(len(got)))
	}
	if got, _ := draw(5000, w[:1], x[:1], x[:1]); len(got) != 1 {
		t.Errorf("one sample was drawn %d times", len(got))
	}
}

func TestHighestDensityIsSplitAtModes(t *testing.T) {
	s := modes("", 4000, 7)
	p, err := pairOf(s)
	if err != nil {
		t.Fatal(err)
	}
	c := p.curve(0, 0)
	r := c.Above(c.Levels(.9)[0])
	if len(r) != 3 || r[0][0] < -6 || r[0][1] > -2.5 || r[2][0] < 2.5 {
		t.Errorf("90 %% regions of three modes: %v", r)
	}
}

func pairOf(args ...any) (*pairPlot, error) {
	s, c, err := collect(args, pairOptions)
	if err != nil {
		return nil, err
	}
	v, err := choose(s, &c, mostVariables)
	if err != nil {
		return nil, err
	}
	p := newPair(v, &c)
	p.prepare()
	return p, nil
}

// Limits follow the posterior, not the much wider prior, and take in the true value.
func TestLimitsFollowThePosterior(t *testing.T) {
	wide := normals(2000, 2, 1)
	for i := range wide.Data {
		wide.Data[i] *= 100
	}
	p, err := pairOf(modes("DPS", 1000, 2), Prior(wide), Truth([]float64{0, 6}))
	if err != nil {
		t.Fatal(err)
	}
	if l := p.scales[0]; l.min < -9 || l.max > 9 || l.min > -4.5 {
		t.Errorf("x axis %+v, modes at ±4 and a prior of ±300", l)
	}
	if l := p.scales[1]; l.max < 6 || l.max > 8 {
		t.Errorf("y axis %+v, true value 6", l)
	}
}
