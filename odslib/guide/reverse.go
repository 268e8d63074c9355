package guide

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// Curve replaces a constant by a function of the noise process's time t in [0, 1]; nil means the constant.
type Curve func(t float64) float64

func (c Curve) or(v float64) Curve {
	if c != nil {
		return c
	}
	return func(float64) float64 { return v }
}

// Settings are what all guides share: the discretisation of the reverse process.
type Settings struct {
	Steps  int              // 0 means the method's own number
	Grid   []float64        // falling times, replaces Steps
	Kernel diffusion.Kernel // nil means DDIM with Eta
	Eta    Curve            // noise of the DDIM kernel over time; nil means 1, the ancestral kernel
	Batch  int              // samples taken through the network together; 0 means 4096
	Driver engine.Driver

	Observe []int // steps whose states go into Result.Draws; 0 is the noise, the last step the samples; first batch only
}

// etaKernel is DDIM with η depending on time.
type etaKernel struct{ eta Curve }

func (k etaKernel) Coefficients(sch odslib.Schedule, t, s float64) (a, b, std float64) {
	return diffusion.DDIM{Eta: k.eta(t)}.Coefficients(sch, t, s)
}

func (s Settings) chain(schedule odslib.Schedule, steps int) diffusion.Chain {
	c := diffusion.Chain{Schedule: schedule, Grid: s.Grid, Steps: s.Steps, Kernel: s.Kernel}
	if c.Steps == 0 {
		c.Steps = steps
	}
	if c.Kernel == nil {
		c.Kernel = etaKernel{s.Eta.or(1)}
	}
	return c
}

// guidance is what a method adds to the plain reverse step.
type guidance struct {
	columns []Curve // further columns of the table
	// steer returns x̂0 as the kernel shall use it and what to subtract after the step (nil: nothing).
	steer func(scope *odslib.Scope, x, x0 *odslib.Node, at diffusion.At, level odslib.Level, extra []*odslib.Node) (x0Guided, after *odslib.Node)
}

// reverse runs the guided reverse process for n samples.
func reverse(ctx context.Context, name string, settings any, s Settings, steps int, post odslib.Posterior, n int, seed uint64, g guidance) (*odslib.Result, error) {
	start := time.Now()
	prior, ok := post.Prior.(odslib.Diffusion)
	if !ok {
		return nil, fmt.Errorf("%s needs a diffusion prior; got %T", name, post.Prior)
	}
	chain, err := s.chain(prior.Schedule(), steps).Resolve()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	table, err := chain.Table()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i := range table {
		for _, c := range g.columns {
			table[i] = append(table[i], float32(c(chain.Grid[i])))
		}
	}
	_, heun := chain.Kernel.(diffusion.Heun)
	loop := &engine.Loop{Driver: s.Driver, Step: engine.Step{Params: post.Params(), Build: func(scope *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node {
		x, rng := state[0], state[1]
		at := diffusion.Read(row)
		level := at.Level(x.Shape().Dimensions[0])
		rng, noise := engine.RandomNormal(rng, x.Shape().Dimensions...)
		x0 := post.Denoise(scope, x, level)
		plain := x0
		var after *odslib.Node
		if g.steer != nil {
			extra := make([]*odslib.Node, len(g.columns))
			for i := range extra {
				extra[i] = engine.Col(row, diffusion.Columns+i)
			}
			x0, after = g.steer(scope, x, x0, at, level, extra)
		}
		next := at.Move(x, graph.StopGradient(x0), noise)
		if heun {
			next = at.Correct(x, next, plain, func(x *odslib.Node, l odslib.Level) *odslib.Node {
				return post.Denoise(scope, x, l)
			})
		}
		if after != nil {
			next = graph.Sub(next, after)
		}
		return []*engine.Node{next, rng}
	}}}
	defer loop.Close()

	res := odslib.NewResult(name, settings, seed)
	batch := min(n, s.Batch)
	if s.Batch <= 0 {
		batch = min(n, 4096)
	}
	shape := post.Shape()
	res.Samples = engine.NewArray(append([]int{0}, shape...)...)
	sigma := float32(chain.Schedule.Sigma(chain.Grid[0]))
	for first := 0; first < n; first += batch {
		// The last batch is run whole, for one compilation, and cut.
		x := engine.NewArray(append([]int{batch}, shape...)...)
		rng := engine.RNG(seed, fmt.Sprintf("guide.%s.start.%d", name, first))
		for i := range x.Data {
			x.Data[i] = sigma * float32(rng.NormFloat64())
		}
		state := []*tensors.Tensor{x.Tensor(), engine.RNGState(seed, fmt.Sprintf("guide.%s.noise.%d", name, first))}
		stops := []int{chain.Steps}
		if first == 0 {
			stops = observed(s.Observe, chain.Steps)
		}
		out, done, err := state, 0, error(nil)
		for _, stop := range stops {
			var k int
			from := done
			out, k, err = loop.Run(ctx, out, table[from:stop], func(k int, state []*tensors.Tensor) ([]*tensors.Tensor, error) {
				odslib.Observe(ctx, odslib.Progress{
					What: name, Step: first/batch*chain.Steps + from + k, Steps: (n + batch - 1) / batch * chain.Steps,
					LogZ: math.NaN(), Loss: math.NaN(), Samples: func() (odslib.Array, error) { return engine.ToArray(state[0]) },
				})
				return state, nil
			})
			if done += k; err != nil {
				break
			}
			if first == 0 && slices.Contains(s.Observe, stop) {
				a, err := engine.ToArray(out[0])
				if err != nil {
					return res, err
				}
				res.Draws = append(res.Draws, a)
			}
		}
		res.NetworkEvals += int64(batch) * int64(chain.Evaluations(done))
		if g.steer != nil {
			res.ConstraintEvals += int64(batch) * int64(done)
		}
		if out != nil {
			if a, e := engine.ToSamples(out[0]); e == nil && err == nil {
				res.Samples = res.Samples.Append(a.Slice(0, min(batch, n-first)))
			}
			engine.Free(out...)
		}
		if err != nil {
			res.Notes = append(res.Notes, fmt.Sprintf("stopped at step %d of %d: %v; %d of %d samples are done", done, chain.Steps, err, res.Samples.Len(), n))
			res.Seconds = time.Since(start).Seconds()
			if errors.Is(err, ctx.Err()) {
				return res, err
			}
			return res, fmt.Errorf("%s: %w", name, err)
		}
	}
	res.Seconds = time.Since(start).Seconds()
	if res.NonFinite = res.Samples.NonFinite(); res.NonFinite > 0 {
		res.Notes = append(res.Notes, fmt.Sprintf("%d values are not finite: the guidance is too strong for these steps; lower Zeta or take more Steps", res.NonFinite))
	}
	return res, nil
}

// observed are the steps at which a run stops to be looked at, the last step always.
func observed(steps []int, last int) []int {
	out := []int{last}
	for _, k := range steps {
		if k >= 0 && k < last {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// gradient is ∇_x of the sum of per-sample values, and fails in one line when they do not depend on x.
func gradient(values, x *odslib.Node) *odslib.Node {
	return graph.Gradient(graph.ReduceAllSum(values), x)[0]
}

// differentiable returns the constraint as graph code, or says what is missing.
func differentiable(name string, post odslib.Posterior) (odslib.Constraint, error) {
	c, ok := post.Constraint.(odslib.Constraint)
	if !ok {
		return nil, fmt.Errorf("%s needs a constraint that can be differentiated; got %T, a host function (smc.Bootstrap and mcmc.EllipticalSlice take it)", name, post.Constraint)
	}
	return c, nil
}
