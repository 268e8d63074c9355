package main

import (
	"context"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib/engine"
)

// BenchmarkLoopStep is what a loop costs beside its step, which adds a number to a number.
func BenchmarkLoopStep(b *testing.B) {
	for _, driver := range []engine.Driver{engine.Host, engine.While} {
		b.Run(map[engine.Driver]string{engine.Host: "host", engine.While: "while"}[driver], func(b *testing.B) {
			e, err := engine.Open()
			if err != nil {
				b.Fatal(err)
			}
			if driver == engine.While && !e.Loops() {
				b.Fatalf("no While programs: %s", e.Why)
			}
			loop := engine.Loop{Driver: driver, Step: engine.Step{Build: func(_ *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node {
				return []*engine.Node{graph.Add(state[0], engine.Col(row, 0))}
			}}}
			if err := loop.Open(e); err != nil {
				b.Fatal(err)
			}
			defer loop.Close()
			rows := make(engine.Table, engine.DefaultChunk)
			for i := range rows {
				rows[i] = []float32{1}
			}
			// The first run compiles.
			state, _, err := loop.Run(context.Background(), []*tensors.Tensor{engine.NewArray().Tensor()}, rows, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			steps := 0
			for b.Loop() {
				out, done, err := loop.Run(context.Background(), state, rows, nil)
				if err != nil {
					b.Fatal(err)
				}
				state, steps = out, steps+done
			}
			if got := tensors.ToScalar[float32](state[0]); got < float32(min(steps, 1<<24)) {
				b.Errorf("%d steps added up to %g", steps, got)
			}
			engine.Free(state...)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/step")
		})
	}
}

// BenchmarkRandomNormal draws a million numbers a time.
func BenchmarkRandomNormal(b *testing.B) {
	const n = 1 << 20
	e, err := engine.Open()
	if err != nil {
		b.Fatal(err)
	}
	p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		rng, z := engine.RandomNormal(in[0], n)
		return []*engine.Node{rng, graph.ReduceAllSum(z)}
	})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	rng := engine.RNGState(1, "bench")
	draw := func() {
		out, err := p.Call(rng)
		if err != nil {
			b.Fatal(err)
		}
		engine.Free(rng, out[1])
		rng = out[0]
	}
	draw() // compiles
	b.ReportAllocs()
	for b.Loop() {
		draw()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/draw")
}

// BenchmarkProgramCall is a call with as many inputs as a training step has.
func BenchmarkProgramCall(b *testing.B) {
	e, err := engine.Open()
	if err != nil {
		b.Fatal(err)
	}
	p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node { return in[:1] })
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	var in []any
	for range 6 {
		in = append(in, engine.NewArray(4).Tensor())
	}
	call := func() {
		out, err := p.Call(in...)
		if err != nil {
			b.Fatal(err)
		}
		engine.Free(out...)
	}
	call() // compiles
	b.ReportAllocs()
	for b.Loop() {
		call()
	}
}
