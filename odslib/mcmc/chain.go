package mcmc

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/measure"
)

// plan is how many chains make how many moves for n draws.
type plan struct{ n, chains, burn, thin, slots int }

// newPlan fills in defaults: 100 chains, or as many as leave each of them four draws, so that R̂ exists.
func newPlan(name string, n, chains, burn, thin int) (plan, error) {
	for what, v := range map[string]int{"Chains": chains, "Burn": burn, "Thin": thin} {
		if v < 0 {
			return plan{}, fmt.Errorf("%s: %s is %d; it must not be negative", name, what, v)
		}
	}
	if chains == 0 {
		chains = min(100, max(1, n/4))
	}
	if burn == 0 {
		burn = 1000
	}
	if thin == 0 {
		thin = 10
	}
	return plan{n: n, chains: chains, burn: burn, thin: thin, slots: (n + chains - 1) / chains}, nil
}

// moves is how many each chain makes: the first draw comes after the burn-in.
func (p plan) moves() int { return p.burn + 1 + (p.slots-1)*p.thin }

// slot is the draw that move m of a chain gives, counting from 1, or -1.
func (p plan) slot(m int) int {
	if m <= p.burn || (m-p.burn-1)%p.thin != 0 {
		return -1
	}
	return (m - p.burn - 1) / p.thin
}

// record is what the chains have given: draws in the order slot by slot, so that any head of them spans all chains.
type record struct {
	plan
	z    odslib.Array // [slots·chains, noise…]
	logR []float64
	have []int // draws of each chain
}

func newRecord(p plan, noise []int) *record {
	return &record{plan: p, z: engine.NewArray(append([]int{p.slots * p.chains}, noise...)...), logR: make([]float64, p.slots*p.chains), have: make([]int, p.chains)}
}

func (r *record) keep(chain, slot int, z []float32, logR float64) {
	i := slot*r.chains + chain
	copy(r.z.Row(i), z)
	r.logR[i] = logR
	r.have[chain] = slot + 1
}

// complete is how many slots every chain has filled.
func (r *record) complete() int {
	least := r.slots
	for _, h := range r.have {
		least = min(least, h)
	}
	return least
}

// finish writes draws and diagnostics to the result. Draws of chains that had not met r > 0 are draws of the prior: their
// weight is 0, and where there are no others there is no result.
func (r *record) finish(t *target, res *odslib.Result) error {
	slots := r.complete()
	n := min(r.n, slots*r.chains)
	if n == 0 {
		return nil
	}
	logWeights, lost := make([]float64, n), 0
	for i := range logWeights {
		if math.IsInf(r.logR[i], -1) {
			logWeights[i] = math.Inf(-1)
			lost++
		}
	}
	if lost == n {
		return fmt.Errorf("no chain met a sample with r > 0 in %d moves of %d chains; take a longer Burn, more Chains, or a reward that falls off instead of ending", r.moves(), r.chains)
	}
	z := r.z.Slice(0, n).Clone()
	x, err := t.out(context.Background(), z) // a few more rows, also of an interrupted run
	if err != nil {
		return err
	}
	res.NetworkEvals += int64(n)
	res.Samples, res.Noise = x, &z
	res.NonFinite += x.NonFinite()
	if err := r.diagnose(slots, res); err != nil {
		return err
	}
	if lost > 0 {
		res.LogWeights = logWeights
		res.ESS = min(res.ESS, float64(n-lost))
		res.Note("%d of %d draws are of chains that had not met r > 0, so they have weight 0: the chains had not found the support; take a longer Burn", lost, n)
	}
	return nil
}

// watched is how many coordinates of the noise are looked at besides log r.
const watched = 64

// notYet is the R̂ beyond which chains of independent draws do not come by chance, 1.05 or more: of a few draws each, halves
// of chains differ by themselves, as F with their degrees of freedom says.
func notYet(chains, draws, quantities int) float64 {
	half, m := float64(draws/2), float64(2*chains)
	f := distuv.F{D1: m - 1, D2: m * (half - 1)}.Quantile(1 - .001/float64(quantities))
	return max(1.05, math.Sqrt((half-1+f)/half))
}

// diagnose says the worst R̂ and the least bulk ESS over log r and the coordinates of the noise.
func (r *record) diagnose(slots int, res *odslib.Result) error {
	if slots < 4 {
		res.Note("%d draws from each of %d chains: too few to tell by R̂ whether they agree; take fewer Chains or more draws", slots, r.chains)
		return nil
	}
	if r.chains == 1 {
		res.Note("one chain: R̂ compares its two halves, and a mode that it has not met shows nowhere; take more Chains")
	}
	worst, least, at := 0., math.Inf(1), "log r"
	for q := -1; q < min(r.z.Dim(), watched); q++ {
		chains := make([][]float64, r.chains)
		for c := range chains {
			chains[c] = make([]float64, slots)
			for s := range slots {
				i := s*r.chains + c
				if q < 0 {
					chains[c][s] = max(r.logR[i], -math.MaxFloat64) // a chain that never found the support
				} else {
					chains[c][s] = float64(r.z.Row(i)[q])
				}
			}
		}
		hat, err := measure.RHat(chains)
		if err != nil {
			return err
		}
		ess, err := measure.BulkESS(chains)
		if err != nil {
			return err
		}
		if hat > worst {
			worst, at = hat, "log r"
			if q >= 0 {
				at = fmt.Sprintf("z[%d]", q)
			}
		}
		if ess < least {
			least = ess
		}
	}
	res.ESS = math.Min(least*float64(res.Samples.Len())/float64(slots*r.chains), float64(res.Samples.Len()))
	res.Figure("R̂ ≤ %.3f (%s) over %d chains of %d draws, bulk ESS ≥ %.0f", worst, at, r.chains, slots, least)
	if worst > notYet(r.chains, slots, min(r.z.Dim(), watched)+1) {
		res.Note("%s: the chains are still apart; take a longer Burn and Thin", res.Figures[len(res.Figures)-1])
	}
	return nil
}
