package guide_test

import (
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
)

// TestCheck: a Result that is more than three floors from the posterior warns, one within one and a half does not, and neither knows
// the truth; whatever it says, the draws are those without it.
func TestCheck(t *testing.T) {
	if testing.Short() {
		t.Skip("statistics")
	}
	const n = 1000
	likelihood := guide.DPS{Steps: 100, Scaling: guide.Likelihood, Check: true}
	wide := guide.DPS{Steps: 100, Scaling: guide.Likelihood, ErrorAt: diffusion.VPLinear{}.Sigma, Check: true}
	t2 := func(seed int) exact.Case {
		c, err := exact.T2(8, 1, seed)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, c := range []struct {
		c     exact.Case
		s     odslib.Sampler
		warns bool
		by    string
	}{
		{exact.T13(1), likelihood, true, "Metropolis"}, // no path has weight
		{exact.T13(2), likelihood, false, "Metropolis"},
		{exact.T13(1), guide.PiGDM{Check: true}, false, "weights"},
		{exact.T13(2), guide.TMPD{Check: true}, false, "weights"},
		{exact.T13(2), guide.SplitGibbs{Check: true}, false, "Metropolis"}, // has no path
		{exact.T6(), likelihood, false, "Metropolis"},
		{exact.T12(2, 1), guide.Plain{Check: true}, true, "weights"},
		{t2(3), wide, true, "weights"},
		{t2(2), guide.DiffPIR{Check: true}, true, "Metropolis"},
	} {
		r := sample(t, c.s, c.c.Post, n, 1)
		truth, again := sample(t, exact.Sampler{}, c.c.Post, n, 100), sample(t, exact.Sampler{}, c.c.Post, n, 200)
		far := w1(t, r.Samples, truth.Samples) / w1(t, again.Samples, truth.Samples)
		t.Logf("%s, %s: %.2f floors; %q", c.c.Name, r.Sampler, far, r.Figures)
		if (far > 3) != c.warns || (len(r.Notes) > 0) != c.warns || !strings.Contains(strings.Join(r.Figures, "\n"), c.by) {
			t.Errorf("%s, %s: %.2f floors, notes %q, figures %q", c.c.Name, r.Sampler, far, r.Notes, r.Figures)
		}
	}
	with, without := sample(t, likelihood, exact.T13(1).Post, 200, 1), sample(t, guide.DPS{Steps: 100, Scaling: guide.Likelihood}, exact.T13(1).Post, 200, 1)
	for i, v := range with.Samples.Data { // another program: the last bits may differ
		if d := math.Abs(float64(v - without.Samples.Data[i])); d > 1e-3 {
			t.Fatalf("value %d is %g with the check, %g without", i, v, without.Samples.Data[i])
		}
	}
	if len(without.Notes)+len(without.Figures) > 0 || without.NetworkEvals != 200*100 || with.NetworkEvals <= without.NetworkEvals {
		t.Errorf("without the check: %d evaluations, notes %q; with it %d", without.NetworkEvals, without.Notes, with.NetworkEvals)
	}
}
