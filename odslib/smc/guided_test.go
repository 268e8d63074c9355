package smc

import (
	"math"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/priors"
)

// TestGuidedProposalIsUnbiased: the core carries the gradient along and corrects for the proposal.
func TestGuidedProposalIsUnbiased(t *testing.T) {
	const k, runs, steps = 16, 200, 20
	evidence := func(post odslib.Posterior, proposal Proposal, want float64) (mean, se, sd float64) {
		core := Bootstrap{Particles: k, Chain: diffusion.Chain{Steps: steps}}.core()
		core.proposal = proposal
		r, err := core.open(post, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer r.close()
		var ratios []float64
		for seed := range uint64(runs) {
			ratios = append(ratios, math.Exp(drawn(t, r, seed).LogZ-want))
		}
		mean, sd = moments(ratios)
		return mean, sd / math.Sqrt(runs), sd
	}
	nineZ, _ := chainEvidence(steps)
	tilt, tiltZ := tilted(steps)
	for name, c := range map[string]struct {
		post odslib.Posterior
		want float64
	}{"nine": {nine(), nineZ}, "tilt": {tilt, tiltZ}} {
		mean, se, sd := evidence(c.post, TwistedStep{}, c.want)
		_, _, plain := evidence(c.post, OwnStep{}, c.want)
		t.Logf("%s: mean of Ẑ/Z_T %.3f ± %.3f; standard deviation %.3f, by the prior's kernel %.3f", name, mean, se, sd, plain)
		if math.Abs(mean-1) > 3*se {
			t.Errorf("%s: mean of Ẑ/Z_T is %.3f ± %.3f", name, mean, se)
		}
		if sd > plain {
			t.Errorf("%s: guidance made the evidence noisier, %.3f from %.3f", name, sd, plain)
		}
	}
}

// TestGuidedNeedsAGradient: a reward on the host has none.
func TestGuidedNeedsAGradient(t *testing.T) {
	core := Bootstrap{}.core()
	core.proposal = TwistedStep{}
	if _, err := core.open(odslib.Given(priors.Gaussian([]float64{0, 0}, 1), hostReward{}), 1, 0); err == nil {
		t.Error("a host reward was taken")
	}
	if _, err := core.open(odslib.Given(priors.Gaussian([]float64{0}, 1), nil), 1, 0); err == nil {
		t.Error("guidance without a constraint was taken")
	}
	core.potential = Terminal
	if _, err := core.open(odslib.Given(priors.Gaussian([]float64{0}, 1), constraint.Tilt{Linear: []float64{1}}), 1, 0); err == nil {
		t.Error("guidance without a twist was taken")
	}
}
