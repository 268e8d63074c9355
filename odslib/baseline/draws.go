package baseline

import (
	"context"
	"math"

	"odslab/odslib"
)

// draws draws samples of the prior with log r, through the noise where there is one.
type draws struct {
	inner odslib.Posterior // of the noise, or the posterior itself
	out   *odslib.Decoder  // nil for a prior that is no generator
	eval  *odslib.Evaluator
	res   *odslib.Result
	told  bool
}

func open(post odslib.Posterior, res *odslib.Result) (d *draws, err error) {
	d = &draws{inner: post, res: res}
	if in, err := post.Inside(); err == nil {
		d.inner = in.Posterior
		if d.out, err = in.Decoder(); err != nil {
			return nil, err
		}
	}
	d.eval, err = d.inner.Evaluator()
	if err != nil {
		d.close()
	}
	return d, err
}

// draw draws n of them; log r that is no number is counted and −Inf.
func (d *draws) draw(ctx context.Context, n int, seed uint64) (z odslib.Array, logr []float64, err error) {
	if z, err = d.inner.Prior.Sample(ctx, n, seed); err != nil {
		return z, nil, err
	}
	logr, err = d.eval.Rewards(ctx, z, nil)
	if odslib.Partly(ctx, logr, err) {
		if !d.told {
			d.res.Note("log r failed for some samples, first with: %v", err)
			d.told = true
		}
		err = nil
	}
	d.res.Lost(logr)
	d.res.ConstraintEvals += int64(n)
	if d.out != nil {
		d.res.NetworkEvals += int64(n)
	}
	return z, logr, err
}

// finish makes the result's samples of the noise or samples kept.
func (d *draws) finish(z odslib.Array) (err error) {
	d.res.Samples = z
	if d.out != nil {
		d.res.Noise = &z
		d.res.Samples, err = d.out.Out(context.Background(), z)
	}
	d.res.NonFinite += d.res.Samples.NonFinite()
	return err
}

func (d *draws) close() {
	if d.out != nil {
		d.out.Close()
	}
	if d.eval != nil {
		d.eval.Close()
	}
}

// largest is the largest log r that a posterior's constraint can have, where it says so: a Gaussian measurement has its own at
// a residual of 0, whatever the prior.
func largest(post odslib.Posterior) (float64, bool) {
	l, ok := odslib.Can[odslib.Linear](post.Constraint)
	if !ok {
		return 0, false
	}
	s, err := l.System(post.Shape())
	if err != nil {
		return 0, false
	}
	return s.LogScale - .5*float64(len(s.Y))*math.Log(2*math.Pi), true
}
