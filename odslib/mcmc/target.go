package mcmc

import (
	"context"

	"odslab/odslib"
)

// target is the posterior of the innermost noise: one, or through a latent space several, levels inside.
type target struct {
	levels []*odslib.Decoder // from the innermost out
	inner  odslib.Inner
	eval   *odslib.Evaluator
	res    *odslib.Result
	failed bool // a batch of the constraint, once
}

func openTarget(post odslib.Posterior, res *odslib.Result) (*target, error) {
	t := &target{res: res}
	for {
		in, err := post.Inside()
		if err == nil {
			var d *odslib.Decoder
			if d, err = in.Decoder(); err == nil {
				t.levels = append([]*odslib.Decoder{d}, t.levels...)
			}
		}
		if err != nil {
			t.close()
			return nil, err
		}
		t.inner, post = in, in.Posterior
		if _, noise := in.Prior.(odslib.Normal); noise {
			break
		}
	}
	var err error
	if t.eval, err = t.inner.Evaluator(); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *target) noise() []int { return t.inner.Shape() }

func (t *target) close() {
	for _, d := range t.levels {
		d.Close()
	}
	if t.eval != nil {
		t.eval.Close()
	}
}

// out are the samples of noise z.
func (t *target) out(ctx context.Context, z odslib.Array) (x odslib.Array, err error) {
	x = z
	for _, d := range t.levels {
		if x, err = d.Out(ctx, x); err != nil {
			return x, err
		}
	}
	return x, nil
}

// logR is log r(f(z)) of each row; rows of them count as evaluations. What is no number is counted and becomes −Inf: such a z
// is never accepted. Where a host function failed for some rows alone the chains go on without them, and the Result says so.
func (t *target) logR(ctx context.Context, z odslib.Array, rows int) ([]float64, error) {
	out, err := t.eval.Rewards(ctx, z, nil)
	if err != nil {
		if !odslib.Partly(ctx, out, err) {
			return nil, err
		}
		if !t.failed {
			t.res.Note("log r failed for some samples, first with: %v", err)
			t.failed = true
		}
	}
	if note := t.eval.Note(); note != "" {
		t.res.Note("%s", note)
	}
	if t.inner.Constraint != nil {
		t.res.NetworkEvals += int64(rows)
		t.res.ConstraintEvals += int64(rows)
	}
	t.res.Lost(out)
	return out, nil
}
