package mcmc_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/exact"
	"odslab/odslib/mcmc"
	"odslab/odslib/priors"
)

// TestNUTSOnScales: directions whose widths differ thirtyfold are right by the effective size, and the trees are as long as the
// widest asks for; trees that may not grow say so.
func TestNUTSOnScales(t *testing.T) {
	if testing.Short() {
		t.Skip("statistics of chains")
	}
	prior := priors.Gaussian(make([]float64, 8), 1)
	post := odslib.Given(prior, constraint.Gaussian{A: constraint.Matrix{{1, 0, 0, 0, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 0, 0, 0}}, Y: []float64{.5, -1}, Sigma: .033})
	w := mcmc.Walkers{Chains: 50, Burn: 100, Thin: 1}
	res, err := mcmc.NUTS{Walkers: w}.Sample(context.Background(), post, 3000, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v, figures %q, notes %q", res, res.Figures, res.Notes)
	if res.ESS < 500 || len(res.Notes) > 0 || !strings.Contains(strings.Join(res.Figures, "\n"), "gradients a move") {
		t.Errorf("%v, figures %q, notes %q", res, res.Figures, res.Notes)
	}
	shrink := 1 / (1 + .033*.033)
	mean, std := []float64{.5 * shrink, -shrink, 0, 0, 0, 0, 0, 0}, []float64{.033 * math.Sqrt(shrink), .033 * math.Sqrt(shrink), 1, 1, 1, 1, 1, 1}
	for j := range mean { // four and a half errors by the effective size
		if off := math.Abs(res.Mean()[j]-mean[j]) / std[j]; off > 4.5/math.Sqrt(res.ESS) {
			t.Errorf("mean of x_%d off by %.3f deviations, ESS %.0f", j, off, res.ESS)
		}
		if off := math.Abs(res.Std()[j]/std[j] - 1); off > 4.5/math.Sqrt(2*res.ESS) {
			t.Errorf("deviation of x_%d off by %.3f, ESS %.0f", j, off, res.ESS)
		}
	}
	short, err := mcmc.NUTS{Walkers: w, Depth: 2}.Sample(context.Background(), post, 500, 1)
	if err != nil || !strings.Contains(strings.Join(short.Notes, "\n"), "larger Depth") {
		t.Errorf("trees of three steps: %v, notes %q", err, short.Notes)
	}
	if _, err := (mcmc.NUTS{Depth: -1}).Sample(context.Background(), post, 5, 1); err == nil {
		t.Error("a negative Depth was taken")
	}
}

// BenchmarkPerGradient is the effective size that a thousand gradients buy, of NUTS and of HMC as they come, on T10, T11 and T13.
//
//	go test ./odslib/mcmc -run '^$' -bench PerGradient -benchtime 1x
func BenchmarkPerGradient(b *testing.B) {
	for _, c := range []exact.Case{exact.T10(), exact.T11(16), exact.T13(2)} {
		for name, s := range map[string]odslib.Sampler{
			"HMC":  mcmc.HMC{Walkers: mcmc.Walkers{Chains: 100, Burn: 200, Thin: 1}},
			"NUTS": mcmc.NUTS{Walkers: mcmc.Walkers{Chains: 100, Burn: 200, Thin: 1}},
		} {
			b.Run(c.Name+"/"+name, func(b *testing.B) {
				ess, evals, seconds := 0., 0., 0.
				for b.Loop() {
					res, err := s.Sample(context.Background(), c.Post, 10000, 1)
					if err != nil {
						b.Fatal(err)
					}
					ess, evals, seconds = ess+res.ESS, evals+float64(res.ConstraintEvals), seconds+res.Seconds
				}
				b.ReportMetric(1000*ess/evals, "ESS/1000grad")
				b.ReportMetric(ess/seconds, "ESS/s")
			})
		}
	}
}
