package guide_test

import (
	"slices"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
)

// TestCheck: a Result that is more than three floors from the posterior warns, one within one and a half does not, and neither knows
// the truth; whatever it says, the draws are the same bits without it.
func TestCheck(t *testing.T) {
	if testing.Short() {
		t.Skip("statistics")
	}
	const n = 1000
	likelihood := guide.DPS{Steps: 100, Scaling: guide.Likelihood}
	wide := guide.DPS{Steps: 100, Scaling: guide.Likelihood, ErrorAt: diffusion.VPLinear{}.Sigma}
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
		{exact.T13(1), guide.PiGDM{}, false, "weights"},
		{exact.T13(2), guide.TMPD{}, false, "weights"},
		{exact.T13(2), guide.SplitGibbs{}, false, "Metropolis"}, // has no path
		{exact.T6(), likelihood, false, "Metropolis"},
		{exact.T12(2, 1), guide.Plain{}, true, "weights"},
		{t2(3), wide, true, "weights"},
		{t2(2), guide.DiffPIR{}, true, "Metropolis"},
	} {
		r := sample(t, c.s, c.c.Post, n, 1)
		truth, again := sample(t, exact.Sampler{}, c.c.Post, n, 100), sample(t, exact.Sampler{}, c.c.Post, n, 200)
		far := w1(t, r.Samples, truth.Samples) / w1(t, again.Samples, truth.Samples)
		t.Logf("%s, %s: %.2f floors; %q", c.c.Name, r.Sampler, far, r.Figures)
		if (far > 3) != c.warns || (len(r.Notes) > 0) != c.warns || !strings.Contains(strings.Join(r.Figures, "\n"), c.by) {
			t.Errorf("%s, %s: %.2f floors, notes %q, figures %q", c.c.Name, r.Sampler, far, r.Notes, r.Figures)
		}
	}
	with, without := sample(t, likelihood, exact.T13(1).Post, 200, 1), sample(t, guide.DPS{Steps: 100, Scaling: guide.Likelihood, NoCheck: true}, exact.T13(1).Post, 200, 1)
	if !slices.Equal(with.Samples.Data, without.Samples.Data) || len(without.Notes)+len(without.Figures) > 0 || without.NetworkEvals != 200*100 {
		t.Errorf("without the check: %d evaluations, notes %q, or other draws", without.NetworkEvals, without.Notes)
	}
}
