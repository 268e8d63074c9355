package priors

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
)

// leastVariance is what a variance that rounds to less is set to: a standard deviation of 1e-19 is none to float32, and the
// component stays.
const leastVariance = 1e-38

// Exact is the posterior of the mixture under linear measurements with Gaussian error, quadratic constraints and sums of
// them, again a mixture: component k is conditioned by itself, and its weight is multiplied by its evidence.
func (m *Mixture) Exact(c odslib.Constraint) (odslib.Prior, float64, error) {
	if err := m.Err(); err != nil {
		return nil, 0, err
	}
	parts, err := takeApart(c, m.Shape(), "a mixture")
	if err != nil {
		return nil, 0, err
	}
	out := &Mixture{Noising: m.Noising}
	logw := make([]float64, len(m.Means))
	var u *update
	var variances, axes []float64
	for k, prob := range m.Probabilities() {
		if u == nil || !m.sameCovariance(k, k-1) {
			if u, err = parts.condition(m.factor(k), fmt.Sprintf("mixture: component %d", k)); err != nil {
				return nil, 0, err
			}
			if variances, axes, err = principal(u.factor); err != nil {
				return nil, 0, err
			}
		}
		mean := slices.Clone(m.Means[k])
		logw[k] = math.Log(prob) + u.logZ(mean)
		if v := logw[k]; math.IsNaN(v) || math.IsInf(v, 1) {
			return nil, 0, fmt.Errorf("mixture: the evidence of component %d is %g: the constraint is beyond float64", k, v)
		}
		out.Means, out.Variances, out.Axes = append(out.Means, mean), append(out.Variances, variances), append(out.Axes, axes)
	}
	logZ := logSumExp(logw)
	if math.IsInf(logZ, -1) {
		return nil, 0, fmt.Errorf("mixture: the evidence is 0 to float64: the measurement is too far from every component for its σ")
	}
	for _, l := range logw {
		out.Weights = append(out.Weights, math.Exp(l-logZ))
	}
	return out, logZ, nil
}

func (m *Mixture) sameCovariance(k, l int) bool {
	return slices.Equal(m.Variances[k], m.Variances[l]) && (m.Axes == nil || slices.Equal(m.Axes[k], m.Axes[l]))
}

// factor is F of component k, x = μ_k + F·z.
func (m *Mixture) factor(k int) *mat.Dense {
	d := m.Shape()[0]
	f := mat.NewDense(d, d, nil)
	for j, v := range m.Variances[k] {
		if m.Axes == nil {
			f.Set(j, j, math.Sqrt(v))
			continue
		}
		for i := range d {
			f.Set(i, j, m.Axes[k][i*d+j]*math.Sqrt(v))
		}
	}
	return f
}

// principal are the eigenvalues of F·Fᵀ and its eigenvectors, one a column.
func principal(f *mat.Dense) (variances, axes []float64, err error) {
	var svd mat.SVD
	if !svd.Factorize(f, mat.SVDThinU) {
		return nil, nil, fmt.Errorf("mixture: the posterior covariance has no eigenvalues; are the numbers finite?")
	}
	var u mat.Dense
	svd.UTo(&u)
	d, _ := f.Dims()
	axes = make([]float64, 0, d*d)
	for i := range d {
		axes = append(axes, mat.Row(nil, i, &u)...)
	}
	for _, s := range svd.Values(nil) {
		variances = append(variances, math.Max(s*s, leastVariance))
	}
	return variances, axes, nil
}
