package priors

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// densitySteps are those of the Runge–Kutta solver of LogLikelihood, four evaluations each, closer together near the data.
const densitySteps = 40

// exactTrace is up to how many dimensions the divergence is exact.
const exactTrace = 16

// Columns of the solver's table: step, then time, α, σ, a and b of each of three times.
const (
	densityStep = iota
	densityStages
	perStage = 5
)

// LogLikelihood implements Likelihood: log p(x) along the ODE (Chen et al. 1806.07366), whose divergence is exact in few dimensions
// and else Hutchinson's estimate (Grathwohl et al. 1810.01367). It is the density of the ODE and not of Generate's steps, and of x
// with the noise of t=0.001.
func (f *Flow) LogLikelihood(ctx context.Context, x odslib.Array, seed uint64) ([]float64, error) {
	if err := f.Err(); err != nil {
		return nil, err
	}
	if len(x.Shape) == 0 || !slices.Equal(x.Shape[1:], f.Shape()) || x.Len() == 0 {
		return nil, fmt.Errorf("the prior is over samples of shape %v, got an array of shape %v", f.Shape(), x.Shape)
	}
	s, d := f.Of.Schedule(), x.Dim()
	probes := f.Probes
	if probes == 0 && d > exactTrace {
		probes = 4
	}
	top := diffusion.Start(s)
	table := f.densityTable(top)
	last := s.Alpha(minTime * top)
	loop := &engine.Loop{Step: engine.Step{Params: f.Params(), Build: func(scope *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node {
		return f.densityStep(scope, state, row, probes)
	}}}
	defer loop.Close()
	e, err := engine.Open()
	if err != nil {
		return nil, err
	}
	if err := loop.Open(e); err != nil {
		return nil, err
	}
	end, err := engine.NewProgram(e, f.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		x := in[0]
		mean, std := f.start(scope, x, s.Alpha(top), s.Sigma(top))
		z := graph.Reshape(graph.Div(graph.Sub(x, mean), std), x.Shape().Dimensions[0], -1)
		logs := graph.ReduceSum(graph.Reshape(graph.Log(std), x.Shape().Dimensions[0], -1), -1)
		return []*engine.Node{graph.Sub(graph.MulScalar(graph.ReduceSum(graph.Square(z), -1), -.5), logs)}
	})
	if err != nil {
		return nil, err
	}
	defer end.Close()
	rng := engine.RNG(seed, "priors.Flow.probes")
	batch := min(x.Len(), eachBatch)
	var out []float64
	for first := 0; first < x.Len(); first += batch {
		rows := min(batch, x.Len()-first)
		start := diffusion.Padded(x.Slice(first, first+rows), batch).Clone()
		for i := range start.Data {
			start.Data[i] *= float32(last)
		}
		state := []*tensors.Tensor{start.Tensor(), engine.NewArray(batch).Tensor()}
		for range probes {
			p := engine.NewArray(start.Shape...)
			for i := range p.Data {
				p.Data[i] = float32(2*rng.IntN(2) - 1)
			}
			state = append(state, p.Tensor())
		}
		state, _, err := loop.Run(ctx, state, table, nil)
		if err != nil {
			engine.Free(state...)
			return out, err
		}
		trace, err := engine.ToArray(state[1])
		if err != nil {
			return out, err
		}
		logN, err := end.Call1(state[0])
		engine.Free(state...)
		if err != nil {
			return out, err
		}
		for i := range rows {
			out = append(out, float64(logN.Data[i])+float64(trace.Data[i])+float64(d)*(math.Log(last)-.5*math.Log(2*math.Pi)))
		}
	}
	return out, nil
}

// densityTable goes from the data to the noise, in squares of even steps.
func (f *Flow) densityTable(top float64) engine.Table {
	s, table := f.Of.Schedule(), make(engine.Table, densitySteps)
	at := func(i int) float64 {
		u := float64(i) / densitySteps
		return top * (minTime + (1-minTime)*u*u)
	}
	for i := range table {
		t, next := at(i), at(i+1)
		row := []float64{next - t}
		for _, u := range []float64{t, (t + next) / 2, next} {
			a, b := rates(s, u)
			row = append(row, u, s.Alpha(u), s.Sigma(u), a, b)
		}
		for _, v := range row {
			table[i] = append(table[i], float32(v))
		}
	}
	return table
}

// densityStep is a step of the classical Runge–Kutta method for x and the integral of the divergence.
func (f *Flow) densityStep(scope *engine.Scope, state []*engine.Node, row *engine.Node, probes int) []*engine.Node {
	x, total := state[0], state[1]
	n := x.Shape().Dimensions[0]
	times := func(s, v *odslib.Node) *odslib.Node { return graph.Mul(graph.BroadcastToShape(s, v.Shape()), v) }
	velocity := func(x *odslib.Node, stage int) (v, divergence *odslib.Node) {
		c := func(k int) *odslib.Node { return engine.Col(row, densityStages+perStage*stage+k) }
		level := func(k int) *odslib.Node { return graph.BroadcastToDims(c(k), n) }
		x0 := f.denoise(scope, x, odslib.Level{T: level(0), Alpha: level(1), Sigma: level(2)})
		var trace *odslib.Node
		flat := func(v *odslib.Node) *odslib.Node { return graph.Reshape(v, n, -1) }
		add := func(v *odslib.Node) {
			if trace == nil {
				trace = v
			} else {
				trace = graph.Add(trace, v)
			}
		}
		d := x.Shape().Size() / n
		if probes == 0 {
			wide := flat(x0)
			for i := range d {
				one := graph.Gradient(graph.ReduceAllSum(graph.Slice(wide, graph.AxisRange(), graph.AxisElem(i))), x)[0]
				add(graph.Reshape(graph.Slice(flat(one), graph.AxisRange(), graph.AxisElem(i)), n))
			}
		}
		for i := range probes {
			p := state[2+i]
			add(graph.DivScalar(graph.ReduceSum(flat(graph.Mul(engine.VJP(x0, x, p), p)), -1), float64(probes)))
		}
		divergence = graph.Add(times(c(4), trace), graph.BroadcastToDims(graph.MulScalar(c(3), float64(d)), n))
		return graph.StopGradient(graph.Add(times(c(3), x), times(c(4), x0))), graph.StopGradient(divergence)
	}
	h := engine.Col(row, densityStep)
	half := graph.MulScalar(h, .5)
	k1, d1 := velocity(x, 0)
	k2, d2 := velocity(graph.Add(x, times(half, k1)), 1)
	k3, d3 := velocity(graph.Add(x, times(half, k2)), 1)
	k4, d4 := velocity(graph.Add(x, times(h, k3)), 2)
	sum := func(a, b, c, d *odslib.Node) *odslib.Node {
		return times(graph.DivScalar(h, 6), graph.Add(graph.Add(a, d), graph.MulScalar(graph.Add(b, c), 2)))
	}
	return append([]*engine.Node{graph.Add(x, sum(k1, k2, k3, k4)), graph.Add(total, sum(d1, d2, d3, d4))}, state[2:]...)
}
