package priors

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"

	"odslab/odslib"
)

var (
	_ odslib.Conjugate       = InverseCDF{}
	_ odslib.ConjugateInside = InverseCDF{}
)

// maxProduct bounds the components of a product mixture.
const maxProduct = 4096

// Product is the law of x as a mixture over all coordinates together: K^Dim components.
func (c InverseCDF) Product() (*Mixture, error) {
	if err := c.Err(); err != nil {
		return nil, err
	}
	k, d := len(c.Means), c.Shape()[0]
	if math.Pow(float64(k), float64(d)) > maxProduct {
		return nil, fmt.Errorf("%w: the product of %d hills in %d dimensions has more than %d components", odslib.ErrNoClosedForm, k, d, maxProduct)
	}
	line := c.line().Probabilities()
	m := &Mixture{Weights: []float64{1}, Means: [][]float64{{}}, Variances: [][]float64{{}}}
	for range d {
		next := &Mixture{}
		for i := range m.Means {
			for j := range k {
				next.Weights = append(next.Weights, m.Weights[i]*line[j])
				next.Means = append(next.Means, append(append([]float64{}, m.Means[i]...), c.Means[j]))
				next.Variances = append(next.Variances, append(append([]float64{}, m.Variances[i]...), c.Variances[j]))
			}
		}
		m = next
	}
	return m, nil
}

// Exact is the posterior of x under a quadratic constraint, a mixture.
func (c InverseCDF) Exact(con odslib.Constraint) (odslib.Prior, float64, error) {
	m, err := c.Product()
	if err != nil {
		return nil, 0, err
	}
	return m.Exact(con)
}

// ExactInside is the posterior of the noise: that of x, seen through z = Φ⁻¹(F(x)).
func (c InverseCDF) ExactInside(con odslib.Constraint) (odslib.Prior, float64, error) {
	x, logZ, err := c.Exact(con)
	if err != nil {
		return nil, 0, err
	}
	return noiseOf{x, c}, logZ, nil
}

// noiseOf is the law of z where F⁻¹(Φ(z)) has the law of the prior.
type noiseOf struct {
	odslib.Prior
	of InverseCDF
}

// Sample implements odslib.Prior.
func (p noiseOf) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	x, err := p.Prior.Sample(ctx, n, seed)
	line := p.of.quantiles()
	for i, v := range x.Data {
		below, above, _ := line.cdf(float64(v))
		if below < .5 {
			x.Data[i] = float32(mathext.NormalQuantile(below))
		} else {
			x.Data[i] = float32(-mathext.NormalQuantile(above))
		}
	}
	return x, err
}

// String names the law.
func (p noiseOf) String() string { return fmt.Sprintf("noise of a %v", p.Prior) }
