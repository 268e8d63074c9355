package smc

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"odslab/odslib"
)

// archipelago are the islands of one posterior: independent populations of one size. Ẑ is the mean of theirs, and each has that share of
// the weight which it has of the sum. What they say of each other needs no genealogy (Whiteley, Lee & Heine 2016; Vergé et al. 2015).
type archipelago []*population

func (a archipelago) alive() bool {
	return slices.ContainsFunc(a, func(p *population) bool { return p.w != nil })
}

// logZ is log Ẑ so far; an island that has died counts as 0.
func (a archipelago) logZ() float64 {
	if len(a) == 1 {
		return a[0].logZ()
	}
	return floats.LogSumExp(a.logZs()) - math.Log(float64(len(a)))
}

func (a archipelago) logZs() []float64 {
	logs := make([]float64, len(a))
	for i, p := range a {
		logs[i] = p.logZ()
	}
	return logs
}

// shares are Ẑ_i/ΣẐ.
func (a archipelago) shares() []float64 {
	if len(a) == 1 {
		return []float64{1}
	}
	return odslib.NormalisedWeights(a.logZs())
}

// weights are those of all particles, which sum to one.
func (a archipelago) weights() []float64 {
	if len(a) == 1 {
		return a[0].w
	}
	var out []float64
	for i, share := range a.shares() {
		for j := range a[i].logw {
			w := 0.
			if a[i].w != nil {
				w = share * a[i].w[j]
			}
			out = append(out, w)
		}
	}
	return out
}

func (a archipelago) ess() float64 { return ess(a.weights()) }

// each is what every island says of itself; nil where there is but one.
func (a archipelago) each(rule Resampling) (out []odslib.Island) {
	if len(a) == 1 {
		return nil
	}
	for _, p := range a {
		said := odslib.Island{LogZ: p.logZ(), LogZError: math.NaN()}
		if p.w != nil {
			said.ESS, said.LogZError = p.ancestry(rule)
		}
		out = append(out, said)
	}
	return out
}

// said is what all say together. One island knows its error by its genealogy alone; of several it is measured between them, and two errors are
// made to hold as much as the t-interval of so few values does, and of a skewed Ẑ.
func (a archipelago) said(rule Resampling, draws int, res *odslib.Result) odslib.Island {
	out := odslib.Island{Draws: draws, LogZ: a.logZ()}
	if len(a) == 1 {
		out.ESS, out.LogZError = a[0].ancestry(rule)
		return out
	}
	m, squares, own, families := float64(len(a)), 0., 0., []float64{}
	for i, share := range a.shares() {
		if a[i].w == nil {
			families = append(families, make([]float64, len(a[i].logw))...)
		} else {
			for _, s := range a[i].families() {
				families = append(families, share*s)
			}
			ess, se := a[i].genealogy(rule)
			squares += share * share / ess
			own += share * share * se * se
		}
	}
	out.ESS = 1 / squares
	between := a.between()
	out.LogZError = math.Sqrt(between) * tOf(len(a)) * skewed(families)
	if own > 0 { // not NaN, which is all that single particles know
		res.Figure("%d islands: log Z ± %.3g by their spread (%.3g times that for so few), ± %.3g by their genealogies", len(a), math.Sqrt(between), tOf(len(a)), math.Sqrt(own))
		ratio, law := between/own, distuv.ChiSquared{K: m - 1}
		for _, far := range []struct {
			is    bool
			words string
		}{
			{ratio > law.Quantile(1-rare)/(m-1), "each misses something that others have, and all may; take more Particles"},
			{ratio < law.Quantile(rare)/(m-1), "what the genealogies say is too much here"},
		} {
			if far.is {
				res.Note("log Z of %d islands differs from one to another as ± %.3g has it, by their genealogies it would be ± %.3g: %s", len(a), math.Sqrt(between), math.Sqrt(own), far.words)
			}
		}
	}
	return out
}

// between is the relative variance of Ẑ by the spread of the islands'. In the limit log Ẑ_i is normal (Bérard, Del Moral & Doucet 2014), and so
// the spread s² of logs, which sees what a few values of a skewed Ẑ_i do not, makes it (e^{s²}−1)/M. Where islands have died, it is that of the values.
func (a archipelago) between() float64 {
	m := float64(len(a))
	if variance := stat.Variance(a.logZs(), nil); !math.IsNaN(variance) {
		return math.Expm1(variance) / m
	}
	v := stat.Variance(a.shares(), nil) // their mean is 1/m
	return v * m
}

// lost says that of what an effective ess first particles are left, each island has fewer than it takes to know its own error, and they are next to none
// of those that it began with: what all of them have missed, their spread does not show.
func (a archipelago) lost(ess float64) bool {
	m, k := float64(len(a)), float64(len(a[0].logw))
	return m > 1 && ess/m < fewFamilies && ess/(m*k) < nextToNone
}

const nextToNone = .05

// rare is how often islands that are right are said to disagree, at each end.
const rare = .0005

// tOf is by how much two errors must be longer than those of a normal law to hold as much of the mean of m values.
func tOf(m int) float64 {
	two := distuv.UnitNormal.CDF(2)
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(m - 1)}.Quantile(two) / 2
}
