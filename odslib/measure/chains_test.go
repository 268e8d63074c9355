package measure

import (
	"math"
	"testing"
)

// autoregressive makes m chains of n draws x ← ρx + noise; shift moves the first.
func autoregressive(seed uint32, m, n int, rho, shift float64) [][]float64 {
	c := congruential(seed)
	chains := make([][]float64, m)
	for k := range chains {
		x := 0.0
		for range n {
			x = rho*x + (c.u() + c.u() + c.u() + c.u() - 2)
			if y := x; k == 0 {
				chains[k] = append(chains[k], y+shift)
			} else {
				chains[k] = append(chains[k], y)
			}
		}
	}
	return chains
}

func TestChainsArviz(t *testing.T) {
	ties := autoregressive(12, 4, 100, .5, 0)
	for _, c := range ties {
		for i := range c {
			c[i] = math.RoundToEven(c[i])
		}
	}
	for _, c := range []struct {
		name             string
		chains           [][]float64
		rhat, bulk, tail float64
	}{
		{"slow", autoregressive(7, 4, 250, .7, 0), 1.0163821975119764, 208.60458358788722, 331.9227189495892},
		{"apart, odd length", autoregressive(8, 4, 251, .7, 1.5), 1.2875919031585519, 12.002106266505079, 29.421555864070267},
		{"antithetic", autoregressive(9, 2, 400, -.5, 0), 0.998380141446693, 2322.471989593555, 860.6213546493477},
		{"one chain", autoregressive(10, 1, 100, .9, 0), math.NaN(), 8.661555176410138, 26.987728844925215}, // arviz has no R̂ of one chain
		{"short", autoregressive(11, 3, 12, .3, 0), 1.0379235763988903, 38.57049331295958, 41.21052631578948},
		{"ties", ties, 1.00002838549896, 179.03504407990278, 190.34044533105705},
	} {
		rhat, err := RHat(c.chains)
		if err != nil {
			t.Fatal(err)
		}
		if !math.IsNaN(c.rhat) {
			near(t, c.name+": R̂", rhat, c.rhat, 1e-9)
		}
		bulk, err := BulkESS(c.chains)
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.name+": bulk ESS", bulk, c.bulk, 1e-9*c.bulk)
		tail, err := TailESS(c.chains)
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.name+": tail ESS", tail, c.tail, 1e-9*c.tail)
	}
}

// TestBulkESSClosedForm: an AR(1) chain with coefficient ρ has (1−ρ)/(1+ρ)
// effective draws for each draw.
func TestBulkESSClosedForm(t *testing.T) {
	const m, n = 8, 20000
	for _, rho := range []float64{-.4, 0, .5, .9} {
		got, err := BulkESS(autoregressive(1, m, n, rho, 0))
		if err != nil {
			t.Fatal(err)
		}
		want := m * n * (1 - rho) / (1 + rho)
		near(t, "ESS", got, want, .1*want)
	}
}

func TestChainsRefuse(t *testing.T) {
	for name, f := range map[string]func([][]float64) (float64, error){"RHat": RHat, "BulkESS": BulkESS, "TailESS": TailESS} {
		_, err := f(nil)
		refuses(t, name, err, "no chains")
		_, err = f([][]float64{{1, 2, 3}})
		refuses(t, name, err, "at least 4")
		_, err = f([][]float64{{1, 2, 3, 4}, {1, 2, 3, 4, 5}})
		refuses(t, name, err, "chain 1 has 5")
		_, err = f([][]float64{{1, 2, 3, 4}, {1, 2, math.NaN(), 4}})
		refuses(t, name, err, "draw 2 of chain 1")
		if v, err := f([][]float64{{2, 2, 2, 2}, {2, 2, 2, 2}}); err != nil || !math.IsNaN(v) {
			t.Errorf("%s of equal draws: %v (error %v)", name, v, err)
		}
	}
	if v, err := RHat([][]float64{{1, 1, 1, 1}, {2, 2, 2, 2}}); err != nil || !(v > 10) {
		t.Errorf("chains that stand still apart: R̂ %v (error %v)", v, err)
	}
}
