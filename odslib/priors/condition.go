package priors

import (
	"fmt"
	"math"
	"slices"

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
	out := &Mixture{Noising: m.Noising}
	logw := make([]float64, len(m.Means))
	var f *factor
	for k, prob := range m.Probabilities() {
		if f == nil || !m.sameCovariance(k, k-1) {
			if f, err = m.factorise(k, h); err != nil {
				return nil, 0, err
			}
		}
		mean, logz := f.condition(m.Means[k], b)
		out.Means, out.Variances, out.Axes = append(out.Means, mean), append(out.Variances, f.values), append(out.Axes, f.axes)
		logw[k] = math.Log(prob) + logz + c0
	}
	logZ := logSumExp(logw)
	for _, l := range logw {
		out.Weights = append(out.Weights, math.Exp(l-logZ))
	}
	return out, logZ, nil
}

func (m *Mixture) sameCovariance(k, l int) bool {
	return slices.Equal(m.Variances[k], m.Variances[l]) && (m.Axes == nil || slices.Equal(m.Axes[k], m.Axes[l]))
}

// factor is what the posteriors of components of one covariance share: Σ⁻¹, and P = Σ⁻¹−H by its eigenvectors.
type factor struct {
	inverse *mat.SymDense
	vectors mat.Dense
	values  []float64 // eigenvalues of P⁻¹
	axes    []float64
	logDet  float64 // log|Σ| + log|P|
}

func (m *Mixture) factorise(k int, h [][]float64) (*factor, error) {
	d := m.Shape()[0]
	f := &factor{inverse: mat.NewSymDense(d, nil), values: make([]float64, d), axes: make([]float64, d*d)}
	precision := mat.NewSymDense(d, nil)
	for i := range d {
		f.logDet += math.Log(m.Variances[k][i])
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
			f.inverse.SetSym(i, j, v)
			precision.SetSym(i, j, v-.5*(h[i][j]+h[j][i]))
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(precision, true) {
		return nil, fmt.Errorf("mixture: the posterior precision of component %d has no eigenvalues (NaN in the constraint?)", k)
	}
	eig.VectorsTo(&f.vectors)
	for e, p := range eig.Values(nil) {
		if !(p > 0) {
			return nil, fmt.Errorf("mixture: the posterior has no finite mass: the reward grows faster than component %d falls", k)
		}
		f.values[e] = 1 / p
		f.logDet += math.Log(p)
		for i := range d {
			f.axes[i*d+e] = f.vectors.At(i, e)
		}
	}
	return f, nil
}

// condition returns the posterior mean P⁻¹(Σ⁻¹μ+b) and the component's log-evidence; in the eigenbasis both are sums over
// one-dimensional Gaussians.
func (f *factor) condition(mean, b []float64) (post []float64, logz float64) {
	d := len(mean)
	mu := mat.NewVecDense(d, mean)
	var lin mat.VecDense
	lin.MulVec(f.inverse, mu)
	logz = -.5 * (f.logDet + mat.Dot(mu, &lin))
	lin.AddVec(&lin, mat.NewVecDense(d, b))
	post = make([]float64, d)
	for e, v := range f.values {
		proj := mat.Dot(f.vectors.ColView(e), &lin)
		logz += .5 * proj * proj * v
		for i := range d {
			post[i] += f.axes[i*d+e] * proj * v
		}
	}
	return post, logz
}
