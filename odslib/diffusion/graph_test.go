package diffusion_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/priors"
)

// TestParametrisationsRoundTrip: what a perfect network would put out gives back the clean sample, at every level of
// every schedule, and Target is the same in units of Unit.
func TestParametrisationsRoundTrip(t *testing.T) {
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	times := []float64{.05, .3, .6, .9}
	for _, p := range []diffusion.Parametrisation{diffusion.V, diffusion.Epsilon, diffusion.X0, diffusion.Score, diffusion.Velocity} {
		if back, err := diffusion.ParseParametrisation(p.String()); err != nil || back != p {
			t.Errorf("%v is read as %v, %v", p, back, err)
		}
		program, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
			x0, eps, at := in[0], in[1], odslib.Level{T: in[2], Alpha: in[3], Sigma: in[4]}
			x := graph.Add(graph.Mul(diffusion.PerRow(at.Alpha, x0), x0), graph.Mul(diffusion.PerRow(at.Sigma, x0), eps))
			out := p.FromX0(x0, x, at)
			unit := diffusion.PerRow(p.Unit(at), x0)
			target := graph.Mul(p.Target(x0, eps, at), unit)
			one := graph.Sub(p.ToX0(graph.Add(out, unit), x, at), p.ToX0(out, x, at)) // x̂0's answer to an error of one unit
			return []*engine.Node{graph.Concatenate([]*engine.Node{p.ToX0(out, x, at), p.ToX0(target, x, at), one}, 0)}
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []odslib.Schedule{diffusion.VPLinear{}, diffusion.VPDiscrete{}, diffusion.VPCosine{}, diffusion.VE{}, diffusion.EDM{}, diffusion.Flow{}} {
			x0, eps := engine.NewArray(4, 3), engine.NewArray(4, 3)
			rng := engine.RNG(1, "diffusion.test")
			for i := range x0.Data {
				x0.Data[i], eps.Data[i] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
			}
			var a, sig []float64
			for _, time := range times {
				a, sig = append(a, s.Alpha(time)), append(sig, s.Sigma(time))
			}
			y, err := program.Call1(x0.Tensor(), eps.Tensor(), engine.FromVector(times).Tensor(), engine.FromVector(a).Tensor(), engine.FromVector(sig).Tensor())
			if err != nil {
				t.Fatal(err)
			}
			for k, name := range []string{"ToX0∘FromX0", "ToX0∘Target"} {
				for i, want := range x0.Data {
					row := i / 3
					// x̂0 is a difference of numbers of size x/α.
					tol := 2e-6 * (1 + sig[row]) * (1 + 1/a[row]) * 4
					if got := y.Data[12*k+i]; math.Abs(float64(got-want)) > tol {
						t.Errorf("%s of %v on %#v at %g: %g, want %g", name, p, s, times[row], got, want)
					}
				}
			}
			for row := range times {
				gain := math.Abs(float64(y.Data[24+3*row]))
				// Clean weights are the square of that answer.
				if want := diffusion.WeightClean.Weight(p, a[row], sig[row]); math.Abs(gain*gain/want-1) > 1e-2*(1+sig[row]) {
					t.Errorf("%v on %#v at %g: an error of one unit moves x̂0 by %g, Weight says %g", p, s, times[row], gain, math.Sqrt(want))
				}
			}
		}
	}
}

// TestOrders: Euler's error for the probability flow of a Gaussian halves with the step, Heun's falls to a quarter. It is looked
// at at t = .1, the last time but one.
func TestOrders(t *testing.T) {
	const variance, last = .25, .1
	s := diffusion.VPLinear{}
	prior := priors.Gaussian([]float64{0}, variance).On(s)
	run := func(k diffusion.Kernel, steps int) (x, start odslib.Array) {
		grid := make([]float64, steps+2)
		for i := range steps + 1 {
			grid[i] = 1 - (1-last)*float64(i)/float64(steps)
		}
		d, err := diffusion.Chain{Grid: grid, Kernel: k, Observe: []int{0, steps}}.Draw(context.Background(), "test", prior, nil, 64, 1)
		if err != nil {
			t.Fatal(err)
		}
		return d.States[1], d.States[0]
	}
	std := func(t float64) float64 { return math.Sqrt(s.Alpha(t)*s.Alpha(t)*variance + s.Sigma(t)*s.Sigma(t)) }
	miss := func(k diffusion.Kernel, steps int) float64 {
		x, start := run(k, steps)
		sum := 0.
		for i, z := range start.Data {
			sum += math.Pow(float64(x.Data[i])-float64(z)*std(last)/std(1), 2)
		}
		return math.Sqrt(sum / 64)
	}
	for _, c := range []struct {
		kernel diffusion.Kernel
		steps  int // few for Heun, or float32 would be its error
		lo, hi float64
	}{{diffusion.Euler{}, 40, 1.7, 2.4}, {diffusion.DDIM{}, 40, 1.7, 2.4}, {diffusion.Heun{}, 20, 3.3, 5}} {
		coarse, fine := miss(c.kernel, c.steps), miss(c.kernel, 2*c.steps)
		if r := coarse / fine; !(r > c.lo && r < c.hi) {
			t.Errorf("%T: error %.4g with %d steps, %.4g with twice as many, ratio %.2f", c.kernel, coarse, c.steps, fine, r)
		}
	}
}

// TestRun: the chain draws the prior, batch after batch, the same for the same seed, and stops when told.
func TestRun(t *testing.T) {
	prior := priors.Gaussian([]float64{1, -2}, .3).On(diffusion.VPCosine{})
	chain := diffusion.Chain{Grid: diffusion.Power(diffusion.VPCosine{}, 200, 2), Batch: 1024}
	x, err := chain.Run(context.Background(), prior, 3000, 7)
	if err != nil {
		t.Fatal(err)
	}
	if x.Len() != 3000 {
		t.Fatalf("%d samples", x.Len())
	}
	for j, mean := range []float64{1, -2} {
		m, v := 0., 0.
		for _, y := range x.Column(j) {
			m += y / 3000
		}
		for _, y := range x.Column(j) {
			v += (y - m) * (y - m) / 3000
		}
		if math.Abs(m-mean) > 4*math.Sqrt(.3/3000)+.01 || math.Abs(v/.3-1) > 4*math.Sqrt(2./3000)+.02 {
			t.Errorf("coordinate %d has mean %.3f and variance %.3f, want %g and .3", j, m, v, mean)
		}
	}
	again, err := chain.Run(context.Background(), prior, 3000, 7)
	if err != nil {
		t.Fatal(err)
	}
	for i := range x.Data {
		if x.Data[i] != again.Data[i] {
			t.Fatal("the same seed draws other samples")
		}
	}
	for i := range 1024 * 2 {
		if x.Data[i] == x.Data[2048+i] {
			t.Fatal("two batches share their numbers")
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	part, err := chain.Run(odslib.WithObserver(ctx, func(p odslib.Progress) {
		if p.Step > 300 {
			cancel()
		}
	}), prior, 3000, 7)
	if err != context.Canceled || part.Len() != 1024 {
		t.Errorf("interrupted in the second batch: %d samples, %v", part.Len(), err)
	}
	if _, err := chain.Run(ctx, prior, 0, 1); err == nil || !strings.Contains(err.Error(), "at least one") {
		t.Errorf("no samples: %v", err)
	}
}
