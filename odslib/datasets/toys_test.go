package datasets

import (
	"math"
	"slices"
	"testing"

	"odslab/odslib"
)

const toyN = 20000

// points calls f with each point of a.
func points(t *testing.T, a odslib.Array, f func(x, y float64)) {
	t.Helper()
	if !slices.Equal(a.Shape, []int{toyN, 2}) || len(a.Data) != 2*toyN {
		t.Fatalf("shape %v with %d numbers", a.Shape, len(a.Data))
	}
	for i := range toyN {
		f(float64(a.Data[2*i]), float64(a.Data[2*i+1]))
	}
}

func TestCheckerboard(t *testing.T) {
	squares := map[[2]int]int{}
	points(t, Checkerboard(toyN, 1), func(x, y float64) {
		squares[[2]int{int(math.Floor(x / 2)), int(math.Floor(y / 2))}]++
	})
	if len(squares) != 8 {
		t.Errorf("%d squares, want 8: %v", len(squares), squares)
	}
	for s, n := range squares {
		if (s[0]+s[1])%2 != 0 || s[0] < -2 || s[0] > 1 || s[1] < -2 || s[1] > 1 {
			t.Errorf("points in the light square %v", s)
		}
		// 2500 expected, standard deviation 47: five of them.
		if math.Abs(float64(n)-toyN/8) > 240 {
			t.Errorf("%d points in square %v", n, s)
		}
	}
}

func TestTwoMoons(t *testing.T) {
	var upper, sum float64
	points(t, TwoMoons(toyN, 1), func(x, y float64) {
		a := math.Abs(math.Hypot(x, y) - 1)
		b := math.Abs(math.Hypot(x-1, y-0.5) - 1)
		if a < b {
			upper++
		}
		sum += min(a, b) * min(a, b)
	})
	// Half of the points; the moons overlap a little where they hold each other.
	if math.Abs(upper/toyN-0.5) > 0.02 {
		t.Errorf("%.3f of the points are at the upper moon", upper/toyN)
	}
	// The noise across the moons, less what is nearer to the other moon or past
	// the ends.
	if s := math.Sqrt(sum / toyN); s < 0.09 || s > 0.105 {
		t.Errorf("noise %.3f, want 0.1", s)
	}
}

func TestSpiral(t *testing.T) {
	var sum, inner float64
	points(t, Spiral(toyN, 1), func(x, y float64) {
		r := math.Hypot(x, y)
		if r < 1.5 {
			inner++
		}
		// The nearest turn of either arm: at angle a mod π the radius is (a+kπ)/π.
		a := math.Mod(math.Atan2(y, x)+2*math.Pi, math.Pi) / math.Pi
		sum += math.Pow(math.Abs(math.Mod(r-a+1.5, 1)-0.5), 2)
	})
	// A radius ∝ √u puts a quarter of the points within half of the radius.
	if math.Abs(inner/toyN-0.25) > 0.02 {
		t.Errorf("%.3f of the points are in the inner half, want 0.25", inner/toyN)
	}
	if s := math.Sqrt(sum / toyN); s < 0.08 || s > 0.12 {
		t.Errorf("noise across the arms %.3f, want about 0.1", s)
	}
}

func TestPinwheel(t *testing.T) {
	var blades [5]int
	var off float64
	points(t, Pinwheel(toyN, 1), func(x, y float64) {
		r, a := math.Hypot(x, y), math.Atan2(y, x)
		turn := (a - 0.25*math.Exp(r)) / (2 * math.Pi / 5) // whole on the middle of a blade
		k := math.Round(turn)
		blades[((int(k)%5)+5)%5]++
		off += math.Pow((turn-k)*2*math.Pi/5*r, 2)
	})
	for k, n := range blades {
		if math.Abs(float64(n)-toyN/5) > 300 { // five standard deviations
			t.Errorf("blade %d has %d points", k, n)
		}
	}
	if s := math.Sqrt(off / toyN); s < 0.04 || s > 0.07 {
		t.Errorf("width of the blades %.3f, want about 0.05", s)
	}
}

func TestToysTakeSeed(t *testing.T) {
	for name, f := range map[string]func(int, uint64) odslib.Array{
		"moons": TwoMoons, "board": Checkerboard, "spiral": Spiral, "pinwheel": Pinwheel,
	} {
		a, b, c := f(50, 1), f(50, 1), f(50, 2)
		if !slices.Equal(a.Data, b.Data) || slices.Equal(a.Data, c.Data) {
			t.Errorf("%s: the points are not decided by the seed", name)
		}
		if none := f(-1, 1); !slices.Equal(none.Shape, []int{0, 2}) || len(none.Data) != 0 {
			t.Errorf("%s: n = -1 gives %v", name, none.Shape)
		}
	}
}
