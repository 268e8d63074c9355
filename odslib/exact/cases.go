package exact

import (
	"fmt"
	"math"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/priors"
)

// Case is a posterior whose answer is known.
type Case struct {
	Name  string
	About string // one line: prior, constraint, what is hard
	Post  odslib.Posterior
	LogZ  float64 // exact evidence of the continuous problem

	Modes       [][]float64 // centres for hard assignment, nil where modes make no sense
	ModeWeights []float64   // exact posterior mass of each mode

	Answer odslib.Prior // the posterior, where neither prior nor constraint knows it; nil else

	Each *odslib.Posterior // of one coordinate, where all are independent and alike; nil else
}

// T1 is 25 Gaussians → 9: the prior is the grid of 25, the posterior nine of its modes with unequal weights, log Z = 0.
func T1() Case {
	prior := priors.Grid25()
	keep := [][]float64{{-10, -5}, {-5, -10}, {-5, 0}, {10, -5}, {0, 0}, {0, 5}, {5, -5}, {5, 0}, {5, 10}}
	weights := []float64{4, 10, 4, 5, 10, 5, 4, 15, 4}
	for k := range weights {
		weights[k] /= 61
	}
	target := priors.Isotropic(weights, keep, .3)
	return Case{
		Name: "T1", About: "25 Gaussians → 9 with unequal weights",
		Post:  odslib.Given(prior, constraint.DensityRatio{Target: target, Prior: prior}),
		Modes: keep, ModeWeights: weights,
	}
}

// T9 is a density to be sampled from a Gaussian that is wide enough to see all of it: the 25 Gaussians from N(0, 60·I), log Z = 0.
func T9() Case {
	target, reference := priors.Grid25(), priors.Gaussian([]float64{0, 0}, 60)
	return Case{
		Name: "T9 25GMM", About: "25 Gaussians from N(0, 60·I)",
		Post:  odslib.Given(reference, constraint.DensityRatio{Target: target, Prior: reference}),
		Modes: target.Means, ModeWeights: target.Probabilities(),
	}
}

// Sharp is N(0, I) in sixteen dimensions, every value measured as 2 with standard deviation sigma: posterior N(2/(1+σ²), σ²/(1+σ²)·I).
func Sharp(sigma float64) Case {
	const d = 16
	y := make([]float64, d)
	for i := range y {
		y[i] = 2
	}
	v := 1 + sigma*sigma
	return Case{
		Name: fmt.Sprintf("sharp σ=%g", sigma), About: "sixteen values measured as 2",
		Post: odslib.Given(priors.Gaussian(make([]float64, d), 1), constraint.Gaussian{A: constraint.Identity{}, Y: y, Sigma: sigma}),
		LogZ: -.5 * d * (math.Log(2*math.Pi*v) + 4/v),
	}
}

// T6 is nine Gaussians under the quadratic reward log r = −x²/100 − y².
func T6() Case {
	var means [][]float64
	for _, x := range []float64{-4, 0, 4} {
		for _, y := range []float64{-4, 0, 4} {
			means = append(means, []float64{x, y})
		}
	}
	tilt := constraint.Tilt{Precision: []float64{2. / 100, 2}}
	return Case{
		Name: "T6", About: "nine Gaussians under a quadratic reward", LogZ: -1.439687,
		Post: odslib.Given(priors.Isotropic(nil, means, .3), tilt), Modes: means,
		// The six hills off the axis hold 1.5e-5 together.
		ModeWeights: []float64{2.5e-6, .315191, 2.5e-6, 2.5e-6, .369527, 2.5e-6, 2.5e-6, .315191, 2.5e-6},
	}
}

// T10 is an affine generator x = W·z + b of 16 coordinates from 8, six of them measured: exact for outsourced sampling.
func T10() Case {
	w, b := make([][]float64, 16), make([]float64, 16)
	truth := make([]float64, 16)
	for i := range w {
		w[i], b[i] = make([]float64, 8), math.Sin(.5*float64(i))
		truth[i] = b[i]
		for j := range w[i] {
			w[i][j] = math.Cos(float64((i+1)*(j+1))) / math.Sqrt(8)
			truth[i] += w[i][j] * math.Sin(float64(j+1))
		}
	}
	keep, y := make([]bool, 16), []float64{}
	for i := 0; i <= 10; i += 2 {
		keep[i] = true
		y = append(y, truth[i])
	}
	return Case{
		Name: "T10", About: "affine generator, 6 of 16 coordinates measured", LogZ: -5.030087,
		Post: odslib.Given(priors.Affine{W: w, B: b}, constraint.Gaussian{A: constraint.Mask{Keep: keep}, Y: y, Sigma: .1}),
	}
}

// T11 is the inverse-CDF generator of two hills a coordinate, each measured as 0 with error 1: non-linear in its noise.
func T11(d int) Case {
	in := func(d int) odslib.Posterior {
		prior := priors.InverseCDF{Weights: []float64{.3, .7}, Means: []float64{-2, 1.5}, Variances: []float64{.25, .64}, Dim: d}
		return odslib.Given(prior, constraint.Gaussian{A: constraint.Identity{}, Y: make([]float64, d), Sigma: 1})
	}
	one := in(1)
	return Case{
		Name: fmt.Sprintf("T11 d=%d", d), About: "inverse-CDF generator, two hills a coordinate", LogZ: -2.029282 * float64(d),
		Post: in(d), Each: &one,
	}
}

// T12 is N(0, I) in d dimensions under the linear tilt exp(λ·x_1): the posterior is N(λe_1, I), log Z = λ²/2.
func T12(d int, lambda float64) Case {
	a := make([]float64, d)
	a[0] = lambda
	return Case{
		Name: fmt.Sprintf("T12 λ=%g", lambda), About: fmt.Sprintf("linear tilt of N(0,I) in %d dimensions", d),
		Post: odslib.Given(priors.Gaussian(make([]float64, d), 1), constraint.Tilt{Linear: a}), LogZ: lambda * lambda / 2,
	}
}

// T13 is the prior N(0, s²) in two dimensions with one linear measurement.
func T13(s float64) Case {
	c := constraint.Gaussian{A: constraint.Matrix{{1, .5}}, Y: []float64{1.5}, Sigma: .5}
	v := s*s*1.25 + .25
	return Case{
		Name: fmt.Sprintf("T13 s=%g", s), About: "Gaussian prior, one linear measurement",
		Post: odslib.Given(priors.Gaussian([]float64{0, 0}, s*s), c), LogZ: -.5*1.5*1.5/v - .5*math.Log(2*math.Pi*v),
	}
}
