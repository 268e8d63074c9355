package smc

import (
	"context"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/twist"
)

// advance makes the next move from the parents and adds to the log-weights.
func (r *Run) advance(ctx context.Context, parents []int32) error {
	i, final := r.done, r.done == r.Steps()
	program, rows, stay := r.step, r.table[max(0, i-1):min(i+1, r.Steps())], int32(0)
	switch {
	case final:
		program = r.last
	case i == 0:
		out, err := r.call(r.start, rows, nil)
		if err != nil {
			return err
		}
		r.noise, r.state = out[0], out[1:]
		rows, stay = engine.Table{rows[0], rows[0]}, 1
	}
	var before []float64
	if r.control {
		before = slices.Clone(r.logw)
	}
	out, err := r.call(program, rows, append(parents, stay))
	if err != nil {
		return err
	}
	r.noise, r.state = out[0], out[2:]
	logs, err := engine.ToArray(out[1])
	engine.Free(out[1])
	if err != nil {
		return err
	}
	k := r.size()
	if !final && r.denoiser != nil {
		if err := r.denoise(ctx); err != nil {
			return err
		}
	}
	if !final {
		r.res.NetworkEvals += int64(r.evaluations() * k)
		r.res.JacobianProducts += int64(r.evaluations() * r.products() * k)
	}
	twists, err := r.twists(ctx, logs.Data[:k], float64(logs.Data[2*k]), float64(logs.Data[2*k+1]))
	if err != nil {
		return err
	}
	for j, ratio := range logs.Data[k : 2*k] {
		var g float64
		if final {
			g = twists[j] - r.paths[j].total
		} else {
			g = r.potential.increment(&r.paths[j], twists[j])
		}
		r.logw[j] += g + float64(ratio)
	}
	r.res.Lost(r.logw)
	if r.control && i > 0 && !final {
		r.steer(before, logs.Data[2*k+2:])
	}
	for _, p := range r.populations {
		p.weigh(i)
	}
	if slices.Contains(r.chain.Observe, i) {
		x, err := r.Particles()
		if err != nil {
			return err
		}
		r.res.States = append(r.res.States, x)
	}
	return nil
}

// evaluations is the number of network evaluations for one guess.
func (o *opened) evaluations() int {
	if p, ok := o.process.(*corrected); ok {
		return len(p.Product)
	}
	return 1
}

// products is the number of products with the network's Jacobian for one guess.
func (o *opened) products() int {
	_, gaussian := o.process.(odslib.GaussianSteps)
	switch {
	case o.bound == nil || o.hosted:
		return 0
	case o.proposal.Guided() && gaussian: // that in logits is none
		return twist.GradientProducts(o.bound)
	}
	return twist.ProductsOf(o.bound)
}

// call runs a program; the random state and the state of the particles are used up.
func (r *Run) call(program *engine.Program, rows engine.Table, parents []int32) (out []*tensors.Tensor, err error) {
	inputs := []*tensors.Tensor{tensors.FromFlatDataAndDimensions(slices.Concat(rows...), len(rows), len(rows[0]))}
	args := []any{inputs[0]}
	for _, t := range r.given {
		args = append(args, t)
	}
	if r.control && parents != nil {
		inputs = append(inputs, r.coefficients().Tensor())
		args = append(args, inputs[1])
	}
	if parents != nil { // as tensors: the array library takes slices apart by reflection
		inputs = append(inputs, tensors.FromFlatDataAndDimensions(slices.Clone(parents), len(parents)))
		args = append(args, inputs[len(inputs)-1])
	}
	defer engine.Free(inputs...)
	state := append([]*tensors.Tensor{r.noise}, r.state...)
	r.noise, r.state = nil, nil
	if err := engine.Try(func() {
		for _, t := range state {
			args = append(args, r.engine.Donate(t))
		}
	}); err != nil {
		return nil, err
	}
	return program.Call(args...)
}

// twists are log ψ_t after a move, or log r at the end, as float64. What is NaN or +Inf is counted, and is −Inf.
func (r *Run) twists(ctx context.Context, device []float32, alpha, sigma float64) ([]float64, error) {
	out, final := make([]float64, len(device)), r.done == r.Steps()
	if r.post.Constraint == nil || !final && r.bound == nil {
		return out, nil
	}
	each := 1
	if !final {
		each = twist.EvaluationsOf(r.bound)
	}
	r.res.ConstraintEvals += int64(each * len(out))
	for j, v := range device {
		out[j] = float64(v)
	}
	if r.hosted || final && r.rewards != nil {
		var err error
		if out, err = r.hostTwists(ctx, final, alpha, sigma); err != nil {
			return nil, err
		}
	}
	for j, v := range out {
		if math.IsInf(v, 1) {
			out[j] = math.NaN()
		}
	}
	r.res.Lost(out)
	if final {
		if best := slices.Max(out); r.rewards == nil && math.Abs(best) > coarse {
			r.res.Note("log r is about %.2g, where float32 tells values apart by %.2g alone: take the constant out of the reward", best, math.Abs(best)*math.Pow(2, -23))
		}
		return out, nil
	}
	// Before the end a twist must be positive: x̂0 where the reward is 0 may yet come home. Any weights do, since the last
	// step divides by them. Who comes home lies within r_t of the border, a share of particles that falls as r_t does; put
	// lower by as much and no more, they add the same to the error of Ẑ at every level.
	low := math.Inf(1)
	for _, v := range out {
		if v < low && !math.IsInf(v, -1) {
			low = v
		}
	}
	if math.IsInf(low, 1) {
		low = 0
	}
	for j, v := range out {
		if math.IsInf(v, -1) {
			out[j] = low + .5*math.Log(sigma*sigma/(alpha*alpha*r.variance+sigma*sigma))
		}
	}
	return out, nil
}

// coarse is where two neighbouring float32 differ by more than a hundredth.
const coarse = 1e5

// hostTwists asks a constraint that runs on the host, about x̂0 or at the end x.
func (r *Run) hostTwists(ctx context.Context, final bool, alpha, sigma float64) ([]float64, error) {
	at := 1
	if final {
		at = 0
	}
	x, err := engine.ToArray(r.state[at])
	if err != nil {
		return nil, err
	}
	draws, several := r.bound.(twist.HostDraws)
	if several = several && !final; several {
		x = draws.Around(x, alpha, sigma)
	}
	out, err := r.rewards.Rewards(ctx, x, nil)
	if err != nil {
		return nil, err
	}
	if several {
		n := draws.Evaluations()
		for j := range len(out) / n {
			out[j] = floats.LogSumExp(out[j*n:(j+1)*n]) - math.Log(float64(n))
		}
		out = out[:len(out)/n]
	}
	for j, v := range out {
		if !final && !several {
			v = r.bound.(twist.HostBound).FromReward(v, alpha, sigma)
		}
		out[j] = r.lambda * v
	}
	return out, nil
}
