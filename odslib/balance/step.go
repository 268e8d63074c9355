package balance

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat"

	"odslab/odslib/engine"
	"odslab/odslib/measure"
	"odslab/odslib/nn"
)

// Step is one iteration. Nothing of the trainer changes unless all of it succeeds.
func (t *Trainer) Step(ctx context.Context) (Iteration, error) { return t.step(ctx, t.progress(0)) }

func (t *Trainer) step(ctx context.Context, progress float64) (it Iteration, err error) {
	i := len(t.trace)
	seed := engine.Split(t.seed, fmt.Sprintf("balance.iteration.%d", i))
	rng := engine.RNG(seed, "balance.host")
	var local found
	if t.Local > 0 && i%t.Local == t.Local-1 {
		if local, err = t.search(ctx, engine.Split(seed, "balance.local")); err != nil {
			return it, err
		}
	}
	var d drawn
	batch, replay := t.replay(progress, rng)
	if it.Replay = replay; replay {
		d, t.phi, err = t.paths.backward(ctx, t.phi, seed, batch.X, t.given(batch.Cond))
	} else {
		batch.Cond = make([]int, t.Paths)
		for b := range batch.Cond {
			if t.group > 0 && b%t.group == 0 {
				batch.Cond[b] = rng.IntN(t.conditions.Len())
			} else {
				batch.Cond[b] = batch.Cond[max(0, b-1)]
			}
		}
		explore := t.Explore * math.Max(0, 1-2*progress)
		if d, t.phi, err = t.paths.forward(ctx, t.phi, seed, explore*explore, t.given(batch.Cond)); err == nil {
			batch.X = d.x
			batch.LogR, err = t.rewards(ctx, d.x, d.given)
		}
	}
	if err != nil {
		engine.Free(d.kept...)
		return it, err
	}
	j := judge(d.sum, batch.LogR)
	beta, z, first := t.beta, t.logZ, t.first
	if !replay {
		beta, z, first = t.advance(j, progress)
	}
	weight := t.balance(&it, j, &z, beta, progress)
	if weight == nil || j.broken > 0 { // nothing to learn from
		engine.Free(d.kept...)
	} else {
		steps := rng.Perm(len(t.paths.table))[:t.GradSteps]
		slices.Sort(steps)
		var grad []*tensors.Tensor
		if _, ok := t.Objective.(Adjoint); ok {
			grad, t.phi, err = t.paths.matched(ctx, t.phi, d, steps)
		} else {
			grad, t.phi, err = t.paths.gradient(ctx, t.phi, d, weight, steps)
		}
		if err != nil {
			return it, err
		}
		rate := t.LR * math.Min(1, float64(i+1)/50) * falling(progress)
		if err := t.descend(grad, rate, i+1); err != nil {
			return it, err
		}
	}
	t.beta, t.logZ, t.first = beta, z, first
	t.lost += j.lost
	t.buffer.put(local.index, local.batch)
	if !replay {
		t.buffer.Add(batch)
	}
	t.trace = append(t.trace, it)
	return it, t.watch(it, j.broken == len(d.sum))
}

// replay draws kept samples, where it is their turn: from a tenth of the horizon on, or as long as no path of the policy ends
// where r > 0.
func (t *Trainer) replay(progress float64, rng *rand.Rand) (Batch, bool) {
	lost := len(t.trace) > 0 && t.buffer.Len() == 0
	if progress <= .1 && !lost || rng.Float64() >= t.Replay {
		return Batch{}, false
	}
	// Samples of the prior have seen all modes, but under a sharp r few of them count: then the policy's own serve better.
	if t.pool != nil && (lost || rng.Float64() < t.pool.ess(t.beta)/float64(t.Paths)) {
		return t.pool.DrawTempered(t.Paths, t.beta, rng), true
	}
	if t.buffer.Len() < t.Paths {
		return Batch{}, false
	}
	return t.buffer.Draw(t.Paths, t.group, rng), true
}

// advance is annealing by paths of the policy: the next β, and log Z, which moves with it and stays near what they say.
func (t *Trainer) advance(j judged, progress float64) (beta float64, z logZ, first float64) {
	beta, z, first = t.beta, t.logZ, t.first
	if len(j.in) == 0 {
		return beta, z, first
	}
	if first == 0 {
		first = math.Max(stat.PopVariance(j.rewards(1), nil), math.SmallestNonzeroFloat64)
		z.value = math.Log(j.share()) // at the start the policy is the prior
		z.value += j.gain(t.beta)
	}
	if t.Anneal > 0 {
		beta = j.advance(t.beta, math.Min(1, math.Max(t.beta, progress/t.Anneal)))
		z.value += j.gain(beta - t.beta)
	}
	z.value = j.held(z.value, beta)
	return beta, z, first
}

// falling is half a cosine from 1 to .01.
func falling(progress float64) float64 { return math.Max(.01, .5*(1+math.Cos(math.Pi*progress))) }

// balance computes δ of the paths, and from it the loss, the weight of each path's gradient and the next log Z; nil where no
// path ended where r > 0. A path that ended where it is 0 pulls as the farthest of the others does, or more.
func (t *Trainer) balance(it *Iteration, j judged, z *logZ, beta, progress float64) []float64 {
	it.Beta, it.LogZ, it.Outside = beta, z.value, 1-j.share()
	it.Loss, it.ELBO, it.ESS, it.Reward = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	if len(j.in) == 0 {
		if !it.Replay {
			it.ESS = 0
		}
		return nil
	}
	w := j.weights(beta)
	it.Reward, it.Loss = stat.Mean(j.rewards(1), nil), 0
	if !it.Replay {
		it.ELBO, it.ESS = stat.Mean(w, nil), measure.ESS(w)/float64(len(j.ratio))
	}
	if t.VarGrad {
		z.value = stat.Mean(w, nil)
	}
	logZ := func(int) float64 { return z.value }
	if t.group > 0 { // of each condition
		sum, count := make([]float64, len(j.ratio)/t.group), make([]float64, len(j.ratio)/t.group)
		for k, i := range j.in {
			sum[i/t.group] += w[k]
			count[i/t.group]++
		}
		logZ = func(i int) float64 { return sum[i/t.group] / count[i/t.group] }
		z.value = stat.Mean(w, nil)
	}
	delta, far := make([]float64, len(j.ratio)), 10.
	for k, i := range j.in {
		delta[i] = logZ(i) - w[k]
		it.Loss += delta[i] * delta[i] / float64(len(j.in))
		far = math.Max(far, math.Abs(delta[i]))
	}
	for _, i := range j.out {
		delta[i] = far
	}
	pull := 0. // ∂loss/∂log Z
	for i, v := range delta {
		if t.Robust > 0 && !t.VarGrad {
			v /= math.Sqrt(1 + v*v/(t.Robust*t.Robust))
		}
		delta[i] = 2 * v / float64(len(delta))
		pull += delta[i]
	}
	if !t.VarGrad && t.group == 0 {
		z.step(pull, t.LogZRate*falling(progress), len(t.trace)+1)
	}
	it.LogZ = z.value
	if o, ok := t.Objective.(Pull); ok {
		return o.pull(j)
	}
	return delta
}

// newUpdate is the optimiser's program: gradients, weights, moments, averages → weights, moments, averages. Gradients that are
// not finite change nothing.
func newUpdate(e *engine.Engine, s Settings, k int) (*engine.Program, error) {
	return engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		rate, count, decay, in := in[0], in[1], in[2], in[3:]
		grads, norm := nn.ClipByGlobalNorm(in[:k], s.Clip)
		p, m, v := nn.Adam{}.Update(in[k:2*k], in[2*k:3*k], in[3*k:4*k], grads, rate, count)
		next := slices.Concat(p, m, v, nn.EMA(in[4*k:], p, decay))
		finite := graph.LessThan(norm, graph.Const(norm.Graph(), float32(math.MaxFloat32)))
		return nn.Select(finite, next, in[k:])
	})
}

func (t *Trainer) descend(grad []*tensors.Tensor, rate float64, count int) error {
	// The average forgets its start: its decay grows from 0 to EMA.
	decay := math.Min(t.EMA, float64(count)/float64(count+10))
	args := []any{float32(rate), float32(count), float32(decay)}
	for _, w := range slices.Concat(grad, t.phi, t.moments, t.average) {
		args = append(args, t.engine.Donate(w))
	}
	out, err := t.update.Call(args...)
	if err != nil {
		t.phi, t.moments, t.average = nil, nil, nil
		return err
	}
	k := len(t.phi)
	t.phi, t.moments, t.average = out[:k], out[k:3*k], out[3*k:]
	return nil
}
