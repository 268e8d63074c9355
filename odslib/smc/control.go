package smc

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// A drift that is added to the particles' steps and taken from the noising steps that they are compared with leaves the laws on the way as
// they are, and moves weight between the two (DriftLite: Ren et al. 2025, 2509.21655). With u = Σc_iφ_i a step and its weight are
//
//	k = N(x_s; mean + std²·(g+u(x_t)), std²),   w·p/k·N(x_t; r·x_s − r·std²·u(x_s), V)/N(x_t; r·x_s, V),
//
// g being the twist's gradient and r, V those of the noising step q. The weight's increment changes by h_i = ∂/∂c_i log(L/k) = std²·(div φ_i + φ_i·∇log p_tψ_t)
// and noise of higher order. c is what makes its variance least among the particles of an island, Cov(h, h)·c = −Cov(h, increment without it): solved after
// each step for the next, since in units of scores it hardly changes. The basis is the factors' scores, and g. E[Ẑ] is exact where the
// reverse steps are and c is given; that c is fitted to the cloud biases it by as little as 1/K.

// noised is a process that knows the noising step of a row, N(ratio·x_s, std²·I).
type noised interface {
	odslib.GaussianSteps
	Forward(row *odslib.Node) (ratio, std *odslib.Node)
}

// controllable says why the control cannot be had, or nil.
func (o *opened) controllable() error {
	if _, ok := o.process.(noised); !ok {
		return fmt.Errorf("its Control shifts Gaussian steps of a diffusion prior, which those of %T are not", o.process)
	}
	if o.post.Constraint != nil && !o.proposal.Guided() {
		return fmt.Errorf("its Control needs the gradient of the twist; use TDS, or FK with TwistedStep{}")
	}
	return nil
}

// scores are the basis of a state: those of the prior or of a product's factors, and ∇log ψ.
func (o *opened) scores(state []*odslib.Node, at odslib.Level) (basis []*odslib.Node) {
	x, guess := state[0], state[1:]
	if k := len(guess) - 1; o.proposal.Guided() {
		guess, basis = guess[:k], append(basis, guess[k])
	}
	if _, ok := o.process.(*corrected); ok {
		guess = guess[1:]
	}
	a, s2 := diffusion.PerRow(at.Alpha, x), diffusion.PerRow(graph.Square(at.Sigma), x)
	for _, x0 := range guess {
		basis = append(basis, graph.Div(graph.Sub(graph.Mul(a, x0), x), s2))
	}
	return basis
}

// basisSize is how many scores there are.
func (o *opened) basisSize() int {
	n := o.evaluations()
	if o.proposal.Guided() {
		n++
	}
	return n
}

// combine is Σc_iφ_i, c [K, basis].
func combine(c *odslib.Node, basis []*odslib.Node) (u *odslib.Node) {
	for i, phi := range basis {
		each := graph.Mul(diffusion.PerRow(graph.Reshape(graph.Slice(c, graph.AxisRange(), graph.AxisElem(i)), -1), phi), phi)
		if u == nil {
			u = each
		} else {
			u = graph.Add(u, each)
		}
	}
	return u
}

// backward multiplies the move's weight by N(x_t; r·x_s − r·std²·u(x_s), V)/q(x_t|x_s) and gives h, [K] for each of the basis, and the products of
// the basis at x_t; state is what is known after it.
func (o *opened) backward(m *move, state []*odslib.Node, row *odslib.Node, at odslib.Level) (told []*odslib.Node) {
	p := o.process.(noised)
	mean, std := p.Mean(m.from.Guess, m.from.X, row)
	ratio, forward := p.Forward(row)
	s2, v := graph.Square(std), graph.Square(forward)
	after := o.scores(state, at)
	shift := times(graph.Neg(graph.Mul(ratio, s2)), combine(m.coefficients, after))
	e := graph.Sub(m.from.X, times(ratio, m.x))
	sum := func(v *odslib.Node) *odslib.Node {
		return graph.ReduceSum(graph.Reshape(v, v.Shape().Dimensions[0], -1), -1)
	}
	m.logRatio = graph.Add(m.logRatio, times(graph.Reciprocal(v), sum(graph.Mul(shift, graph.Sub(e, graph.MulScalar(shift, .5))))))
	noise := graph.Sub(graph.Sub(m.x, mean), times(s2, m.from.Gradient)) // std·z
	back := times(graph.Div(graph.Mul(ratio, s2), v), graph.Sub(e, shift))
	for i, phi := range after { // φ_i
		told = append(told, graph.Neg(graph.Add(sum(graph.Mul(noise, m.basis[i])), sum(graph.Mul(back, phi)))))
	}
	for i, phi := range m.basis {
		for _, psi := range m.basis[:i+1] {
			told = append(told, sum(graph.Mul(phi, psi)))
		}
	}
	return told
}

// control are the coefficients of an island and what they are from: the information on them, which fades.
type control struct {
	c           []float64
	information *mat.SymDense
	toward      *mat.VecDense // information times what it says c is
}

func newControl(n int) *control {
	return &control{make([]float64, n), mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)}
}

// fading is what is left of the information of a step at the next. Before any c is N(0, 1): in units of scores γ−1 over 2 makes weights of p^γ equal.
const fading = .8

// fit learns from a step what c would have made the variance of its increments least; known, h and increments are of the island's particles,
// w their weights before it. h has as much noise as it has to tell, which would halve what plain least squares finds; what is
// known before the move, the products of scores, has none of it: two-stage least squares. A step counts by what it knows.
func (k *control) fit(w []float64, known, h [][]float64, increments []float64) {
	cov, particles := covariance(w, append(slices.Concat(known, h), increments))
	z, size := len(known), len(known)+len(h)+1
	for i := range z {
		cov.SetSym(i, i, cov.At(i, i)*(1+1e-6)+1e-30) // equal scores are told apart by nothing
	}
	dense, spread := mat.DenseCopyOf(cov), cov.At(size-1, size-1)
	var first mat.Cholesky
	var told, among mat.Dense
	if !(spread > 0) || !first.Factorize(cov.SliceSym(0, z)) || first.SolveTo(&told, dense.Slice(0, z, z, size)) != nil {
		return
	}
	among.Mul(dense.Slice(z, size, 0, z), &told) // of h and the increments, as far as they are known
	for i := range k.c {
		toward := -among.At(i, len(h))
		for j, c := range k.c {
			toward += among.At(i, j) * c
			if j <= i {
				k.information.SetSym(i, j, fading*k.information.At(i, j)+particles*among.At(i, j)/spread)
			}
		}
		k.toward.SetVec(i, fading*k.toward.AtVec(i)+particles*toward/spread)
	}
	whole := mat.NewSymDense(len(k.c), nil)
	whole.CopySym(k.information)
	for i := range k.c {
		whole.SetSym(i, i, whole.At(i, i)+1)
	}
	var c mat.VecDense
	if first.Factorize(whole) && first.SolveVecTo(&c, k.toward) == nil {
		copy(k.c, c.RawVector().Data)
	}
}

// covariance is that of values under weights, and their effective number; what is not finite has no part in it.
func covariance(w []float64, values [][]float64) (cov *mat.SymDense, effective float64) {
	n := len(values)
	means, sum, squares, row := make([]float64, n), 0., 0., mat.NewVecDense(n, nil)
	finite := func(j int) bool {
		return !slices.ContainsFunc(values, func(v []float64) bool { return math.IsInf(v[j], 0) || math.IsNaN(v[j]) })
	}
	for j := range w {
		if finite(j) {
			sum, squares = sum+w[j], squares+w[j]*w[j]
			for i, v := range values {
				means[i] += w[j] * v[j]
			}
		}
	}
	cov = mat.NewSymDense(n, nil)
	for j := range w {
		if finite(j) {
			for i, v := range values {
				row.SetVec(i, v[j]-means[i]/sum)
			}
			cov.SymRankOne(cov, w[j]/sum, row)
		}
	}
	return cov, sum * sum / squares
}

// coefficients are those of each particle, as the programs read them.
func (r *Run) coefficients() odslib.Array {
	out := engine.NewArray(r.size(), r.basisSize())
	for j := range r.size() {
		for i, c := range r.populations[j/r.particles].control.c {
			out.Row(j)[i] = float32(c)
		}
	}
	return out
}

// steer fits the control of each island to the step that was made: before are the log-weights before it, told is what
// backward gave.
func (r *Run) steer(before []float64, told []float32) {
	for i, p := range r.populations {
		first, w := i*r.particles, make([]float64, r.particles)
		increments, each := make([]float64, r.particles), make([][]float64, len(told)/r.size())
		top := slices.Max(before[first : first+r.particles])
		for j := range w {
			w[j] = math.Exp(before[first+j] - top)
			increments[j] = p.logw[j] - before[first+j]
		}
		for b := range each {
			for j := range w {
				each[b] = append(each[b], float64(told[b*r.size()+first+j]))
			}
		}
		n := len(p.control.c)
		p.control.fit(w, each[n:], each[:n], increments)
	}
}
