package priors

import (
	"context"
	"fmt"
	"math"
	"slices"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// Likelihood is a prior that can say how likely it holds samples x [n, shape…]: log p(x), or a lower bound of it (a VAE's). What
// is estimated by random numbers takes them from seed.
type Likelihood interface {
	odslib.Prior
	LogLikelihood(ctx context.Context, x odslib.Array, seed uint64) ([]float64, error)
}

var (
	_ Likelihood = (*VAE)(nil)
	_ Likelihood = (*RealNVP)(nil)
	_ Likelihood = (*Flow)(nil)
)

// Bits are the bits per dimension of quantised data x, whose steps are bin wide, with their standard error over the samples:
// −log₂ p(x+u)/d − log₂ bin for one draw of uniform noise u each, an upper bound of the discrete code length. Where LogLikelihood
// is a bound, so is this.
func Bits(ctx context.Context, prior Likelihood, x odslib.Array, bin float64, seed uint64) (bits, stderr float64, err error) {
	if !(bin > 0) {
		return 0, 0, fmt.Errorf("bits per dimension count steps of quantised data; their width must be positive, got %g", bin)
	}
	x = x.Clone()
	rng := engine.RNG(seed, "priors.Bits")
	for i := range x.Data {
		x.Data[i] += float32(bin * (rng.Float64() - .5))
	}
	logp, err := prior.LogLikelihood(ctx, x, engine.Split(seed, "priors.Bits"))
	if err != nil {
		return 0, 0, err
	}
	n, sum, squares := float64(len(logp)), 0., 0.
	for i, l := range logp {
		if math.IsNaN(l) || math.IsInf(l, 0) {
			return 0, 0, fmt.Errorf("bits per dimension: log p of sample %d is %g", i, l)
		}
		b := -l/math.Ln2/float64(x.Dim()) - math.Log2(bin)
		sum += b
		squares += b * b
	}
	bits = sum / n
	return bits, math.Sqrt(max(0, squares/n-bits*bits) / max(1, n-1)), nil
}

// eachBatch is how many samples go through a likelihood together.
const eachBatch = 512

// each evaluates graph code that gives one number for each sample; further inputs come after x.
func each(ctx context.Context, prior odslib.Prior, x odslib.Array, build engine.Build, more func() []any) ([]float64, error) {
	if len(x.Shape) == 0 || !slices.Equal(x.Shape[1:], prior.Shape()) || x.Len() == 0 {
		return nil, fmt.Errorf("the prior is over samples of shape %v, got an array of shape %v", prior.Shape(), x.Shape)
	}
	a, err := batches(ctx, prior, x, build, more)
	out := make([]float64, a.Len())
	for i, v := range a.Data {
		out[i] = float64(v)
	}
	return out, err
}

// batches evaluates graph code that gives a row for each sample; what has parameters, of has.
func batches(ctx context.Context, of any, x odslib.Array, build engine.Build, more func() []any) (out odslib.Array, err error) {
	e, err := engine.Open()
	if err != nil {
		return out, err
	}
	program, err := engine.NewProgram(e, odslib.ParamsOf(of), build)
	if err != nil {
		return out, err
	}
	defer program.Close()
	batch := min(eachBatch, x.Len())
	for first := 0; first < x.Len(); first += batch {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		rows := min(batch, x.Len()-first)
		args := []any{diffusion.Padded(x.Slice(first, first+rows), batch).Tensor()}
		if more != nil {
			args = append(args, more()...)
		}
		a, err := program.Call1(args...)
		if err != nil {
			return out, err
		}
		out = out.Append(a.Slice(0, rows))
	}
	return out, nil
}
