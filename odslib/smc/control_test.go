package smc

import (
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/priors"
	"odslab/odslib/twist"
)

// TestControl: with the fitted drift the mean of Ẑ/Z is 1 all the same, and its variance a fraction of that without: of annealed Gaussians,
// whose reverse steps are exact, so that Z is known for the chain. Under a twist it stays right and gains nothing here. The nine modes have margin for 100 steps.
func TestControl(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	const v, runs = .6, 30
	p := priors.Gaussian([]float64{1, -2}, v)
	y := constraint.Gaussian{A: constraint.Matrix{{1, 1}}, Y: []float64{0}, Sigma: .5}
	under := powerOfNormal(.5, v, 2) - .5/(.25+4*v) - .5*math.Log(2*math.Pi*(.25+4*v))
	for _, c := range []struct {
		name  string
		core  func(control bool) feynmanKac
		post  odslib.Posterior
		logZ  float64
		least float64 // variance without over variance with
		off   float64
	}{
		{"p²", func(control bool) feynmanKac {
			return Bootstrap{Particles: 500, Steps: 50, Control: control}.core()
		}, odslib.Given(Annealed(p, 2), nil), powerOfNormal(2, v, 2), 3, 0},
		{"p^½", func(control bool) feynmanKac {
			return Bootstrap{Particles: 500, Steps: 50, Control: control}.core()
		}, odslib.Given(Annealed(p, .5), nil), powerOfNormal(.5, v, 2), 2, 0},
		{"p^½ under a measurement", func(control bool) feynmanKac {
			return TDS{Particles: 500, Steps: 50, Control: control}.core()
		}, odslib.Given(Annealed(p, .5), y), under, 0, 0},
		{"nine", func(control bool) feynmanKac {
			return TDS{Particles: 400, Steps: 100, Twist: twist.Tempered{}, Control: control}.core()
		}, nine(), -1.4397, 0, .08},
	} {
		var variance [2]float64
		for i := range variance {
			o, err := c.core(i == 1).open(c.post, 1, 0)
			if err != nil {
				t.Fatal(err)
			}
			var ratios []float64
			for seed := range uint64(runs) {
				ratios = append(ratios, math.Exp(drawn(t, o, seed).LogZ-c.logZ))
			}
			o.close()
			mean, sd := moments(ratios)
			variance[i] = sd * sd
			t.Logf("%s, control %v: mean of Ẑ/Z %.3f ± %.3f, relative variance %.4f", c.name, i == 1, mean, sd/math.Sqrt(runs), sd*sd)
			if i == 1 && math.Abs(mean-1) > 3*sd/math.Sqrt(runs)+c.off {
				t.Errorf("%s: mean of Ẑ/Z %.3f ± %.3f", c.name, mean, sd/math.Sqrt(runs))
			}
		}
		if variance[0] < c.least*variance[1] {
			t.Errorf("%s: the control brings the variance from %.4f to %.4f", c.name, variance[0], variance[1])
		}
	}
}

// TestControlRefusals: one line each.
func TestControlRefusals(t *testing.T) {
	for _, c := range []struct {
		core feynmanKac
		post odslib.Posterior
		want string
	}{
		{Bootstrap{Control: true}.core(), nine(), "needs the gradient of the twist"},
		{Bootstrap{Control: true}.core(), odslib.Given(shiftless{}, nil), "shifts Gaussian steps"},
	} {
		_, err := c.core.open(c.post, 1, 1)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want one line with %q", err, c.want)
		}
	}
}

// shiftless is a process whose noising step nobody knows.
type shiftless struct{ odslib.Process }

func (shiftless) Shape() []int { return []int{2} }
