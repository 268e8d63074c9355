package main

import (
	"math"
	"math/rand/v2"

	"odslab/odslib"
	"odslab/odslib/datasets"
	"odslab/odslib/engine"
)

// sixD is a mixture of two Gaussians in six variables, with log-weights ~ N(0, ½²) that favour nothing.
func sixD(n int, seed uint64) *odslib.Result {
	r := rand.New(rand.NewPCG(seed, 0))
	res := odslib.NewResult(odslib.Posterior{}, "posterior", nil, seed)
	var rows [][]float64
	for range n {
		z := make([]float64, 6)
		for i := range z {
			z[i] = r.NormFloat64()
		}
		if r.Float64() < .62 {
			rows = append(rows, []float64{1 + .62*z[0], -.5 + .38*(.85*z[0]+.53*z[1]), 1.9 + .8*z[2], .05 - .25*z[2] + .42*z[3], -1.5 + .42*z[4], .5 + .95*z[5]})
		} else {
			rows = append(rows, []float64{-1.5 + .4*z[0], 1.5 - .35*z[0] + .4*z[1], 1 + .5*z[2], 2.5 + .4*z[3], -1 + .42*z[4], .45 + .9*z[5]})
		}
		res.LogWeights = append(res.LogWeights, r.NormFloat64()/2)
	}
	res.Samples = engine.FromRows(rows)
	return res
}

func gaussian(n, d int, sd float64, seed uint64) odslib.Array {
	r := rand.New(rand.NewPCG(seed, 0))
	a := engine.NewArray(n, d)
	for i := range a.Data {
		a.Data[i] = float32(sd * r.NormFloat64())
	}
	return a
}

// modes25 are the 25 Gaussians of variance .3 on a grid, and modes9 the nine that a reward keeps, with their weights.
func modes25() (means [][2]float64, weights []float64) {
	for _, x := range []float64{-10, -5, 0, 5, 10} {
		for _, y := range []float64{-10, -5, 0, 5, 10} {
			means, weights = append(means, [2]float64{x, y}), append(weights, 1./25)
		}
	}
	return means, weights
}

func modes9() (means [][2]float64, weights []float64) {
	means = [][2]float64{{-10, -5}, {-5, -10}, {-5, 0}, {10, -5}, {0, 0}, {0, 5}, {5, -5}, {5, 0}, {5, 10}}
	weights = []float64{4, 10, 4, 5, 10, 5, 4, 15, 4}
	total := 0.
	for _, w := range weights {
		total += w
	}
	for i := range weights {
		weights[i] /= total
	}
	return means, weights
}

const variance = .3

func logMixture(means [][2]float64, weights []float64) func(x, y float64) float64 {
	return func(x, y float64) float64 {
		s := 0.
		for i, m := range means {
			s += weights[i] * math.Exp(-((x-m[0])*(x-m[0])+(y-m[1])*(y-m[1]))/2/variance)
		}
		return math.Log(s) - math.Log(2*math.Pi*variance)
	}
}

func mixture(name string, n int, seed uint64, means [][2]float64, weights []float64) *odslib.Result {
	r := rand.New(rand.NewPCG(seed, 0))
	res := odslib.NewResult(odslib.Posterior{}, name, nil, seed)
	var rows [][]float64
	for range n {
		u, k := r.Float64(), 0
		for u > weights[k] && k < len(weights)-1 {
			u -= weights[k]
			k++
		}
		rows = append(rows, []float64{means[k][0] + math.Sqrt(variance)*r.NormFloat64(), means[k][1] + math.Sqrt(variance)*r.NormFloat64()})
	}
	res.Samples = engine.FromRows(rows)
	return res
}

// banana is a curved density in two variables, shifted by a bias.
func banana(name string, n int, seed uint64, bias float64) *odslib.Result {
	r := rand.New(rand.NewPCG(seed, 0))
	res := odslib.NewResult(odslib.Posterior{}, name, nil, seed)
	var rows [][]float64
	for range n {
		x := r.NormFloat64()
		rows = append(rows, []float64{x*(1-bias) + bias, .6*x*x - .8 + .35*r.NormFloat64() + bias})
	}
	res.Samples = engine.FromRows(rows)
	return res
}

// ways are straight paths from noise to the nine modes that wobble less and less.
func ways(n, steps int, seed uint64) []odslib.Array {
	r := rand.New(rand.NewPCG(seed, 0))
	means, weights := modes9()
	ends := mixture("", n, seed, means, weights).Samples
	start := gaussian(n, 2, 3, seed+1)
	var out []odslib.Array
	for t := range steps {
		f := float64(t) / float64(steps-1)
		a := engine.NewArray(n, 2)
		for i := range a.Data {
			s := f * f * (3 - 2*f)
			a.Data[i] = float32((1-s)*float64(start.Data[i]) + s*float64(ends.Data[i]) + .35*(1-f)*r.NormFloat64())
		}
		out = append(out, a)
	}
	return out
}

func ways1(n, steps int, seed uint64) []odslib.Array {
	r := rand.New(rand.NewPCG(seed, 0))
	start := gaussian(n, 1, 1, seed)
	ends := make([]float64, n)
	for i := range ends {
		ends[i] = []float64{-1.5, .3, 2}[r.IntN(3)] + .15*r.NormFloat64()
	}
	var out []odslib.Array
	for t := range steps {
		f := float64(t) / float64(steps-1)
		a := engine.NewArray(n, 1)
		for i := range a.Data {
			a.Data[i] = float32(math.Sqrt(1-f*f)*float64(start.Data[i]) + f*ends[i] + .1*(1-f)*r.NormFloat64())
		}
		out = append(out, a)
	}
	return out
}

// particles is the trace of a particle sampler that resamples at one half.
func particles(name string, n int, seed uint64) *odslib.Result {
	r := rand.New(rand.NewPCG(seed, 7))
	res := odslib.NewResult(odslib.Posterior{}, name, nil, seed)
	ess, logZ := 1., 0.
	for t := range n {
		ess *= 1 - .12*r.Float64()*math.Exp(-float64(t)/60)
		logZ += .02 * r.NormFloat64()
		step := odslib.TraceStep{Step: t + 1, ESS: ess, LogZ: logZ - .3*math.Exp(-float64(t)/15), Resampled: ess < .5}
		res.Trace = append(res.Trace, step)
		if step.Resampled {
			ess = .98
		}
	}
	return res
}

func losses(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 9))
	out := make([]float64, n)
	for i := range out {
		out[i] = (2*math.Exp(-6*float64(i)/float64(n)) + .02) * math.Exp(.4*r.NormFloat64())
	}
	return out
}

func slow(n int, seed uint64) []float64 {
	out := losses(n, seed)
	for i := range out {
		out[i] = .3 + .5*out[i]
	}
	return out
}

// digits are real 8×8 digits with values in 0..1.
func digits(n int) odslib.Array {
	return datasets.Digits().X.Slice(0, n)
}
