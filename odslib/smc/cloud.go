package smc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// cloud is one run under way: particles on the device, their weights and pasts on the host.
type cloud struct {
	*run
	*population
	paths []path
	state []*tensors.Tensor // x, x̂0, (gradient)
	noise *tensors.Tensor   // random state
	rng   *rand.Rand
	bad   int // NaN or infinite twists of the last step
	res   *odslib.Result
}

func (c *cloud) free() {
	engine.Free(c.state...)
	engine.Free(c.noise)
}

// advance makes move i from the parents and adds to the log-weights.
func (c *cloud) advance(i int, parents []int32) error {
	program, final := c.step, i == len(c.table)-1
	if final {
		program = c.last
	}
	args := []any{ // as tensors: the array library takes slices apart by reflection
		tensors.FromFlatDataAndDimensions(slices.Clone(c.table[i]), columns),
		tensors.FromFlatDataAndDimensions(slices.Clone(parents), len(parents)),
	}
	donate, err := c.donated()
	if err != nil {
		return err
	}
	out, err := program.Call(append(args, donate...)...)
	engine.Free(args[0].(*tensors.Tensor), args[1].(*tensors.Tensor))
	if err != nil {
		return err
	}
	c.noise, c.state = out[0], out[2:]
	logs, err := engine.ToArray(out[1])
	engine.Free(out[1])
	if err != nil {
		return err
	}
	k := int64(len(c.paths))
	if !final {
		c.res.NetworkEvals += k
	}
	twist, err := c.twists(logs.Row(0), i)
	if err != nil {
		return err
	}
	for j, ratio := range logs.Row(1) {
		var g float64
		if final {
			g = twist[j] - c.paths[j].total
		} else {
			g = c.potential.increment(&c.paths[j], twist[j])
		}
		if c.logw[j] += g + float64(ratio); math.IsNaN(c.logw[j]) {
			c.logw[j] = math.Inf(-1)
		}
	}
	if slices.Contains(c.observe, i) {
		x, err := c.samples()
		if err != nil {
			return err
		}
		c.res.Draws = append(c.res.Draws, x)
	}
	return nil
}

func (c *cloud) donated() (args []any, err error) {
	err = engine.Try(func() {
		for _, t := range append([]*tensors.Tensor{c.noise}, c.state...) {
			args = append(args, c.engine.Donate(t))
		}
	})
	return args, err
}

// twists are log ψ_t after move i, or log r at the end, as float64. What is not finite is counted.
func (c *cloud) twists(device []float32, i int) ([]float64, error) {
	out, final := make([]float64, len(device)), i == len(c.table)-1
	if c.post.Constraint == nil || !final && c.potential == Terminal {
		return out, nil
	}
	c.res.ConstraintEvals += int64(len(out))
	alpha, sigma := float64(c.table[i][colAlphaS]), float64(c.table[i][colSigmaS])
	certainty := alpha * alpha / (alpha*alpha + sigma*sigma)
	for j, v := range device {
		out[j] = float64(v)
	}
	if c.host != nil {
		var err error
		if out, err = c.hostTwists(final, certainty); err != nil {
			return nil, err
		}
	}
	c.bad = 0
	low := math.Inf(1)
	for j, v := range out {
		if math.IsNaN(v) || math.IsInf(v, 1) {
			c.bad++
			out[j] = math.Inf(-1)
		} else if !math.IsInf(v, -1) {
			low = min(low, v)
		}
	}
	c.res.NonFinite += c.bad
	if final {
		return out, nil
	}
	// Before the end a twist must be positive: x̂0 where the reward is 0 may yet come home. Any weights do, since the
	// last step divides by them, so the lost are put below the others, the further the surer x̂0 is.
	if math.IsInf(low, 1) {
		low = 0
	}
	for j, v := range out {
		if math.IsInf(v, -1) {
			out[j] = low - 20*certainty
		}
	}
	return out, nil
}

// hostTwists calls a constraint that runs on the host, with x̂0 or at the end x.
func (c *cloud) hostTwists(final bool, certainty float64) ([]float64, error) {
	at := 1
	if final {
		at = 0
	}
	x, err := engine.ToArray(c.state[at])
	if err != nil {
		return nil, err
	}
	out, err := c.host.LogRHost(x)
	if err != nil {
		return nil, err
	}
	if len(out) != x.Len() {
		return nil, fmt.Errorf("the constraint gave %d values for %d samples", len(out), x.Len())
	}
	if t, ok := c.twist.(hostTwist); ok && !final {
		for j := range out {
			out[j] = t.fromReward(out[j], certainty)
		}
	}
	return out, nil
}

// samples copies the particles to the host.
func (c *cloud) samples() (odslib.Array, error) { return engine.ToArray(c.state[0]) }

// finish turns the final cloud into a result of n equally weighted draws.
func (c *cloud) finish(n int, seed uint64) error {
	w, err := c.weights()
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	x, err := engine.ToSamples(c.state[0])
	if err != nil {
		return err
	}
	res := c.res
	res.Particles = &odslib.Cloud{X: x, LogWeights: slices.Clone(c.logw)}
	res.Ancestors = c.ancestors
	res.LogZ, res.ESS = c.logZ(), ess(w)
	var families int
	if res.LogZError, families = c.standardError(w, c.resampling); families < 20 {
		res.Notes = append(res.Notes, fmt.Sprintf("all weight descends from %d of the %d first particles: the error of log Z is a guess, and the draws may miss modes; take more Particles", families, len(w)))
	}
	if n > len(w) {
		res.Notes = append(res.Notes, fmt.Sprintf("%d draws from %d particles repeat themselves", n, len(w)))
	}
	rng := engine.RNG(seed, "smc.draw")
	index := make([]int, n)
	for i, k := range Systematic.Parents(w, n, rng) {
		index[i] = int(k)
	}
	rng.Shuffle(n, func(i, j int) { index[i], index[j] = index[j], index[i] }) // so that any part of them is a fair sample
	res.Samples = x.Take(index)
	return nil
}

// partial keeps the work of a run that was stopped: x̂0 of the particles under their weights so far.
func (c *cloud) partial(done, steps int) error {
	if done == 0 {
		return nil
	}
	x0, err := engine.ToArray(c.state[1])
	if err != nil {
		return err
	}
	c.res.Samples, c.res.LogWeights, c.res.Ancestors = x0, slices.Clone(c.logw), c.ancestors
	c.res.Notes = append(c.res.Notes, fmt.Sprintf("stopped after %d of %d steps: the samples are E[x_0|x_t] of the particles on the way, with weights", done-1, steps))
	return nil
}
