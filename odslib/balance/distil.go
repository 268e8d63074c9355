package balance

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/internal/fit"
	"odslab/odslib/nn"
)

// Distillation teaches a student the ends of a policy's deterministic paths: from x_t on the probability flow of the policy's
// denoiser, at any of Levels times, to its x_0 (Luhman & Luhman 2021, 2101.02388; the function that consistency models learn,
// Song et al. 2023, 2303.01469). A student draws in one evaluation, or in a few with fresh noise between.
type Distillation struct {
	Net    nn.Net // nil means nn.MLP{Hidden: 256}, or the policy's where it is none
	Pairs  int    // deterministic paths to learn from; 0 means 8192
	Steps  int    // of each, by Heun; 0 means 40
	Levels int    // times of a path to learn from, the start always; 0 means 8
	Batch  int    // 0 means 512
}

// Student is a distilled policy: plain data.
type Student struct {
	Of       string // name of the policy
	Net      nn.Net
	Weights  odslib.Params
	Standard odslib.Params
	Chain    diffusion.Chain
	Fit      odslib.Fingerprint // of the posterior
	Levels   []float64          // times that it knows, falling
	Steps    int                // evaluations a draw; 0 means 1, more than Levels are as many
	Losses   []float32          // of every step
	Notes    []string
}

var _ odslib.Sampler = (*Student)(nil)

// Train distils the policy, by 2000 steps where the budget says none.
func (s Distillation) Train(ctx context.Context, p *Policy, post odslib.Posterior, budget odslib.Budget, seed uint64) (*Student, error) {
	if s.Pairs < 0 || s.Steps < 0 || s.Levels < 0 || s.Batch < 0 {
		return nil, fmt.Errorf("distillation: Pairs, Steps, Levels and Batch cannot be negative, got %d, %d, %d, %d", s.Pairs, s.Steps, s.Levels, s.Batch)
	}
	d, err := p.Denoiser(ctx, post)
	if err != nil {
		return nil, fmt.Errorf("distillation: %w", err)
	}
	s.Pairs, s.Steps, s.Levels, s.Batch = or(s.Pairs, 8192), or(s.Steps, 40), or(s.Levels, 8), or(s.Batch, 512)
	s.Levels = min(s.Levels, s.Steps)
	if s.Net == nil {
		if s.Net = p.Net; isMLP(p.Net) {
			s.Net = nn.MLP{Hidden: 256}
		}
	}
	chain := diffusion.Chain{Schedule: p.Chain.Schedule, Steps: s.Steps, Kernel: diffusion.Heun{}, Batch: s.Pairs}
	chain.Grid = diffusion.Power(chain.Schedule, s.Steps, 1.5)
	for i := range s.Levels {
		chain.Observe = append(chain.Observe, i*s.Steps/s.Levels)
	}
	drawn, err := chain.Draw(ctx, "distillation", d, nil, s.Pairs, engine.Split(seed, "balance.distil.pairs"))
	if err != nil {
		return nil, err
	}
	if bad := drawn.X.NonFinite(); bad > 0 {
		return nil, fmt.Errorf("distillation: %d of %d values of the policy's paths are not finite", bad, len(drawn.X.Data))
	}
	st := &Student{Of: p.Name, Net: s.Net, Standard: p.Standard, Chain: diffusion.Chain{Schedule: p.Chain.Schedule, Steps: 1}, Fit: p.Posterior}
	data := engine.NewArray(append([]int{0}, post.Shape()...)...)
	for _, k := range chain.Observe {
		st.Levels = append(st.Levels, chain.Grid[k])
	}
	for _, x := range drawn.States[:s.Levels] {
		data = data.Append(x)
	}
	if st.Weights, err = nn.Initial(st.Net, post.Shape(), engine.Split(seed, "balance.distil.weights")); err != nil {
		return nil, fmt.Errorf("distillation: %w", err)
	}
	rng := engine.RNG(seed, "balance.distil.rows")
	const columns = 5 // place among starts, place among ends, t, α, σ of each sample of a minibatch
	problem := fit.Problem{
		What: "distillation", Stream: "balance.distil", Weights: st.Weights, Settings: fit.Brief(s.Batch, budget),
		Params: append(odslib.Params{{Name: "starts", Value: data}, {Name: "ends", Value: drawn.X}}, st.Standard.Under("standard")...),
		Columns: func(int) []float32 {
			row := make([]float32, columns*s.Batch)
			for i := range s.Batch {
				k, level := rng.IntN(s.Pairs), max(0, rng.IntN(2*s.Levels)-s.Levels) // the start half the time
				t := st.Levels[level]
				for j, v := range [columns]float64{float64(level*s.Pairs + k), float64(k), t, chain.Schedule.Alpha(t), chain.Schedule.Sigma(t)} {
					row[j*s.Batch+i] = float32(v)
				}
			}
			return row
		},
		Loss: func(b fit.Minibatch) (rng, loss *odslib.Node) {
			pick := func(name string, j int) *odslib.Node { return b.Pick(name, b.Column(j)) }
			x, want := pick("starts", 0), pick("ends", 1)
			got := st.end(b.Scope.At("standard"), b.Net, x, odslib.Level{T: b.Column(2), Alpha: b.Column(3), Sigma: b.Column(4)})
			std := graph.BroadcastToShape(graph.ExpandAxes(engine.Var(b.Scope.At("standard"), x.Graph(), "std"), 0), x.Shape())
			return b.RNG, graph.ReduceAllMean(graph.Square(graph.Div(graph.Sub(got, want), std)))
		},
	}
	var log checkpoint.Log
	weights, err := problem.Run(ctx, budget, seed, &log)
	err = fit.Named(ctx, problem.What, err)
	if weights == nil {
		return nil, err
	}
	st.Weights, st.Losses, st.Notes = weights, log.Loss, log.Notes
	if err != nil {
		st.Notes = append(st.Notes, fmt.Sprintf("stopped early: %v", err))
	}
	return st, err
}

func isMLP(net nn.Net) bool { _, ok := net.(nn.MLP); return ok }

// end is the student's x_0 of x_t: mean + std·(net's output + x_t in units of its level).
func (s *Student) end(standard, net *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	like := func(name string) *odslib.Node {
		return graph.BroadcastToShape(graph.ExpandAxes(engine.Var(standard, x.Graph(), name), 0), x.Shape())
	}
	mean, std, alpha := like("mean"), like("std"), diffusion.PerRow(at.Alpha, x)
	size := graph.Sqrt(graph.Add(graph.Square(graph.Mul(alpha, std)), graph.Square(diffusion.PerRow(at.Sigma, x))))
	u := graph.Div(graph.Sub(x, graph.Mul(alpha, mean)), size)
	return graph.Add(mean, graph.Mul(std, graph.Add(u, s.Net.Apply(net, u, at))))
}

// Sample implements odslib.Sampler: x_T, its x_0 by the network, and for each further step noise of a later level and its x_0 again.
func (s *Student) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	begun := time.Now()
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	if err := s.Fit.Accepts(ctx, post); err != nil {
		return nil, fmt.Errorf("student of %s: it was trained for another posterior: %w", s.Of, err)
	}
	prior := post.Prior.(odslib.Diffusion)
	process, err := s.Chain.Of(prior)
	if err != nil {
		return nil, err
	}
	e, err := engine.Open()
	if err != nil {
		return nil, err
	}
	params := slices.Concat(process.Params(), s.Standard.Under("standard"), s.Weights.Under("student"))
	const batch = 4096
	size, steps := min(n, batch), min(max(1, s.Steps), len(s.Levels))
	program, err := engine.NewProgram(e, params, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		rng, x := process.Start(scope, in[0], size)
		for k := range steps {
			t := s.Levels[k*len(s.Levels)/steps]
			c := func(v float64) *engine.Node { return graph.BroadcastToDims(graph.Const(x.Graph(), float32(v)), size) }
			at := odslib.Level{T: c(t), Alpha: c(s.Chain.Schedule.Alpha(t)), Sigma: c(s.Chain.Schedule.Sigma(t))}
			if k > 0 {
				var noise *engine.Node
				rng, noise = engine.RandomNormal(rng, x.Shape().Dimensions...)
				x = graph.Add(graph.Mul(diffusion.PerRow(at.Alpha, x), x), graph.Mul(diffusion.PerRow(at.Sigma, x), noise))
			}
			x = s.end(scope.At("standard"), scope.At("student").ResetVisited(), x, at)
		}
		return []*engine.Node{x, rng}
	})
	if err != nil {
		return nil, err
	}
	defer program.Close()
	res := odslib.NewResult(post, fmt.Sprintf("%s, distilled to %d", s.Of, steps), s.Steps, seed)
	res.About = "as near as the student came; no weights correct it"
	res.Samples = engine.NewArray(append([]int{0}, post.Shape()...)...)
	for first := 0; first < n && err == nil; first += size {
		if err = ctx.Err(); err != nil {
			res.Note("stopped after %d of %d samples", first, n)
			break
		}
		out, failed := program.Call(engine.RNGState(seed, fmt.Sprintf("student.%d", first)))
		if err = failed; err == nil {
			x, e := engine.ToSamples(out[0])
			engine.Free(out...)
			if err = e; err == nil {
				res.Samples = res.Samples.Append(x.Slice(0, min(size, n-first)))
			}
		}
	}
	res.NetworkEvals = int64(steps * res.Samples.Len())
	res.NonFinite += res.Samples.NonFinite()
	for _, line := range s.Notes {
		res.Note("%s", line)
	}
	res.LogZ = math.NaN()
	res.Close(begun)
	return res, err
}

// Noted are the Notes of the training.
func (s *Student) Noted() []string { return s.Notes }
