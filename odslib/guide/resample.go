package guide

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

var _ odslib.Sampler = ReSample{}

// ReSample is plug-and-play restoration in the latent of a decoder x = D(z) (Song et al. 2023, 2307.08123): a DDIM chain of z, and
// in its last two thirds every tenth step hard data consistency, ẑ0* = argmin_z −log p(y|D(z)) + ‖z − ẑ0‖²/(2·Weight), from which
// z_s is drawn anew around (s·α_s·ẑ0* + σ_s²·z'_s)/(s + σ_s²), z' being DDIM's step and s = γ·σ_s²/σ_t²·(σ_t² − (α_t/α_s)²σ_s²).
// Consistency is sought in the latent throughout: in pixel space, as published for the middle third, it needs an encoder. The
// prior is a latent one, or a generator, whose latent is its noise.
type ReSample struct {
	Steps  int     // 0 means 100 (published: 500)
	Every  int     // steps from one consistency to the next; 0 means 10, as published
	Gamma  float64 // γ; 0 means 40, as published
	Weight float64 // of the measurement against the distance from ẑ0; 0 means 1e4: it is met whatever that costs
	Inner  int     // gradient steps of each consistency; 0 means 100
	Chain  diffusion.Chain
}

// Sample implements odslib.Sampler.
func (s ReSample) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (res *odslib.Result, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("ReSample: %w", err)
		}
	}()
	begun := time.Now()
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	if post.Given != nil {
		return nil, fmt.Errorf("it takes no conditions that differ from row to row; ask for one of them")
	}
	usual := ReSample{Every: 10, Gamma: 40, Weight: 1e4, Inner: 100}
	s.Every, s.Gamma, s.Weight, s.Inner = cmp.Or(s.Every, usual.Every), cmp.Or(s.Gamma, usual.Gamma), cmp.Or(s.Weight, usual.Weight), cmp.Or(s.Inner, usual.Inner)
	if !(s.Gamma > 0) || !(s.Weight > 0) || s.Every < 0 || s.Inner < 0 {
		return nil, fmt.Errorf("the fields Every, Gamma, Weight and Inner must be positive; got %d, %g, %g and %d", s.Every, s.Gamma, s.Weight, s.Inner)
	}
	in, err := post.Inside()
	if err != nil {
		return nil, err
	}
	latent := in.Posterior
	prior, err := Guided(latent, Plain{}, seed) // the latent prior in the scope of its posterior
	if err != nil {
		return nil, err
	}
	if _, err := odslib.Need[odslib.Constraint](latent, "it"); err != nil {
		return nil, err
	}
	chain := s.Chain.WithSteps(s.Steps, 100)
	if chain.Kernel == nil {
		chain.Kernel = diffusion.DDIM{}
	}
	p, err := chain.Of(prior)
	if err != nil {
		return nil, err
	}
	table, err := p.Table()
	if err != nil {
		return nil, err
	}
	e, err := engine.Open()
	if err != nil {
		return nil, err
	}
	batch := min(n, p.Chain.Batch)
	programs := make([]*engine.Program, 4) // the start; a step of DDIM; one towards ẑ0*; the draw around it
	for i, build := range []func(scope *engine.Scope, in []*engine.Node) []*engine.Node{
		func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
			rng, z := p.Start(scope, in[0], batch)
			return []*engine.Node{z, rng}
		},
		func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
			guess := p.Guess(scope, in[0], p.Level(in[2], batch))
			rng, z := p.Step(guess, in[0], in[2], in[1])
			return []*engine.Node{z, rng, guess[0]}
		},
		func(scope *engine.Scope, in []*engine.Node) []*engine.Node { return s.descend(scope, in, latent) },
		func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
			rng, noise := engine.RandomNormal(in[1], in[0].Shape().Dimensions...)
			each := func(j int, v *engine.Node) *engine.Node {
				return graph.Mul(graph.BroadcastToShape(engine.Col(in[3], j), v.Shape()), v)
			}
			return []*engine.Node{graph.Add(graph.Add(each(0, in[0]), each(1, in[2])), each(2, noise)), rng}
		},
	} {
		if programs[i], err = engine.NewProgram(e, p.Params(), build); err != nil {
			return nil, err
		}
		defer programs[i].Close()
	}
	res = odslib.NewResult(post, "ReSample", s, seed)
	res.About = "biased by construction: the latent is moved to the best point near it, where a draw would be due, and noise of the measurement is met as if it were signal"
	z := engine.NewArray(append([]int{0}, in.Shape()...)...)
	for first := 0; first < n && err == nil; first += batch {
		rows := min(batch, n-first)
		state, e := programs[0].Call(engine.RNGState(seed, fmt.Sprintf("ReSample.noise.%d", first)))
		for k := 0; k < len(table) && e == nil; k++ {
			if e = ctx.Err(); e != nil {
				break
			}
			last := state
			state, e = programs[1].Call(last[0], last[1], table[k])
			engine.Free(last...)
			if mix, anew := s.mix(p, k); anew && e == nil {
				state, e = s.anew(programs[2], programs[3], state, mix)
				res.ConstraintEvals += int64(rows * (s.Inner + 1))
			}
			res.NetworkEvals += int64(rows)
			odslib.Notify(ctx, odslib.Progress{What: "ReSample", Step: first/batch*len(table) + k + 1, Steps: (n + batch - 1) / batch * len(table), LogZ: math.NaN(), Loss: math.NaN()})
		}
		var part odslib.Array
		if e == nil {
			part, e = engine.ToSamples(state[0])
		}
		if engine.Free(state...); e == nil {
			z = z.Append(part.Slice(0, rows))
		}
		err = e
	}
	if err != nil {
		res.Note("stopped: %v; %d of %d samples are done", err, z.Len(), n)
	}
	x, failed := in.Out(context.Background(), z) // what is done comes back, also of an interrupted run
	if failed != nil {
		return nil, failed
	}
	res.Samples = x
	if _, noise := in.Prior.(odslib.Normal); noise {
		res.Noise = &z
	}
	res.NonFinite = res.Samples.NonFinite()
	res.Close(begun)
	return res, err
}

// anew takes a step [z', rng, ẑ0] to the draw around ẑ0*.
func (s ReSample) anew(down, draw *engine.Program, step []*tensors.Tensor, mix []float32) ([]*tensors.Tensor, error) {
	z0, err := engine.ToArray(step[2])
	if err != nil {
		return step, err
	}
	state := []*tensors.Tensor{z0.Tensor(), z0.Tensor(), engine.NewArray(z0.Shape...).Tensor(), z0.Tensor(), engine.NewArray(z0.Len()).Tensor()}
	for i := range s.Inner + 1 {
		first := float32(0)
		if i == 0 {
			first = 1
		}
		next, err := down.Call(step[2], state[0], state[1], state[2], state[3], state[4], first)
		engine.Free(state...)
		if state = next; err != nil {
			return step, err
		}
	}
	out, err := draw.Call(step[0], step[1], state[3], mix)
	engine.Free(append(state, step...)...)
	return out, err
}

// descend is a step from z towards argmin −log r(D(z)) + ‖z − ẑ0‖²/(2·Weight), by the curvature that the last one has shown (Barzilai &
// Borwein 1988) and no longer than a deviation of N(0, I). Such steps may go up, so the best point so far is kept.
// in: ẑ0, z, the last z, its slope, the best z, its value, and 1 in the first step; out: these from z to the value.
func (s ReSample) descend(scope *engine.Scope, in []*engine.Node, latent odslib.Posterior) []*engine.Node {
	z0, z, last, before, best, least, first := in[0], in[1], in[2], in[3], in[4], in[5], in[6]
	dot := func(u, v *engine.Node) *engine.Node {
		return graph.ReduceSum(graph.Reshape(graph.Mul(u, v), u.Shape().Dimensions[0], -1), -1)
	}
	off, logr := graph.Sub(z, z0), latent.LogR(scope, z, nil)
	value := graph.Sub(graph.DivScalar(dot(off, off), 2*s.Weight), logr)
	slope := graph.Sub(graph.DivScalar(off, s.Weight), graph.Gradient(graph.ReduceAllSum(logr), z)[0])
	better := graph.LogicalOr(graph.LessThan(value, least), graph.BroadcastToShape(graph.GreaterThan(first, graph.ZerosLike(first)), least.Shape()))
	least, best = graph.Where(better, value, least), graph.Where(diffusion.PerRow(better, z), z, best)
	moved := graph.Sub(z, last)
	bent, steep := dot(moved, graph.Sub(slope, before)), graph.AddScalar(graph.Sqrt(dot(slope, slope)), 1e-20)
	bends := graph.GreaterThan(bent, graph.ZerosLike(bent))
	most := graph.MulScalar(graph.Reciprocal(steep), math.Sqrt(float64(z.Shape().Size())/float64(z.Shape().Dimensions[0])))
	step := graph.Where(bends, graph.Min(graph.Div(dot(moved, moved), graph.Where(bends, bent, graph.OnesLike(bent))), most), graph.MulScalar(most, .01))
	return []*engine.Node{graph.Sub(z, graph.Mul(diffusion.PerRow(step, z), slope)), z, slope, best, least}
}

// mix are the weights of DDIM's step, of ẑ0* and of the noise where step k is drawn anew; ok is false for other steps.
func (s ReSample) mix(p *diffusion.Process, k int) (weights []float32, ok bool) {
	times, sch := p.Times(), p.Chain.Schedule
	t, u, left := times[k], times[k+1], len(times)-2-k
	if left%s.Every != 0 || 3*left >= 2*(len(times)-1) {
		return nil, false
	}
	ratio, su := sch.Alpha(t)/sch.Alpha(u), sch.Sigma(u)
	forward := 1 - ratio*ratio*su*su/(sch.Sigma(t)*sch.Sigma(t)) // s/(γσ_s²)
	w := 1 / (1 + s.Gamma*forward)
	return []float32{float32(w), float32((1 - w) * sch.Alpha(u)), float32(su * math.Sqrt(1-w))}, true
}
