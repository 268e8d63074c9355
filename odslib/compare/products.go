package compare

import (
	"math"

	"odslab/odslib"
	"odslab/odslib/exact"
	"odslab/odslib/priors"
	"odslab/odslib/smc"
)

// products are the cases of smc.Product: two mixtures, and one squared.
func products() (two, square exact.Case) {
	a := priors.Isotropic(nil, [][]float64{{-2, 0}, {2, 0}}, .5)
	b := priors.Isotropic([]float64{.4, .6}, [][]float64{{2, 1}, {-1, -1}}, .8)
	two = productCase("product", "two mixtures, multiplied", a, b, .5, .8)
	two.Post = odslib.Given(smc.Product{{Prior: a, Power: 1}, {Prior: b, Power: 1}}, nil)
	c := priors.Isotropic([]float64{.3, .7}, [][]float64{{-2, 0}, {1, 1}}, .4)
	square = productCase("square", "a mixture, squared", c, c, .4, .4)
	square.Post = odslib.Given(smc.Annealed(c, 2), nil)
	return two, square
}

// productCase is the answer for the product of two mixtures of variances v and w: a mixture again, with a component for each pair.
func productCase(name, about string, a, b *priors.Mixture, v, w float64) exact.Case {
	var weights []float64
	var means [][]float64
	z, d := 0., float64(a.Shape()[0])
	for i, m := range a.Means {
		for j, n := range b.Means {
			apart, mean := 0., make([]float64, len(m))
			for k := range m {
				apart += (m[k] - n[k]) * (m[k] - n[k])
				mean[k] = (w*m[k] + v*n[k]) / (v + w)
			}
			p := a.Probabilities()[i] * b.Probabilities()[j] * math.Exp(-.5*apart/(v+w)-.5*d*math.Log(2*math.Pi*(v+w)))
			z += p
			weights, means = append(weights, p), append(means, mean)
		}
	}
	return exact.Case{Name: name, About: about, LogZ: math.Log(z), Answer: priors.Isotropic(weights, means, v*w/(v+w))}
}
