package compare

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
	"odslab/odslib/measure"
)

// Entry is one line of the table: a case under a sampler.
type Entry struct {
	Case, Sampler   string
	Seeds, N        int
	Distance, Error float64 // sliced W1, mean over the seeds and its standard error
	Floor           float64
	LogZ, LogZError float64 // mean log Ẑ − log Z and its standard error; NaN without
	LogZT           float64 // log Z_T − log Z of the reference chain; NaN when not computed
	Modes           float64 // total variation of mode weights, mean; NaN without modes
	Found, Counted  float64 // modes found and modes that count, means; see ModesOf
	Least           float64 // least share of a counted mode over its exact share, of all seeds; NaN without modes
	Evaluations     int64   // network evaluations a sample
	Seconds         float64 // for one seed
}

// Run draws n samples for each seed and compares them with the case's exact answer. Cases may differ by seed, as the
// instances of T2 do.
func Run(ctx context.Context, caseOf func(seed int) (exact.Case, error), s odslib.Sampler, name string, n, seeds int) (Entry, error) {
	e := Entry{Sampler: name, Seeds: seeds, N: n, LogZ: math.NaN(), LogZT: math.NaN(), Modes: math.NaN(), Least: math.NaN()}
	var distance, floor, logZ, modes []float64
	for seed := range seeds {
		c, err := caseOf(seed)
		if err != nil {
			return e, err
		}
		e.Case = c.Name
		r, err := s.Sample(ctx, c.Post, n, uint64(seed))
		if err != nil {
			return e, fmt.Errorf("%s, %s, seed %d: %w", c.Name, name, seed, err)
		}
		truth, z, err := c.Post.Exact()
		if err != nil {
			return e, err
		}
		a, err := truth.Sample(ctx, n, engine.Split(uint64(seed), "compare.truth"))
		if err != nil {
			return e, err
		}
		b, err := truth.Sample(ctx, n, engine.Split(uint64(seed), "compare.floor"))
		if err != nil {
			return e, err
		}
		d, err := measure.SlicedW1{Projections: 200}.Distance(r.Samples, a)
		if err != nil {
			return e, fmt.Errorf("%s, %s, seed %d: %w", c.Name, name, seed, err)
		}
		f, err := measure.SlicedW1{Projections: 200}.Distance(b, a)
		if err != nil {
			return e, err
		}
		distance, floor = append(distance, d), append(floor, f)
		if !math.IsNaN(r.LogZ) {
			logZ = append(logZ, r.LogZ-z)
		}
		m, ok, err := ModesOf(c, r.Samples)
		if err != nil {
			return e, err
		}
		if ok {
			if len(modes) == 0 {
				e.Least = math.Inf(1)
			}
			modes = append(modes, m.TV)
			e.Found += float64(m.Found) / float64(seeds)
			e.Counted += float64(m.Counted) / float64(seeds)
			e.Least = min(e.Least, m.Least)
		}
		e.Evaluations = r.NetworkEvals / int64(n)
		e.Seconds += r.Seconds / float64(seeds)
	}
	e.Distance, e.Error = meanError(distance)
	e.Floor, _ = meanError(floor)
	if len(logZ) > 0 {
		e.LogZ, e.LogZError = meanError(logZ)
	}
	if len(modes) > 0 {
		e.Modes, _ = meanError(modes)
	}
	return e, nil
}

func meanError(v []float64) (mean, se float64) {
	if len(v) == 1 {
		return v[0], math.NaN()
	}
	mean, sd := stat.MeanStdDev(v, nil)
	return mean, stat.StdErr(sd, float64(len(v)))
}

// ReferenceLogZ is log Z_T: the log of the mean of r over n runs of the prior's own reverse chain as chain-based
// samplers discretise it, and its standard error.
func ReferenceLogZ(ctx context.Context, post odslib.Posterior, s guide.Settings, n int, seed uint64) (logZ, se float64, err error) {
	plain, err := guide.Plain{Settings: s}.Sample(ctx, post, n, seed)
	if err != nil {
		return 0, 0, err
	}
	logr, err := LogR(post, plain.Samples)
	if err != nil {
		return 0, 0, err
	}
	logZ, se = measure.LogMeanExp(logr)
	return logZ, se, nil
}

// LogR evaluates the constraint at samples, in batches of 4096.
func LogR(post odslib.Posterior, x odslib.Array) ([]float64, error) {
	if h, ok := post.Constraint.(odslib.HostConstraint); ok {
		return h.LogRHost(x)
	}
	e, err := engine.Open()
	if err != nil {
		return nil, err
	}
	p, err := engine.NewProgram(e, post.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{post.LogR(scope, in[0])}
	})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	out := make([]float64, 0, x.Len())
	for i := 0; i < x.Len(); i += 4096 {
		in, err := e.Tensors(x.Slice(i, min(i+4096, x.Len())))
		if err != nil {
			return nil, err
		}
		a, err := p.Call1(in[0])
		engine.Free(in...)
		if err != nil {
			return nil, err
		}
		for _, v := range a.Data {
			out = append(out, float64(v))
		}
	}
	return out, nil
}
