package main

import (
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
	"odslab/odslib/mcmc"
	"odslab/odslib/outsource"
	"odslab/odslib/priors"
	"odslab/odslib/rtb"
	"odslab/odslib/smc"
	"odslab/odslib/twist"
)

// measured is the posterior of 25 Gaussians under one measurement y.
func measured(y, sigma float64) odslib.Posterior {
	return odslib.Given(priors.Grid25(), constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{y}, Sigma: sigma})
}

// samplers are what the tests of compilation draw from, with chains of that many steps.
func samplers(tb testing.TB, steps int) map[string]odslib.Sampler {
	tb.Helper()
	policy, err := rtb.Sampler{Steps: steps}.Train(context.Background(), measured(3, .5), odslib.Budget{Steps: 2}, 1)
	if err != nil {
		tb.Fatal(err)
	}
	return map[string]odslib.Sampler{
		"plain": guide.Plain{Steps: steps}, "DPS": guide.DPS{Steps: steps}, "TMPD": guide.TMPD{Steps: steps},
		"bootstrap": smc.Bootstrap{Steps: steps}, "TDS": smc.TDS{Steps: steps},
		"TDS-covariance": smc.TDS{Steps: steps, Twist: twist.Covariance{}}, "policy": policy,
	}
}

// A second Sample of the same shapes compiles nothing, whatever y, σ, the matrix, the prior's numbers and the seed.
func TestSecondSampleCompilesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	ctx := context.Background()
	for name, s := range samplers(t, 100) {
		if _, err := s.Sample(ctx, measured(3, .5), 100, 1); err != nil {
			t.Fatal(err)
		}
		other := priors.Grid25()
		for k := range other.Means {
			other.Means[k][0] *= 30
			other.Variances[k][1] = .5
		}
		for what, post := range map[string]odslib.Posterior{
			"seed": measured(3, .5), "y": measured(2, .5), "σ": measured(3, .7), "prior": odslib.Given(other, measured(3, .5).Constraint),
			"matrix": odslib.Given(priors.Grid25(), constraint.Gaussian{A: constraint.Matrix{{.5, 2}}, Y: []float64{1}, Sigma: 1}),
		} {
			if name == "policy" && what != "seed" { // it is for the posterior that it was trained for
				continue
			}
			before, _ := engine.Compilations()
			r, err := s.Sample(ctx, post, 100, 2)
			if err != nil {
				t.Fatal(err)
			}
			if now, _ := engine.Compilations(); now != before {
				t.Errorf("%s, another %s: %d programs compiled; notes %q", name, what, now-before, r.Notes)
			}
		}
	}
}

// A reward whose closure captures y compiles each time, and every kind of sampler says so.
func TestCapturedConstantIsNoted(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	ctx := context.Background()
	captured := func(y float64) odslib.Posterior {
		return odslib.Given(exact.T10().Post.Prior, constraint.Reward{F: func(x *odslib.Node) *odslib.Node {
			return graph.MulScalar(graph.ReduceSum(graph.Square(graph.AddScalar(x, -y)), -1), -.1)
		}})
	}
	y := .5
	for name, s := range map[string]odslib.Sampler{"slice": mcmc.EllipticalSlice{}, "outsourced": nil} {
		var notes string
		for range 2 {
			y++ // what one has compiled the other would find
			post := captured(y)
			if name == "outsourced" {
				var err error
				if s, err = (outsource.Sampler{Steps: 5, Paths: 8}).Train(ctx, post, odslib.Budget{Steps: 1}, 1); err != nil {
					t.Fatal(err)
				}
			}
			r, err := s.Sample(ctx, post, 16, 1)
			if err != nil {
				t.Fatal(err)
			}
			notes = strings.Join(r.Notes, "; ")
		}
		if !strings.Contains(notes, "compiled anew") || !strings.Contains(notes, "sample_test.go") {
			t.Errorf("%s: %s", name, notes)
		}
	}
}

// BenchmarkSample is a draw of 100 samples, each of another y than the last: what is compiled, the processor's time beside that
// of the first draw, which compiles, and its ratio to the arithmetic, which is what 200 steps take longer than 100.
//
//	go test ./odslib/bench -run '^$' -bench Sample
func BenchmarkSample(b *testing.B) {
	long := samplers(b, 200)
	for name, s := range samplers(b, 100) {
		y := 3.
		draw := func(s odslib.Sampler) (cpu time.Duration) {
			start := processor(b)
			if _, err := s.Sample(context.Background(), measured(y, .5), 100, 1); err != nil {
				b.Fatal(err)
			}
			if name != "policy" { // it is for one y
				y += .01
			}
			return processor(b) - start
		}
		first := draw(s)
		draw(long[name])
		b.Run(name, func(b *testing.B) {
			before, _ := engine.Compilations()
			var short, more time.Duration
			for b.Loop() {
				short += draw(s)
				more += draw(long[name])
			}
			after, _ := engine.Compilations()
			b.ReportMetric(float64(after-before)/float64(b.N), "compiled/op")
			b.ReportMetric(short.Seconds()*1e3/float64(b.N), "ms-CPU/draw")
			b.ReportMetric(short.Seconds()/(more-short).Seconds(), "×arithmetic")
			b.ReportMetric(first.Seconds()*1e3, "ms-CPU/first")
		})
	}
}

// processor is the processor's time that this process has used.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCapturedY is DPS under a reward whose closure captures y: compiled each time. MB/program is by how much the
// process has grown for each program that is kept.
func BenchmarkCapturedY(b *testing.B) {
	draw := func(y float64) {
		r := constraint.Reward{F: func(x *odslib.Node) *odslib.Node {
			return graph.MulScalar(graph.ReduceSum(graph.Square(graph.AddScalar(x, -y)), -1), -.1)
		}}
		s := guide.DPS{Scaling: guide.Likelihood}
		if _, err := s.Sample(context.Background(), odslib.Given(priors.Grid25(), r), 100, 1); err != nil {
			b.Fatal(err)
		}
	}
	y := .5
	for range 20 { // the compiler's own memory
		y += .01
		draw(y)
	}
	before := memoryMB(b)
	start, _ := engine.Compilations()
	for b.Loop() {
		y += .01
		draw(y)
	}
	after, _ := engine.Compilations()
	b.ReportMetric((memoryMB(b)-before)/float64(after-start), "MB/program")
}

func memoryMB(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skip(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		b.Fatal(err)
	}
	return float64(pages) * float64(os.Getpagesize()) / (1 << 20)
}
