package smc

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/exact"
	"odslab/odslib/priors"
	"odslab/odslib/twist"
)

// plane is N(0, I) in two dimensions: its chain is exact, so that log Z_T = log Z.
func plane() odslib.Prior { return priors.Gaussian([]float64{0, 0}, 1) }

func inside(in func(x, y float64) bool) odslib.HostConstraint {
	return host(func(x []float32) float64 {
		if in(float64(x[0]), float64(x[1])) {
			return 0
		}
		return math.Inf(-1)
	})
}

// square is x_j² or |x|² as an operator.
func square(f func(x *odslib.Node) *odslib.Node) constraint.Func {
	return constraint.Func{F: func(x *odslib.Node) *odslib.Node { return f(graph.Square(x)) }, M: 1}
}

// TestDefaultTwist: by what the constraint offers, the default has the evidence right, or the run says that it is not. The
// mean of four runs is within four of its errors, or all say that they do not know; a run that says nothing has an error of .4
// at most. With a gradient to follow none may be unsure.
func TestDefaultTwist(t *testing.T) {
	long(t)
	whole := func(x *odslib.Node) *odslib.Node { return graph.ReduceAndKeep(x, graph.ReduceSum, -1) }
	first := func(x *odslib.Node) *odslib.Node { return graph.Slice(x, graph.AxisRange(), graph.AxisRange(0, 1)) }
	precise, center := make([]float64, 16), make([]float64, 16)
	for i := range precise {
		precise[i], center[i] = 4, 2
	}
	normal := func(y, v float64) float64 { return -.5*y*y/v - .5*math.Log(2*math.Pi*v) }
	for _, c := range []struct {
		name string
		post odslib.Posterior
		logZ float64
		tds  bool
	}{
		{"sharp", odslib.Given(plane(), constraint.Gaussian{A: constraint.Matrix{{1, 0}}, Y: []float64{.7}, Sigma: .01}), normal(.7, 1.0001), true},
		{"sharp, along (1, 2)", odslib.Given(plane(), constraint.Gaussian{A: constraint.Matrix{{1, 2}}, Y: []float64{-3}, Sigma: .003}), normal(3, 5.000009), true},
		{"half of the plane", odslib.Given(plane(), inside(func(x, _ float64) bool { return x > 1 })), math.Log(.15865525), false},
		{"corner", odslib.Given(plane(), inside(func(x, y float64) bool { return x > 1 && y < -.5 })), math.Log(.15865525 * .30853754), false},
		{"quadratic reward, 16-d", odslib.Given(priors.Gaussian(make([]float64, 16), 1), constraint.Tilt{Precision: precise, Center: center}), -38.475503, true},
		{"tilt", exact.T12(3, 2).Post, 2, true},
		{"|x|²=1", odslib.Given(plane(), constraint.Measurement{A: square(whole), Y: []float64{1}, Error: constraint.Normal{Sigma: .02}}), math.Log(.5) - .5, true},
		{"x²=1, Student-t", odslib.Given(plane(), constraint.StudentT{A: constraint.Matrix{{1, 0}}, Y: []float64{.7}, Nu: 4, Scale: .01}), normal(.7, 1), true},
		// The density of x² at 1 for a unit normal: two points, φ(1)/1.
		{"x²=1", odslib.Given(plane(), constraint.Measurement{A: square(first), Y: []float64{1}, Error: constraint.Normal{Sigma: .02}}), normal(1, 1), true},
	} {
		samplers := map[string]odslib.Sampler{"bootstrap": Bootstrap{Particles: 2000, Steps: 50, NoShift: true}}
		if c.tds {
			samplers["TDS"] = TDS{Particles: 2000, Steps: 50, NoShift: true}
		}
		for name, s := range samplers {
			var logZ []float64
			unsure := 0
			for seed := range uint64(4) {
				res, err := s.Sample(context.Background(), c.post, 100, seed)
				if err != nil {
					t.Fatalf("%s, %s: %v", c.name, name, err)
				}
				logZ = append(logZ, res.LogZ)
				if res.LogZAtLeast {
					unsure++
				}
				if !res.LogZAtLeast && res.LogZError > .4 {
					t.Errorf("%s, %s: %v", c.name, name, res)
				}
			}
			mean, sd := moments(logZ)
			t.Logf("%s, %s (%T): %+.3f ± %.3f", c.name, name, twist.For(c.post), mean-c.logZ, sd/2)
			if unsure > 0 && name == "TDS" {
				t.Errorf("%s, TDS: %d of 4 runs do not know their error", c.name, unsure)
			}
			// Of four runs the error is known to 40 %: four errors and .1.
			if unsure < 4 && math.Abs(mean-c.logZ) > 4*sd/2+.1 {
				t.Errorf("%s, %s: log Ẑ − log Z is %.3f ± %.3f", c.name, name, mean-c.logZ, sd/2)
			}
		}
	}
}

// TestSharpRewardSays: of a reward that is sharp, and of which nothing else is known, the default cannot be right: every run
// says that its error is a lower bound, or finds no particle at all.
func TestSharpRewardSays(t *testing.T) {
	sharp := func(scale float64) constraint.Reward {
		return constraint.Reward{F: func(x *odslib.Node) *odslib.Node {
			first := graph.Reshape(graph.Slice(x, graph.AxisRange(), graph.AxisElem(0)), -1)
			return graph.MulScalar(graph.Square(graph.AddScalar(first, -.7)), -.5/(scale*scale))
		}}
	}
	for _, scale := range []float64{.01, .003} {
		for seed := range uint64(3) {
			res, err := Bootstrap{Particles: 500, Steps: 50}.Sample(context.Background(), odslib.Given(plane(), sharp(scale)), 100, seed)
			if err != nil {
				continue // no particle is left: a line that says so
			}
			if !res.LogZAtLeast || !strings.Contains(strings.Join(res.Notes, "\n"), "one run cannot tell") || !strings.Contains(res.String(), "± at least") {
				t.Errorf("σ=%g: %v, notes %q", scale, res, res.Notes)
			}
		}
	}
}

// TestDefaultDoesNotLose: on README's example, where the tempered twist does well, the default is as near to log Z_T from
// run to run, and under TDS nearer.
func TestDefaultDoesNotLose(t *testing.T) {
	long(t)
	post := odslib.Given(priors.Grid25(), constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5})
	spread := func(core feynmanKac) float64 {
		o, err := core.open(post, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer o.close()
		var logZ []float64
		for seed := range uint64(20) {
			logZ = append(logZ, drawn(t, o, seed).LogZ)
		}
		mean, sd := moments(logZ)
		t.Logf("%s, %T: log Ẑ %.3f, runs differ by %.3f", core.name, core.twist, mean, sd)
		return sd
	}
	// A deviation of 20 runs is known to 16 %, the ratio of two to 23 %.
	if own, tempered := spread(Bootstrap{Particles: 1000}.core()), spread(Bootstrap{Particles: 1000, Twist: twist.Tempered{}}.core()); own > 1.6*tempered {
		t.Errorf("bootstrap: runs differ by %.3f under the default, by %.3f under the tempered twist", own, tempered)
	}
	if own, tempered := spread(TDS{Particles: 1000}.core()), spread(TDS{Particles: 1000, Twist: twist.Tempered{}}.core()); own > tempered {
		t.Errorf("TDS: runs differ by %.3f under the default, by %.3f under the tempered twist", own, tempered)
	}
}

// TestShift: the Result says how far its chain's evidence is from the posterior's. For N(0, I) the chain is exact; on 25 modes
// log Z_T − log Z is .16 at 100 steps, which the reference chain shows.
func TestShift(t *testing.T) {
	long(t)
	res, err := TDS{Particles: 4000}.Sample(context.Background(), exact.T13(1).Post, 100, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("one mode: %v\n%s", res, res.Report())
	if !(math.Abs(res.Shift) < 4*res.ShiftError) || res.ShiftError > .05 || !strings.Contains(res.ShiftBy, "25 and 100 steps") {
		t.Errorf("one mode: shift %.3f ± %.3f by %q", res.Shift, res.ShiftError, res.ShiftBy)
	}
	post := odslib.Given(priors.Grid25(), constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5})
	_, logZ, err := post.Exact()
	if err != nil {
		t.Fatal(err)
	}
	for _, steps := range []int{100, 400} {
		if res, err = (TDS{Particles: 4000, Steps: steps}).Sample(context.Background(), post, 100, 1); err != nil {
			t.Fatal(err)
		}
		off := res.LogZ - logZ
		t.Logf("25 modes, %d steps: log Ẑ − log Z %.3f ± %.3f, shift %.3f ± %.3f", steps, off, res.LogZError, res.Shift, res.ShiftError)
		// To first order: the estimate is right to a factor of two and the two errors.
		if noise := 3 * math.Hypot(res.LogZError, res.ShiftError); res.Shift < off/2-noise || res.Shift > 2*math.Abs(off)+noise {
			t.Errorf("25 modes, %d steps: log Ẑ is off by %.3f, and its shift is said to be %.3f ± %.3f", steps, off, res.Shift, res.ShiftError)
		}
	}
	if res, err = (TDS{Particles: 100, Steps: 20, NoShift: true}).Sample(context.Background(), post, 10, 1); err != nil || !math.IsNaN(res.Shift) {
		t.Errorf("NoShift: %v, %v", res.Shift, err)
	}
}

// TestLargeConstant: a constant in a graph reward moves log Z and nothing else while float32 holds the difference, and is
// noted beyond.
func TestLargeConstant(t *testing.T) {
	reward := func(shift float64) odslib.Posterior {
		return odslib.Given(plane(), constraint.Reward{F: func(x *odslib.Node) *odslib.Node {
			return graph.AddScalar(graph.MulScalar(graph.ReduceSum(graph.Square(x), -1), -.5), shift)
		}})
	}
	var base *odslib.Result
	for _, shift := range []float64{0, 1e3, -1e3, 1e8, -1e8} {
		res, err := Bootstrap{Particles: 500, Steps: 20, NoShift: true}.Sample(context.Background(), reward(shift), 10, 1)
		if err != nil {
			t.Fatal(err)
		}
		if base == nil {
			base = res
		}
		noted := strings.Contains(strings.Join(res.Notes, "\n"), "take the constant out")
		if large := math.Abs(shift) > 1e3; noted != large || !large && math.Abs(res.LogZ-shift-base.LogZ) > .01 {
			t.Errorf("a constant of %g: log Z %.3f more, notes %q", shift, res.LogZ-base.LogZ, res.Notes)
		}
	}
}
