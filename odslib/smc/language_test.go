package smc

import (
	"math"
	"os"
	"testing"

	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/baseline"
	"odslab/odslib/exact"
	"odslab/odslib/measure"
	"odslab/odslib/twist"
)

// TestLanguage: particles on the enumerable cases of language. Each run's log Ẑ is within three of its errors of log Z, and the
// weighted marginals of the runs together are within four standard errors of the exact ones. In CI L4 alone, twice;
//
//	ODSLAB_GATES=5 go test ./odslib/smc -run TestLanguage -v
//
// takes all cases and five runs.
func TestLanguage(t *testing.T) {
	long(t)
	cases, runs := []exact.Case{exact.L4()}, uint64(2)
	if os.Getenv("ODSLAB_GATES") != "" {
		cases, runs = []exact.Case{exact.L1(), exact.L2(), exact.L3(), exact.L4(), exact.L5()}, 5
	}
	for _, c := range cases {
		q, logZ, err := c.Post.Exact()
		if err != nil {
			t.Fatal(err)
		}
		want := q.(exact.Sequences).Marginals()
		for _, m := range []struct {
			name    string
			sampler odslib.Sampler
		}{
			{"bootstrap, terminal", Bootstrap{Particles: 4000, Potential: Terminal}},
			{"bootstrap", Bootstrap{Particles: 4000}},
			{"FK, max", FK{Particles: 4000, Potential: Max}},
			{"TDS", TDS{Particles: 4000}},
			{"best of 4", baseline.BestOf{K: 4}},
		} {
			t.Run(c.Name+" "+m.name, func(t *testing.T) {
				var off, spread []float64
				got, ess := make([][]float64, len(want)), 0.
				for seed := range runs {
					res, err := m.sampler.Sample(t.Context(), c.Post, 1000, seed)
					if err != nil {
						t.Fatal(err)
					}
					off, spread = append(off, res.LogZ-logZ), append(spread, res.LogZError)
					if !(math.Abs(res.LogZ-logZ) <= 3*res.LogZError+.002) {
						t.Errorf("seed %d: log Ẑ − log Z %+.4f ± %.4f", seed, res.LogZ-logZ, res.LogZError)
					}
					marginals, err := measure.TokenMarginals(res.Particles.X, res.Particles.LogWeights, len(want[0]))
					if err != nil {
						t.Fatal(err)
					}
					if res.ESS > 0 {
						ess += res.ESS
					} else { // best of K, whose draws are of no posterior
						ess += measure.ESS(res.Particles.LogWeights)
					}
					for j := range got {
						got[j] = append(got[j], marginals[j]...)
					}
				}
				worst := 0.
				for j := range want {
					for v, p := range want[j] {
						mean := 0.
						for r := range int(runs) {
							mean += got[j][r*len(want[j])+v] / float64(runs)
						}
						worst = max(worst, math.Abs(mean-p)/math.Sqrt(max(p*(1-p), 1e-3)/ess))
					}
				}
				t.Logf("log Ẑ − log Z %+.4f, errors said %.4f, ESS %.0f a run, worst marginal %.1f standard errors", stat.Mean(off, nil), stat.Mean(spread, nil), ess/float64(runs), worst)
				if worst > 4.5 { // of up to 30 marginals
					t.Errorf("a marginal is off by %.1f standard errors", worst)
				}
			})
		}
	}
}

// TestTwistedTokens: the law that the twist's draws suggest is nearer to the posterior's step than the prior's own: more particles
// count in the end, and log Ẑ stays right.
func TestTwistedTokens(t *testing.T) {
	long(t)
	c := exact.L3()
	_, logZ, err := c.Post.Exact()
	if err != nil {
		t.Fatal(err)
	}
	ess := map[bool]float64{}
	for _, guided := range []bool{false, true} {
		var s odslib.Sampler = Bootstrap{Particles: 1000, Twist: twist.Tokens{Draws: 64}}
		if guided {
			s = TDS{Particles: 1000, Twist: twist.Tokens{Draws: 64}}
		}
		for seed := range uint64(3) {
			res, err := s.Sample(t.Context(), c.Post, 100, seed)
			if err != nil {
				t.Fatal(err)
			}
			ess[guided] += res.ESS
			if math.Abs(res.LogZ-logZ) > 3*res.LogZError {
				t.Errorf("guided %v: log Ẑ − log Z %+.3f ± %.3f", guided, res.LogZ-logZ, res.LogZError)
			}
		}
	}
	t.Logf("effective particles of 3000: %.0f by the prior's step, %.0f by the twisted one", ess[false], ess[true])
	if ess[true] < 1.5*ess[false] {
		t.Errorf("the twisted step has %.0f effective particles, the prior's own %.0f", ess[true], ess[false])
	}
}
