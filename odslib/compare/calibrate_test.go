package compare_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/compare"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
	"odslab/odslib/priors"
	"odslab/odslib/smc"
)

// broken is the exact sampler with a fault.
type broken struct {
	fault func(r *odslib.Result)
	seed  uint64 // in place of the run's, or 0
}

func (b broken) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if b.seed != 0 {
		seed = b.seed
	}
	r, err := exact.Sampler{}.Sample(ctx, post, n, seed)
	if err == nil && b.fault != nil {
		b.fault(r)
	}
	r.Sampler = "broken"
	return r, err
}

func families(t *testing.T) map[string]odslib.Family {
	t.Helper()
	out := map[string]odslib.Family{}
	for name, post := range map[string]odslib.Posterior{
		"Gaussian": exact.T13(2).Post,
		"two modes": odslib.Given(priors.Isotropic([]float64{.5, .5}, [][]float64{{-3, 0}, {3, 0}}, .5),
			constraint.Gaussian{A: constraint.Matrix{{0, 1}}, Y: []float64{0}, Sigma: .5}),
		"12 values": odslib.Given(priors.Gaussian(make([]float64, 12), 1),
			constraint.StudentT{A: constraint.Mask{Keep: []bool{true, false, true, false, false, false, false, false, false, false, false, true}}, Y: make([]float64, 3), Nu: 4, Scale: .5}),
	} {
		f, err := odslib.FamilyOf(post)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = f
	}
	return out
}

func calibrate(t *testing.T, f odslib.Family, s odslib.Sampler, runs int) *compare.Calibration {
	t.Helper()
	c, err := compare.Calibrating{Runs: runs, Draws: 60}.Calibrate(context.Background(), f, s, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(c)
	return c
}

// TestCalibrate: the exact sampler passes on a Gaussian and on two modes, and every fault that is put into it is found. The
// family-wise level is 1 %, and the seed is fixed.
func TestCalibrate(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of runs")
	}
	about := func(r *odslib.Result, scale float64) {
		mean := r.Mean()
		for i := range r.Samples.Data {
			m := mean[i%len(mean)]
			r.Samples.Data[i] = float32(m + scale*(float64(r.Samples.Data[i])-m))
		}
	}
	fs := families(t)
	for _, name := range []string{"Gaussian", "two modes"} {
		if c := calibrate(t, fs[name], exact.Sampler{}, 300); !c.Passes() || c.Failed > 0 || !strings.Contains(c.String(), "nothing found") {
			t.Errorf("%s: the exact sampler: %v", name, c)
		}
		for want, b := range map[string]broken{
			"too narrow":    {fault: func(r *odslib.Result) { about(r, .5) }},
			"too wide":      {fault: func(r *odslib.Result) { about(r, 2) }},
			"shifted":       {fault: func(r *odslib.Result) { shift(r, .35) }},
			"random number": {seed: 7},
		} {
			c := calibrate(t, fs[name], b, 300)
			if c.Passes() || !strings.Contains(c.String(), want) {
				t.Errorf("%s: want %q, got %v", name, want, c)
			}
		}
	}
	lost := broken{fault: func(r *odslib.Result) {
		for i := range r.Samples.Len() {
			r.Samples.Row(i)[0] = float32(math.Abs(float64(r.Samples.Row(i)[0]))) // the mode on the left is lost
		}
	}}
	if c := calibrate(t, fs["two modes"], lost, 300); c.Passes() || c.Holds[0] {
		t.Errorf("a lost mode: %v", c)
	}
	if c := calibrate(t, fs["two modes"], leaking{}, 300); c.Passes() {
		t.Errorf("a sampler that was handed x*: %v", c)
	}
}

// leaking knows x*: its draws stand around it as if it were the posterior's middle.
type leaking struct{}

func (leaking) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	truths, err := post.Prior.Sample(ctx, 300, engine.Split(1, "compare.Calibrate.truth"))
	if err != nil {
		return nil, err
	}
	f, err := odslib.FamilyOf(post)
	if err != nil {
		return nil, err
	}
	ys, err := f.Y(ctx, truths, engine.Split(1, "compare.Calibrate.y"))
	if err != nil {
		return nil, err
	}
	r, err := exact.Sampler{}.Sample(ctx, post, n, seed)
	if err != nil {
		return nil, err
	}
	y := post.Constraint.(constraint.Gaussian).Y[0]
	for i := range ys.Len() {
		if float64(ys.Row(i)[0]) == y {
			mean := r.Mean()
			for k := range r.Samples.Len() {
				for j := range mean {
					r.Samples.Row(k)[j] += truths.Row(i)[j] - float32(mean[j])
				}
			}
		}
	}
	return r, nil
}

func shift(r *odslib.Result, by float64) {
	std := r.Std()
	for i := range r.Samples.Data {
		r.Samples.Data[i] += float32(by * std[i%len(std)])
	}
}

// TestCalibrateMethods: particles under their default twist pass, DPS on a Gaussian does not, and samples with more than eight
// values are seen by projections.
func TestCalibrateMethods(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of runs")
	}
	fs := families(t)
	right := calibrate(t, fs["Gaussian"], smc.TDS{Particles: 500, Steps: 40, NoShift: true}, 200)
	if !right.Passes() || right.NetworkEvals == 0 || !math.IsNaN(right.PSNR) {
		t.Errorf("TDS: %v", right)
	}
	// The prior's own draws ignore the measurement, which costs CRPS and nothing else: x* and they have one law.
	if blind := calibrate(t, fs["Gaussian"], guide.Plain{Steps: 40}, 200); blind.CRPS[0] < 1.2*right.CRPS[0] {
		t.Errorf("CRPS %v of the prior's draws, %v of the posterior's", blind.CRPS, right.CRPS)
	}
	if r := right.Ranking(); len(r.Coverage(.9)) != len(right.Cover) || r.Coverage(.9)[0][0] != right.Cover[0] || len(r.Names) != len(r.Ranks) {
		t.Errorf("ranking %+v", r)
	}
	if c := calibrate(t, fs["Gaussian"], guide.DPS{Scaling: guide.Likelihood, Steps: 40}, 200); c.Passes() {
		t.Errorf("DPS: %v", c)
	}
	c := calibrate(t, fs["12 values"], guide.Plain{Steps: 40}, 200)
	if c.Passes() || len(c.Quantities) != 9 || c.Holds[8] {
		t.Errorf("plain: %v, %q %v", c, c.Quantities, c.Holds)
	}
}

// TestCalibrateStops: when the context ends, what was seen comes back; and what cannot be done is said in one line.
func TestCalibrateStops(t *testing.T) {
	f := families(t)["Gaussian"]
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ctx = odslib.WithObserver(ctx, func(p odslib.Progress) {
		if strings.HasPrefix(p.What, "calibration") && p.Step == 40 {
			cancel()
		}
	})
	c, err := compare.Calibrating{Runs: 100, Draws: 20}.Calibrate(ctx, f, exact.Sampler{}, 1)
	if err == nil || c == nil || c.Runs != 40 || len(c.Cover) != 3 {
		t.Errorf("%v, %v", c, err)
	}
	if _, err := (compare.Calibrating{Runs: 5}).Calibrate(context.Background(), f, exact.Sampler{}, 1); err == nil {
		t.Error("five runs were taken")
	}
	dead := broken{fault: func(r *odslib.Result) { r.Samples.Data[0] = float32(math.NaN()) }}
	if c, err := (compare.Calibrating{Runs: 20, Draws: 10}).Calibrate(context.Background(), f, dead, 1); err == nil || c.Failed != 20 || strings.Contains(err.Error(), "\n") {
		t.Errorf("draws that are no numbers: %v, %v", c, err)
	}
}
