package smc

import (
	"fmt"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/priors"
)

// TestGuidedProposalIsUnbiased: the core carries the gradient along and corrects for the proposal.
func TestGuidedProposalIsUnbiased(t *testing.T) {
	long(t)
	const k, runs, steps = 16, 200, 20
	nineZ, _ := chainEvidence(steps)
	tilt, tiltZ := tilted(steps)
	for name, c := range map[string]struct {
		post odslib.Posterior
		want float64
	}{"nine": {nine(), nineZ}, "tilt": {tilt, tiltZ}} {
		evidence := func(proposal Proposal) float64 {
			core := Bootstrap{Particles: k, Steps: steps}.core()
			core.proposal = proposal
			r, err := core.open(c.post, 1, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer r.close()
			return unbiased(t, fmt.Sprintf("%s, %T", name, proposal), r, c.want, runs)
		}
		if sd, plain := evidence(TwistedStep{}), evidence(OwnStep{}); sd > plain {
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
