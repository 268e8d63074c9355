package priors

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
)

// Exact is the posterior of the mixture under a quadratic constraint log r = ½xᵀHx + bᵀx + c, again a mixture: component
// k becomes N(P⁻¹(Σ_k⁻¹μ_k+b), P⁻¹) with P = Σ_k⁻¹−H, and its weight is multiplied by its evidence.
func (m *Mixture) Exact(c odslib.Constraint) (odslib.Prior, float64, error) {
	q, ok := c.(odslib.Quadratic)
	if !ok {
		return nil, 0, fmt.Errorf("%w for a mixture under %T: log r is not quadratic", odslib.ErrNoClosedForm, c)
	}
	if err := m.Err(); err != nil {
		return nil, 0, err
	}
	h, b, c0, err := q.Quadratic(m.Shape())
	if err != nil {
		return nil, 0, err
	}
	d := m.Shape()[0]
	out := &Mixture{Noise: m.Noise}
	logw := make([]float64, len(m.Means))
	for k, prob := range m.Probabilities() {
		mean, values, axes, logz, err := m.condition(k, h, b, d)
		if err != nil {
			return nil, 0, err
		}
		out.Means, out.Variances, out.Axes = append(out.Means, mean), append(out.Variances, values), append(out.Axes, axes)
		logw[k] = math.Log(prob) + logz + c0
	}
	logZ := logSumExp(logw)
	for _, l := range logw {
		out.Weights = append(out.Weights, math.Exp(l-logZ))
	}
	return out, logZ, nil
}

func (m *Mixture) condition(k int, h [][]float64, b []float64, d int) (mean, values, axes []float64, logz float64, err error) {
	inv := mat.NewSymDense(d, nil) // Σ⁻¹
	logDet := 0.
	for e := range d {
		logDet += math.Log(m.Variances[k][e])
	}
	for i := range d {
		for j := i; j < d; j++ {
			v := 0.
			if m.Axes == nil {
				if i == j {
					v = 1 / m.Variances[k][i]
				}
			} else {
				for e := range d {
					v += m.Axes[k][i*d+e] * m.Axes[k][j*d+e] / m.Variances[k][e]
				}
			}
			inv.SetSym(i, j, v)
		}
	}
	precision := mat.NewSymDense(d, nil)
	for i := range d {
		for j := i; j < d; j++ {
			precision.SetSym(i, j, inv.At(i, j)-.5*(h[i][j]+h[j][i]))
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(precision, true) {
		return nil, nil, nil, 0, fmt.Errorf("mixture: the posterior precision of component %d has no eigenvalues (NaN in the constraint?)", k)
	}
	var vec mat.Dense
	eig.VectorsTo(&vec)
	mu := mat.NewVecDense(d, m.Means[k])
	var lin mat.VecDense
	lin.MulVec(inv, mu)
	muTerm := mat.Dot(mu, &lin)
	lin.AddVec(&lin, mat.NewVecDense(d, b))
	// In the eigenbasis the posterior is a product of one-dimensional Gaussians.
	mean, values, axes = make([]float64, d), make([]float64, d), make([]float64, d*d)
	meanTerm := 0.
	for e, p := range eig.Values(nil) {
		if !(p > 0) {
			return nil, nil, nil, 0, fmt.Errorf("mixture: the posterior has no finite mass: the reward grows faster than component %d falls", k)
		}
		values[e] = 1 / p
		logDet += math.Log(p)
		proj := mat.Dot(vec.ColView(e), &lin)
		meanTerm += proj * proj / p
		for i := range d {
			axes[i*d+e] = vec.At(i, e)
			mean[i] += vec.At(i, e) * proj / p
		}
	}
	return mean, values, axes, -.5*logDet + .5*meanTerm - .5*muTerm, nil
}
