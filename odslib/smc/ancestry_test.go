package smc

import (
	"context"
	"math"
	"os"
	"testing"
	"time"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/exact"
	"odslab/odslib/priors"
	"odslab/odslib/twist"
)

// TestErrorOfLogZ: over 2,000 runs the truth, log Z_T, lies within two of a run's own errors in 93 to 97 % of the runs that do
// not say that their error is a lower bound. Binomial noise of a share of .95 in 2,000 is .005, so the margins leave four of it
// to what an estimate from one run can be. Of islands it does so by ODSLAB_GATES=1; else 120 runs look for what is far off.
func TestErrorOfLogZ(t *testing.T) {
	long(t)
	const steps = 20
	islands := 120
	if os.Getenv("ODSLAB_GATES") != "" {
		islands = 2000
	}
	nineZ, _ := chainEvidence(steps)
	forbidden := host(func(x []float32) float64 {
		if x[0] < 1 {
			return math.Inf(-1)
		}
		return 0
	})
	for _, c := range []struct {
		name  string
		core  feynmanKac
		post  odslib.Posterior
		logZT float64
		runs  int
	}{
		{"one measurement, TDS", TDS{Particles: 100, Steps: steps}.core(), exact.T13(1).Post, exact.T13(1).LogZ, 2000},
		{"one measurement, bootstrap", Bootstrap{Particles: 100, Steps: steps}.core(), exact.T13(1).Post, exact.T13(1).LogZ, 2000},
		{"nine modes", Bootstrap{Particles: 200, Steps: steps}.core(), nine(), nineZ, 2000},
		{"nine modes, multinomial", Bootstrap{Particles: 200, Steps: steps, Resampling: Multinomial}.core(), nine(), nineZ, 2000},
		{"half of a plane", Bootstrap{Particles: 200, Steps: steps}.core(), odslib.Given(priors.Gaussian([]float64{0, 0}, 1), forbidden), math.Log(.15865525), 2000},
		{"tilt, importance sampling", Bootstrap{Particles: 200, Steps: steps, Potential: Terminal}.core(), exact.T12(2, 1).Post, .5, 2000},
		{"far tilt, importance sampling", Bootstrap{Particles: 200, Steps: steps, Potential: Terminal}.core(), exact.T12(2, 1.5).Post, 1.125, 2000},
		{"one measurement, 2 islands", TDS{Particles: 50, Islands: 2, Steps: steps}.core(), exact.T13(1).Post, exact.T13(1).LogZ, islands},
		{"one measurement, 4 islands", TDS{Particles: 50, Islands: 4, Steps: steps}.core(), exact.T13(1).Post, exact.T13(1).LogZ, islands},
		{"nine modes, 4 islands", Bootstrap{Particles: 200, Islands: 4, Steps: steps}.core(), nine(), nineZ, islands},
		{"nine modes, 16 islands", Bootstrap{Particles: 50, Islands: 16, Steps: steps}.core(), nine(), nineZ, islands},
		{"half of a plane, 8 islands", Bootstrap{Particles: 60, Islands: 8, Steps: steps}.core(), odslib.Given(priors.Gaussian([]float64{0, 0}, 1), forbidden), math.Log(.15865525), islands},
		{"far tilt, importance sampling, 16 islands", Bootstrap{Particles: 20, Steps: steps, Islands: 16, Potential: Terminal}.core(), exact.T12(2, 1.5).Post, 1.125, islands},
		{"farther tilt, 16 islands", Bootstrap{Particles: 20, Steps: steps, Islands: 16}.core(), exact.T12(2, 2).Post, 2, islands},
		{"sharp tempered, 8 islands", Bootstrap{Particles: 200, Steps: steps, Islands: 8, Twist: twist.Tempered{}}.core(), odslib.Given(priors.Gaussian([]float64{0, 0}, 1),
			constraint.Gaussian{A: constraint.Matrix{{1, 0}}, Y: []float64{.7}, Sigma: .1}), -.5*.49/1.01 - .5*math.Log(2*math.Pi*1.01), islands},
		{"sharp tempered", Bootstrap{Particles: 200, Steps: steps, Twist: twist.Tempered{}}.core(), odslib.Given(priors.Gaussian([]float64{0, 0}, 1),
			constraint.Gaussian{A: constraint.Matrix{{1, 0}}, Y: []float64{.7}, Sigma: .1}), -.5*.49/1.01 - .5*math.Log(2*math.Pi*1.01), 200},
		{"point twist on nine modes", Bootstrap{Particles: 200, Steps: steps, Twist: twist.Point{}}.core(), nine(), nineZ, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := c.core.open(c.post, 1, 0)
			if err != nil {
				t.Fatal(err)
			}
			within, said, warned, noted, ess := 0, 0., 0, 0, 0.
			var ratio []float64
			for seed := range uint64(c.runs) {
				r := o.begin(nil, time.Now(), seed)
				r.owner = false
				res, err := r.finish(context.Background())
				r.Close()
				if err != nil || res.LogZAtLeast {
					warned++
					continue
				}
				said += res.LogZError
				noted += len(res.Notes)
				ess += res.ESS
				ratio = append(ratio, res.LogZ)
				if math.Abs(res.LogZ-c.logZT) <= 2*res.LogZError {
					within++
				}
			}
			o.close()
			spoke := c.runs - warned
			_, sd := moments(ratio)
			share := float64(within) / float64(spoke)
			t.Logf("%s: %.1f %% within two errors, %d of %d say that they do not know; said ± %.3f, runs differ by %.3f; %d notes, ESS %.0f", c.name, 100*share, warned, c.runs, said/float64(spoke), sd, noted, ess/float64(spoke))
			// Four errors of a share of fewer runs.
			noise := 4 * (math.Sqrt(.95*.05/float64(c.runs)) - math.Sqrt(.95*.05/2000))
			if spoke > c.runs/10 && (share < .93-noise || share > .97+noise) {
				t.Errorf("%s: the truth lies within two errors in %.1f %% of the runs", c.name, 100*share)
			}
		})
	}
}
