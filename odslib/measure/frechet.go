package measure

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
)

// Frechet is the squared Fréchet distance of the Gaussians that have mean and covariance of two samples (Dowson & Landau 1982; of
// features of a classifier: Heusel et al. 1706.08500),
//
//	‖m−n‖² + tr(A + B − 2(A^½·B·A^½)^½).
//
// It falls with the number of samples, so it is compared at equal numbers only, beside its [Floor].
func Frechet(a, b odslib.Array) (float64, error) {
	p, q, err := newPair(a, b)
	if err != nil {
		return 0, err
	}
	if p.n < 2 || q.n < 2 {
		return 0, fmt.Errorf("measure: the Fréchet distance needs at least 2 samples on both sides; got %d and %d", p.n, q.n)
	}
	m, covA := p.covariance()
	n, covB := q.covariance()
	out := squared(m, n) + mat.Trace(covA) + mat.Trace(covB)
	root, err := squareRoot(covA)
	if err != nil {
		return 0, err
	}
	var inner mat.Dense
	inner.Product(root, covB, root)
	sym := mat.NewSymDense(p.d, nil)
	for i := range p.d {
		for j := i; j < p.d; j++ {
			sym.SetSym(i, j, (inner.At(i, j)+inner.At(j, i))/2)
		}
	}
	values, _, err := eigen(sym)
	if err != nil {
		return 0, err
	}
	for _, v := range values {
		out -= 2 * math.Sqrt(math.Max(0, v)) // below 0 by rounding alone
	}
	return math.Max(0, out), nil
}

// covariance returns mean and covariance.
func (p points) covariance() ([]float64, *mat.SymDense) {
	mean := make([]float64, p.d)
	for j := range mean {
		mean[j], _ = p.moments(j)
	}
	centred := mat.NewDense(p.n, p.d, nil)
	for i := range p.n {
		for j, v := range p.row(i) {
			centred.Set(i, j, v-mean[j])
		}
	}
	cov := mat.NewSymDense(p.d, nil)
	cov.SymOuterK(1/float64(p.n-1), centred.T())
	return mean, cov
}

func eigen(a *mat.SymDense) ([]float64, *mat.Dense, error) {
	var e mat.EigenSym
	if !e.Factorize(a, true) {
		return nil, nil, errors.New("measure: Fréchet distance: the covariance has no eigenvalues; are all features finite?")
	}
	var v mat.Dense
	e.VectorsTo(&v)
	return e.Values(nil), &v, nil
}

func squareRoot(a *mat.SymDense) (*mat.Dense, error) {
	values, v, err := eigen(a)
	if err != nil {
		return nil, err
	}
	d := len(values)
	scaled := mat.NewDense(d, d, nil)
	for j, l := range values {
		s := math.Sqrt(math.Max(0, l))
		for i := range d {
			scaled.Set(i, j, v.At(i, j)*s)
		}
	}
	var out mat.Dense
	out.Mul(scaled, v.T())
	return &out, nil
}
