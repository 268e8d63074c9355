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

// descent is a particle sampler's result with its ancestors.
func descent(n, times int, seed uint64) *odslib.Result {
	r := rand.New(rand.NewPCG(seed, 11))
	res := odslib.NewResult(odslib.Posterior{}, "SMC", nil, seed)
	for k := range times {
		w, parents := make([]float64, n), make([]int32, n)
		total := 0.
		for i := range w {
			w[i] = math.Exp(.8 * r.NormFloat64())
			total += w[i]
		}
		u, cum, j := r.Float64(), w[0]/total, 0
		for i := range parents { // systematic
			for cum < (float64(i)+u)/float64(n) && j < n-1 {
				j++
				cum += w[j] / total
			}
			parents[i] = int32(j)
		}
		r.Shuffle(n, func(a, b int) { parents[a], parents[b] = parents[b], parents[a] })
		res.Ancestors = append(res.Ancestors, parents)
		res.Trace = append(res.Trace, odslib.TraceStep{Step: 8*k + 6, Resampled: true})
	}
	res.Trace = append(res.Trace, odslib.TraceStep{Step: 8*times + 2})
	res.Particles = &odslib.Cloud{X: gaussian(n, 1, 1, 1)}
	for range n {
		res.Particles.LogWeights = append(res.Particles.LogWeights, r.NormFloat64())
	}
	return res
}

// ranks are uniform but for the second variable, whose posterior is over-confident.
func ranks(variables, simulations, draws int) [][]int {
	r := rand.New(rand.NewPCG(6, 6))
	out := make([][]int, variables)
	for j := range out {
		for range simulations {
			u := r.Float64()
			if j == 1 {
				u = .5 - .5*math.Cos(math.Pi*u)
			}
			out[j] = append(out[j], int(u*float64(draws+1)))
		}
	}
	return out
}

// simulated are true values of a Gaussian in two variables, and draws of a posterior that is too narrow in the second.
func simulated(n, draws int) (truths odslib.Array, sets []odslib.Array) {
	r := rand.New(rand.NewPCG(9, 9))
	truths = engine.NewArray(n, 2)
	for i := range n {
		set := engine.NewArray(draws, 2)
		for j := range 2 {
			x := r.NormFloat64()
			y := x + .5*r.NormFloat64()
			truths.Row(i)[j] = float32(x)
			mean, sd := y/1.25, math.Sqrt(.2)
			if j == 1 {
				sd *= .7
			}
			for k := range draws {
				set.Row(k)[j] = float32(mean + sd*r.NormFloat64())
			}
		}
		sets = append(sets, set)
	}
	return truths, sets
}

func decays(n int) (t []float64, curves [][]float64) {
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 60 {
		t = append(t, float64(i)/15)
	}
	for range n {
		a, k, b := 1.05+.08*r.NormFloat64(), .75*math.Exp(.15*r.NormFloat64()), .03*r.NormFloat64()
		var c []float64
		for _, x := range t {
			c = append(c, a*math.Exp(-k*x)+b)
		}
		curves = append(curves, c)
	}
	return t, curves
}

// fold is a chain of two helices with a loop, and draws around it.
func fold(n, points int) odslib.Array {
	r := rand.New(rand.NewPCG(8, 8))
	a := engine.NewArray(n, points, 3)
	for i := range n {
		drift := [3]float64{}
		for k := range points {
			t, h := float64(k), float64(points)/2
			x, y, z := 2.3*math.Cos(1.75*t), 2.3*math.Sin(1.75*t), 1.5*t
			if t > h { // the second helix comes back at an angle
				x, y, z = 12+2.3*math.Cos(1.75*t)+.25*(t-h), 4*math.Sin(.4)+2.3*math.Sin(1.75*t)+.3*(t-h), 1.5*h-1.4*(t-h)
			}
			if d := math.Abs(t - h); d < 4 { // the loop between them
				f := (t - h + 4) / 8
				x, y, z = (1-f)*2+f*12, 3*math.Sin(math.Pi*f), 1.5*h+5*math.Sin(math.Pi*f)
			}
			for j, v := range []float64{x, y, z} {
				drift[j] = .9*drift[j] + .35*r.NormFloat64()*min(1, float64(i))
				a.Row(i)[3*k+j] = float32(v + drift[j])
			}
		}
	}
	return a
}

func counts(n int) odslib.Array {
	r := rand.New(rand.NewPCG(2, 2))
	a := engine.NewArray(n, 3)
	for i := range n {
		k := r.IntN(4)
		a.Row(i)[0], a.Row(i)[1] = float32(k), float32(float64(k)+r.NormFloat64())
		if r.Float64() < .1 {
			a.Row(i)[2] = float32(r.ExpFloat64())
		}
	}
	return a
}
