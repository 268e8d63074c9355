package compare

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/measure"
)

// Calibrating asks whether a sampler is right on a problem without a closed form: it draws x* from the prior and y from x*,
// samples given y, and does so many times. Where the sampler is right, x* is one more draw (Cook, Gelman & Rubin 2006; Talts et
// al. 2018, 1804.06788). The numbers of y are parameters, so that one compilation serves all runs.
type Calibrating struct {
	Runs  int            // 0 means 300
	Draws int            // for each run; 0 means 100
	Truth odslib.Sampler // that draws x*; nil means the prior's own Sample. guide.Plain with the sampler's chain where it targets that
	Level float64        // of a false alarm, of all tests together; 0 means .01
}

// Calibration is what many runs have shown.
type Calibration struct {
	Sampler     string
	Runs, Draws int
	Failed      int      // runs that gave no draws, or draws that are not finite; they count in no other number
	First       error    // of them
	Quantities  []string // that were ranked: values of x, or projections of it, and log r

	Ranks [][]int   // [quantity][run], of x* among the draws
	Holds []bool    // the ranks' distribution stays in its simultaneous band (Säilynoja et al. 2022)
	Cover []float64 // share of x* in the central 90 % of the draws, by quantity
	TARP  []float64 // expected coverage at Levels, by random reference points (Lemos et al. 2023)
	Level []float64 // .1 … .9
	Tight bool      // TARP stays in its band
	Z     []float64 // (log r(x*) − mean)/deviation of log r over the draws, by run
	CRPS  []float64 // mean, by quantity: what ignored data costs, too (Gneiting & Raftery 2007)
	PSNR  float64   // of the draws' mean beside x*, dB, mean over runs; NaN but for images
	Seeds string    // what is wrong with the sampler's random numbers: ranks do not see that; "" for nothing

	NetworkEvals int64
	Seconds      float64
}

// mostRanked is how many values of x are ranked one by one; of larger samples it is as many random projections.
const mostRanked = 8

// Calibrate runs it. When ctx ends, what the runs so far have shown comes back beside the error.
func (c Calibrating) Calibrate(ctx context.Context, f odslib.Family, s odslib.Sampler, seed uint64) (*Calibration, error) {
	c.Runs, c.Draws, c.Level = cmp.Or(c.Runs, 300), cmp.Or(c.Draws, 100), cmp.Or(c.Level, .01)
	if c.Runs < 20 || c.Draws < 10 || !(c.Level > 0 && c.Level < 1) {
		return nil, fmt.Errorf("calibration: %d runs of %d draws at level %g; 20 runs, 10 draws and a level below 1 are the least", c.Runs, c.Draws, c.Level)
	}
	begun := time.Now()
	truths, err := c.truths(ctx, f, engine.Split(seed, "compare.Calibrate.truth"))
	if err != nil {
		return nil, fmt.Errorf("calibration: %w", err)
	}
	ys, err := f.Y(ctx, truths, engine.Split(seed, "compare.Calibrate.y"))
	if err != nil {
		return nil, fmt.Errorf("calibration: %w", err)
	}
	out := &Calibration{Sampler: fmt.Sprintf("%T", s), Draws: c.Draws}
	var kept []int
	var draws []odslib.Array
	var logR [][]float64
	for i := range c.Runs {
		if err = ctx.Err(); err != nil {
			break
		}
		post, own := f.At(row(ys, i)), engine.Split(seed, fmt.Sprintf("compare.Calibrate.%d", i))
		x, failed := out.draw(ctx, s, post, c.Draws, own)
		if err = ctx.Err(); err != nil {
			break
		}
		if i == 0 && failed == nil {
			again, _ := out.draw(ctx, s, post, c.Draws, own+1)
			if slices.Equal(again.Data, x.Data) {
				out.Seeds = "another seed gives the same bits"
			}
		}
		if failed == nil {
			var l []float64
			l, failed = post.Rewards(ctx, x.Append(truths.Slice(i, i+1)))
			logR = append(logR, l)
		}
		if failed != nil {
			out.Failed++
			out.First = cmp.Or(out.First, failed)
			logR = logR[:len(kept)]
			continue
		}
		if n := len(draws); n > 0 && slices.Equal(x.Row(0), draws[n-1].Row(0)) {
			out.Seeds = "two measurements give the same bits"
		}
		kept, draws = append(kept, i), append(draws, x)
		odslib.Notify(ctx, odslib.Progress{What: "calibration of " + out.Sampler, Step: i + 1, Steps: c.Runs, LogZ: math.NaN(), Loss: math.NaN()})
	}
	out.Runs, out.Seconds = len(kept), time.Since(begun).Seconds()
	if len(kept) < 20 {
		return out, cmp.Or(err, fmt.Errorf("calibration: %d of %d runs gave no draws, first: %w", out.Failed, c.Runs, out.First))
	}
	if judged := out.judge(truths.Take(kept), draws, logR, c.Level, seed); err == nil {
		err = judged
	}
	return out, err
}

func (c Calibrating) truths(ctx context.Context, f odslib.Family, seed uint64) (odslib.Array, error) {
	if c.Truth == nil {
		return f.Prior.Sample(ctx, c.Runs, seed)
	}
	r, err := c.Truth.Sample(ctx, odslib.Given(f.Prior, nil), c.Runs, seed)
	if err != nil {
		return odslib.Array{}, err
	}
	return r.Samples, nil
}

func row(a odslib.Array, i int) []float64 {
	out := make([]float64, a.Dim())
	for j, v := range a.Row(i) {
		out[j] = float64(v)
	}
	return out
}

// draw are the equally weighted draws of one run.
func (out *Calibration) draw(ctx context.Context, s odslib.Sampler, post odslib.Posterior, n int, seed uint64) (odslib.Array, error) {
	r, err := s.Sample(ctx, post, n, seed)
	if r != nil {
		out.NetworkEvals += r.NetworkEvals
		if out.Runs == 0 && r.Sampler != "" {
			out.Sampler = r.Sampler
		}
	}
	if err != nil {
		return odslib.Array{}, err
	}
	if r.LogWeights != nil {
		r = r.Resample(n, seed)
	}
	if r.Samples.Len() != n || r.Samples.NonFinite() > 0 {
		return odslib.Array{}, fmt.Errorf("%d draws with %d values that are not finite", r.Samples.Len(), r.Samples.NonFinite())
	}
	return r.Samples, nil
}

// judge ranks x* among the draws.
func (out *Calibration) judge(truths odslib.Array, draws []odslib.Array, logR [][]float64, level float64, seed uint64) error {
	seen := func(a odslib.Array) odslib.Array { return a.Reshape(a.Len(), a.Dim()) }
	d := truths.Dim()
	if d > mostRanked {
		rng, along := engine.RNG(seed, "compare.Calibrate.projections"), make([][]float64, mostRanked)
		for k := range along {
			along[k] = make([]float64, d)
			for j := range along[k] {
				along[k][j] = rng.NormFloat64() / math.Sqrt(float64(d))
			}
		}
		seen = func(a odslib.Array) odslib.Array { return projected(a, along) }
	}
	wide := make([]odslib.Array, len(draws))
	t := withLogR(seen(truths), func(i int) float64 { return logR[i][out.Draws] })
	for i, x := range draws {
		wide[i] = withLogR(seen(x), func(k int) float64 { return logR[i][k] })
		mean, sd := stat.MeanStdDev(logR[i][:out.Draws], nil)
		out.Z = append(out.Z, (logR[i][out.Draws]-mean)/sd)
	}
	for j := range t.Dim() - 1 {
		name := fmt.Sprintf("x_%d", j+1)
		if d > mostRanked {
			name = fmt.Sprintf("projection %d", j+1)
		}
		out.Quantities = append(out.Quantities, name)
	}
	out.Quantities = append(out.Quantities, "log r")
	var err error
	if out.Ranks, err = measure.Ranks(t, wide); err != nil {
		return err
	}
	crps, err := measure.CRPS(t, wide, nil)
	if err != nil {
		return err
	}
	for _, c := range crps {
		out.CRPS = append(out.CRPS, stat.Mean(c, nil))
	}
	if out.PSNR = math.NaN(); len(truths.Shape) > 2 {
		means := engine.NewArray(truths.Shape...)
		for i, x := range draws {
			for k := range x.Len() {
				for j, v := range x.Row(k) {
					means.Row(i)[j] += v / float32(x.Len())
				}
			}
		}
		if out.PSNR, err = (measure.PSNR{}).Distance(means, truths); err != nil {
			return err
		}
	}
	tests := float64(len(out.Ranks) + 1)
	band, err := measure.ECDFBand(out.Runs, out.Draws, 1-level/tests)
	if err != nil {
		return err
	}
	for _, r := range out.Ranks {
		out.Holds = append(out.Holds, band.Holds(r))
	}
	cover, err := measure.Coverage(t, wide, .9)
	if err != nil {
		return err
	}
	for _, c := range cover {
		out.Cover = append(out.Cover, c[0])
	}
	for k := range 9 {
		out.Level = append(out.Level, float64(k+1)/10)
	}
	// The levels of TARP at which it counts draws up to each rank of the band, then those that are shown.
	var at []float64
	for _, r := range band.At {
		at = append(at, (float64(r)+.75)/float64(out.Draws+1))
	}
	flat := make([]odslib.Array, len(draws))
	for i, x := range draws {
		flat[i] = x.Reshape(x.Len(), x.Dim())
	}
	shares, err := measure.TARP{Seed: seed}.Coverage(truths.Reshape(truths.Len(), d), flat, append(at, out.Level...)...)
	if err != nil {
		return err
	}
	out.Tight = true
	for i := range band.At {
		out.Tight = out.Tight && shares[i] >= band.Low[i] && shares[i] <= band.High[i]
	}
	out.TARP = shares[len(at):]
	return nil
}

func projected(a odslib.Array, along [][]float64) odslib.Array {
	out := engine.NewArray(a.Len(), len(along))
	for i := range a.Len() {
		for k, u := range along {
			sum := 0.
			for j, v := range a.Row(i) {
				sum += u[j] * float64(v)
			}
			out.Row(i)[k] = float32(sum)
		}
	}
	return out
}

// withLogR adds log r as one more value; −Inf is the least that float32 holds.
func withLogR(a odslib.Array, logR func(i int) float64) odslib.Array {
	out := engine.NewArray(a.Len(), a.Dim()+1)
	for i := range a.Len() {
		copy(out.Row(i), a.Row(i))
		out.Row(i)[a.Dim()] = float32(math.Max(-math.MaxFloat32, logR(i)))
	}
	return out
}

// Ranking is what plotting.Calibration draws.
func (out *Calibration) Ranking() measure.Ranking {
	return measure.Ranking{Names: out.Quantities, Ranks: out.Ranks, Draws: out.Draws, Levels: out.Level, TARP: out.TARP}
}

// Passes says whether no test has found anything.
func (out *Calibration) Passes() bool {
	return out.Tight && out.Seeds == "" && out.Failed == 0 && !slices.Contains(out.Holds, false)
}

// String is one sentence: what was found, and by how much. It speaks of the quantity whose ranks are the furthest from uniform:
// ranks off their middle are a shift, ranks too far from it draws that are too narrow.
func (out *Calibration) String() string {
	at, middle, spread := 0, 0., 0.
	for j, ranks := range out.Ranks {
		place := make([]float64, len(ranks))
		for i, r := range ranks {
			place[i] = (float64(r) + .5) / float64(out.Draws+1)
		}
		mean, variance := stat.PopMeanVariance(place, nil)
		n := math.Sqrt(float64(len(ranks)))
		m, v := (mean-.5)*n*math.Sqrt(12), (variance-1./12)*n*math.Sqrt(180) // in standard errors
		if math.Max(math.Abs(m), math.Abs(v)) > math.Max(math.Abs(middle), math.Abs(spread)) {
			at, middle, spread = j, m, v
		}
	}
	share := "nothing was ranked"
	if len(out.Cover) > 0 {
		c := out.Cover[at]
		se := math.Sqrt(math.Max(.09, c*(1-c)) / float64(out.Runs))
		share = fmt.Sprintf("its 90 %% regions hold %.0f ± %.0f %% of %s", 100*c, 100*se, out.Quantities[at])
	}
	if out.Failed > 0 {
		share += fmt.Sprintf("; %d runs gave no draws", out.Failed)
	}
	verdict := "wrong in several values together (TARP)"
	switch {
	case out.Seeds != "":
		return fmt.Sprintf("%s: its random numbers are not its seed's: %s", out.Sampler, out.Seeds)
	case out.Passes():
		return fmt.Sprintf("%s: nothing found in %d runs: %s", out.Sampler, out.Runs, share)
	case !slices.Contains(out.Holds, false) && out.Tight:
		verdict = "runs failed"
	case !slices.Contains(out.Holds, false):
	case math.Abs(middle) > math.Abs(spread):
		verdict = "shifted"
	case spread > 0:
		verdict = "too narrow"
	default:
		verdict = "too wide"
	}
	return fmt.Sprintf("%s: %s: %s", out.Sampler, verdict, share)
}
