package compare

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/diffusion"
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
	Distances       []float64 // of each seed, for differences from another method on the same instances
	Warned          float64   // share of the seeds whose Result has a note: a warning, raised before the truth is known
	Warning         string    // the first of them
	Coverage90      float64   // share of exact draws within the central 90 % of the samples, mean over coordinates and seeds
	LogZ, LogZError float64   // mean log Ẑ − log Z and its standard error; NaN without
	LogZT           float64   // log Z_T − log Z of the reference chain; NaN when not computed
	Modes           float64   // total variation of mode weights, mean; NaN without modes
	Found, Counted  float64   // modes found and modes that count, means; see ModesOf
	Least           float64   // least share of a counted mode over its exact share, of all seeds; NaN without modes
	Hills           float64   // worst of the coordinates' hills: |mean share − exact share|; NaN where coordinates have none
	Evaluations     int64     // network evaluations a sample
	Constraints     int64     // evaluations of the constraint a sample
	Products        int64     // with the network's Jacobian, a sample
	ESS             float64   // effective share of the draws, mean; NaN where not known
	Training        float64   // seconds of training for one seed; 0 without
	Seconds         float64   // for one seed, training included
}

// Run draws n samples for each seed and compares them with the case's exact answer. Cases may differ by seed, as the
// instances of T2 do.
func Run(ctx context.Context, caseOf func(seed int) (exact.Case, error), s odslib.Sampler, name string, n, seeds int) (Entry, error) {
	e := Entry{Sampler: name, Seeds: seeds, N: n, LogZ: math.NaN(), LogZT: math.NaN(), Modes: math.NaN(), Hills: math.NaN(), Least: math.NaN(), ESS: math.NaN()}
	var distance, floor, logZ, modes []float64
	var hills hills
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
		truth, z, err := c.Exact()
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
		if len(r.Notes) > 0 {
			e.Warned += 1 / float64(seeds)
			if e.Warning == "" {
				e.Warning = r.Notes[0]
			}
		}
		e.Coverage90 += inside90(r, a) / float64(seeds)
		if !math.IsNaN(r.LogZ) {
			logZ = append(logZ, r.LogZ-z)
		}
		hills.add(c, r.Samples)
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
		e.Evaluations, e.Constraints, e.Products = r.NetworkEvals/int64(n), r.ConstraintEvals/int64(n), r.JacobianProducts/int64(n)
		e.Seconds += r.Seconds / float64(seeds)
		if t, ok := s.(*retrained); ok {
			e.Training += t.seconds / float64(seeds)
		}
		if r.ESS > 0 {
			if math.IsNaN(e.ESS) {
				e.ESS = 0
			}
			e.ESS += r.ESS / float64(n*seeds)
		}
	}
	e.Distances, e.Hills = distance, hills.worst()
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

// inside90 is the share of values of exact draws within the 5 % and 95 % quantiles of the result's.
func inside90(r *odslib.Result, exact odslib.Array) float64 {
	low, high, in := r.Quantile(.05), r.Quantile(.95), 0
	for i := range exact.Len() {
		for j, v := range exact.Row(i) {
			if low[j] <= float64(v) && float64(v) <= high[j] {
				in++
			}
		}
	}
	return float64(in) / float64(len(exact.Data))
}

// Paired is the mean difference of two entries' distances on the same instances, a − b, and its standard error.
func Paired(a, b Entry) (mean, se float64, err error) {
	if len(a.Distances) != len(b.Distances) || len(a.Distances) == 0 || a.Case != b.Case {
		return 0, 0, fmt.Errorf("%s, %s and %s, %s were not run on the same instances", a.Case, a.Sampler, b.Case, b.Sampler)
	}
	d := make([]float64, len(a.Distances))
	for i, v := range a.Distances {
		d[i] = v - b.Distances[i]
	}
	mean, se = meanError(d)
	return mean, se, nil
}

func meanError(v []float64) (mean, se float64) {
	if len(v) == 1 {
		return v[0], math.NaN()
	}
	mean, sd := stat.MeanStdDev(v, nil)
	return mean, stat.StdErr(sd, float64(len(v)))
}

// ReferenceLogZ is log Z_T: the log of the mean of r over n runs of the prior's own reverse chain, and its standard error.
func ReferenceLogZ(ctx context.Context, post odslib.Posterior, chain diffusion.Chain, n int, seed uint64) (logZ, se float64, err error) {
	plain, err := guide.Plain{Chain: chain}.Sample(ctx, post, n, seed)
	if err != nil {
		return 0, 0, err
	}
	logr, err := post.Rewards(ctx, plain.Samples)
	if err != nil {
		return 0, 0, err
	}
	logZ, se = measure.LogMeanExp(logr)
	return logZ, se, nil
}
