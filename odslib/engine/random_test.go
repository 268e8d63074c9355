package engine_test

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"odslab/odslib/engine"
)

func draw(t *testing.T, seed uint64, purpose string, dims ...int) engine.Array {
	t.Helper()
	p, err := engine.NewProgram(open(t), nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		_, z := engine.RandomNormal(in[0], dims...)
		return []*engine.Node{z}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	z, err := p.Call1(engine.RNGState(seed, purpose))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestRandomNormal(t *testing.T) {
	const n = 1_000_001 // odd: one half of the last pair is left over
	z := draw(t, 1, "normal", n).Column(0)
	slices.Sort(z)
	se := 1 / math.Sqrt(n)
	near(t, "mean", stat.Mean(z, nil), 0, 4*se)
	near(t, "variance", stat.Variance(z, nil), 1, 4*math.Sqrt2*se)
	near(t, "skewness", stat.Skew(z, nil), 0, 4*math.Sqrt(6)*se)
	near(t, "excess kurtosis", stat.ExKurtosis(z, nil), 0, 4*math.Sqrt(24)*se)
	// Kolmogorov–Smirnov: 1.95/√n is passed by a true normal 999 times in 1000. The seed is fixed.
	d := 0.
	for i, v := range z {
		d = max(d, math.Abs(distuv.UnitNormal.CDF(v)-(float64(i)+.5)/n))
	}
	if d > 1.95*se {
		t.Errorf("distance to the normal CDF %.2g > %.2g", d, 1.95*se)
	}
	tail := 0.
	for _, v := range z {
		if math.Abs(v) > 4 {
			tail++
		}
	}
	want := 2 * distuv.UnitNormal.CDF(-4) * n
	near(t, "draws beyond 4", tail, want, 4*math.Sqrt(want))
}

// The bits are those of the published generator, on this engine and on the pure-Go one.
func TestRandomUniformIsSquares(t *testing.T) {
	const n, skip = 1000, 7
	p, err := engine.NewProgram(open(t), nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		rng, _ := engine.RandomUniform(in[0], skip)
		_, u := engine.RandomUniform(rng, n)
		return []*engine.Node{u}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	state := engine.RNGState(3, "squares")
	words := state.Value().([]uint64)
	u, err := p.Call1(state)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range u.Data {
		key := words[1]
		y := (words[0] + skip + uint64(i)) * key
		z := y + key
		x := bits.RotateLeft64(y*y+y, 32)
		x = bits.RotateLeft64(x*x+z, 32)
		x = bits.RotateLeft64(x*x+y, 32)
		if want := float32((x*x+z)>>40) / (1 << 24); got != want {
			t.Fatalf("value %d is %v, want %v", i, got, want)
		}
	}
}

// Serial and lagged pairs are spread evenly: χ² of 64×64 cells, fixed seed.
func TestRandomPairs(t *testing.T) {
	z := draw(t, 5, "pairs", 1<<20).Column(0)
	for _, lag := range []int{1, 2, 64, 1024, 1 << 19} {
		const cells = 64
		var count [cells * cells]float64
		n := 0.
		for i := 0; i+lag < len(z); i++ {
			a := min(cells-1, int(cells*distuv.UnitNormal.CDF(z[i])))
			b := min(cells-1, int(cells*distuv.UnitNormal.CDF(z[i+lag])))
			count[a*cells+b]++
			n++
		}
		chi2, want := 0., n/(cells*cells)
		for _, c := range count {
			chi2 += (c - want) * (c - want) / want
		}
		const df = cells*cells - 1
		near(t, fmt.Sprintf("χ² at lag %d, in standard deviations", lag), (chi2-df)/math.Sqrt(2*df), 0, 4)
	}
}

// TestBoxMullerIsFinite crafts the uniforms that a run meets once in 2³² draws.
func TestBoxMullerIsFinite(t *testing.T) {
	p, err := engine.NewProgram(open(t), nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{engine.BoxMuller(in[0])}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	almost1 := math.Nextafter32(1, 0)
	z, err := p.Call1([][]float32{{0, math.SmallestNonzeroFloat32, almost1, .5}, {0, 0, 0, almost1}})
	if err != nil {
		t.Fatal(err)
	}
	if z.NonFinite() > 0 {
		t.Fatalf("infinite normals: %v", z.Data)
	}
	near(t, "largest normal", float64(z.Data[0]), math.Sqrt(2*33*math.Ln2), 1e-4)
}

func TestSeeds(t *testing.T) {
	a, b := draw(t, 7, "a", 1000), draw(t, 7, "a", 1000)
	if !slices.Equal(a.Data, b.Data) {
		t.Error("the same seed gave other numbers")
	}
	// Purposes and seeds must be unrelated: correlation of 10⁴ pairs has standard deviation .01.
	const n = 10000
	base := draw(t, 7, "a", n).Column(0)
	for name, other := range map[string]engine.Array{"purpose": draw(t, 7, "b", n), "seed": draw(t, 8, "a", n)} {
		near(t, "correlation with another "+name, stat.Correlation(base, other.Column(0), nil), 0, .04)
	}
	seen := map[uint64]bool{}
	for seed := range uint64(1000) {
		for _, purpose := range []string{"smc.resample", "smc.noise", "mcmc.noise"} {
			seen[engine.Split(seed, purpose)] = true
		}
	}
	if len(seen) != 3000 {
		t.Errorf("%d different seeds of 3000", len(seen))
	}
}

// TestStepsDrawAnew: the random state moves on from step to step.
func TestStepsDrawAnew(t *testing.T) {
	loop := engine.Loop{Step: engine.Step{Build: func(_ *engine.Scope, s []*engine.Node, _ *engine.Node) []*engine.Node {
		rng, z := engine.RandomNormal(s[1], 100)
		return []*engine.Node{z, rng}
	}}, Chunk: 1}
	if err := loop.Open(open(t)); err != nil {
		t.Fatal(err)
	}
	defer loop.Close()
	var last []float32
	_, _, err := loop.Run(context.Background(), []*tensors.Tensor{engine.NewArray(100).Tensor(), engine.RNGState(1, "x")}, table(3), func(_ int, state []*tensors.Tensor) ([]*tensors.Tensor, error) {
		z, err := engine.ToArray(state[0])
		if slices.Equal(z.Data, last) {
			t.Error("two steps drew the same numbers")
		}
		last = z.Data
		return state, err
	})
	if err != nil {
		t.Fatal(err)
	}
}
