package priors

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
)

// conjugate is a constraint taken apart for closed forms: its linear measurements, stacked, and the sum of what else is
// quadratic.
type conjugate struct {
	system odslib.System
	h      [][]float64 // nil without
	b      []float64
	c      float64
}

// takeApart fails where a part is neither linear with Gaussian error nor quadratic.
func takeApart(c any, shape []int, who string) (out conjugate, err error) {
	if sum, ok := c.(odslib.Sum); ok {
		for _, term := range sum.Terms() {
			part, err := takeApart(term, shape, who)
			if err != nil {
				return out, err
			}
			out.system = out.system.Stack(part.system)
			out.add(part)
		}
		return out, nil
	}
	if linear, ok := odslib.Can[odslib.Linear](c); ok {
		out.system, err = linear.System(shape)
		return out, err
	}
	q, ok := odslib.Can[odslib.Quadratic](c)
	if !ok {
		return out, fmt.Errorf("%w for %s under %T: log r is not quadratic", odslib.ErrNoClosedForm, who, c)
	}
	out.h, out.b, out.c, err = q.Quadratic(shape)
	return out, err
}

func (c *conjugate) add(d conjugate) {
	if c.h == nil {
		c.h, c.b, c.c = d.h, d.b, d.c+c.c
		return
	}
	c.c += d.c
	for i := range d.b {
		c.b[i] += d.b[i]
		for j := range d.h[i] {
			c.h[i][j] += d.h[i][j]
		}
	}
}

// update is what conditioning does to Gaussians x = μ + F·z, z ~ N(0, I), of one F and any μ: a new F, and shifts of μ, each
// with its share of log Z. It works with F and singular values, never with a precision or a difference of covariances, so
// that a σ of 1e-8 costs no digits and a direction without variance no component.
type update struct {
	factor *mat.Dense // F, [d, k]
	shifts []func(mean []float64) (logZ float64)
}

// condition is the update of F under the constraint; who begins its errors.
func (c conjugate) condition(factor *mat.Dense, who string) (*update, error) {
	u := &update{factor: factor}
	for _, rows := range c.scales(factor) {
		if err := u.measure(c.system, rows, who); err != nil {
			return nil, err
		}
	}
	if c.h != nil {
		if err := u.tilt(c, who); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// logZ shifts the mean in place and is log Z of the component.
func (u *update) logZ(mean []float64) (sum float64) {
	for _, shift := range u.shifts {
		sum += shift(mean)
	}
	return sum
}

// scales puts measurements of one magnitude together, the sharpest first: among singular values next to large ones the small
// ones drown.
func (c conjugate) scales(factor *mat.Dense) [][]int {
	size, order := make([]float64, len(c.system.A)), make([]int, len(c.system.A))
	for i, row := range c.system.A {
		var af mat.VecDense
		af.MulVec(factor.T(), mat.NewVecDense(len(row), row))
		size[i], order[i] = mat.Norm(&af, 2), i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case size[i] > size[j]:
			return -1
		case size[i] < size[j]:
			return 1
		}
		return 0
	})
	var out [][]int
	top := math.Inf(1)
	for _, i := range order {
		if last := len(out) - 1; last >= 0 && (size[i] > 1e-4*top || size[i] < 1e-4) { // what is small anyway tells nothing
			out[last] = append(out[last], i)
			continue
		}
		out, top = append(out, []int{i}), size[i]
	}
	return out
}

// measure conditions on rows of the system. With A·F = U·S·Vᵀ, z given y has the covariance 1/(1+s²) along V, 1 elsewhere.
func (u *update) measure(s odslib.System, rows []int, who string) error {
	m := len(rows)
	d, k := u.factor.Dims()
	a := mat.NewDense(m, d, nil)
	for i, r := range rows {
		a.SetRow(i, s.A[r])
	}
	var af mat.Dense
	af.Mul(a, u.factor)
	var svd mat.SVD
	if !svd.Factorize(&af, mat.SVDThinU|mat.SVDFullV) {
		return fmt.Errorf("%s: the measurement has no singular values; are its numbers finite?", who)
	}
	var left, right mat.Dense
	svd.UTo(&left)
	svd.VTo(&right)
	values := svd.Values(nil)
	logDet := 0.
	next := mat.NewDense(d, k, nil)
	next.Mul(u.factor, &right) // F·V
	along := mat.DenseCopyOf(next.Slice(0, d, 0, len(values)))
	for j, v := range values {
		logDet += 2 * math.Log(math.Hypot(1, v))
		scaleColumn(next, j, 1/math.Hypot(1, v))
	}
	u.factor = next
	constant := -.5*(logDet+float64(m)*math.Log(2*math.Pi)) + s.LogScale*float64(m)/float64(len(s.A))
	u.shifts = append(u.shifts, func(mean []float64) float64 {
		r := mat.NewVecDense(m, nil)
		r.MulVec(a, mat.NewVecDense(d, mean))
		for i, row := range rows {
			r.SetVec(i, s.Y[row]-r.AtVec(i))
		}
		var e mat.VecDense
		e.MulVec(left.T(), r)
		quad := 0.
		if m > len(values) { // what no x can explain
			var seen mat.VecDense
			seen.MulVec(&left, &e)
			r.SubVec(r, &seen)
			quad = mat.Dot(r, r)
		}
		for j, v := range values {
			h := math.Hypot(1, v)
			quad += (e.AtVec(j) / h) * (e.AtVec(j) / h)
			e.SetVec(j, e.AtVec(j)*(v/h)/h)
		}
		shift(mean, along, &e)
		return constant - .5*quad
	})
	return nil
}

// tilt conditions on exp(½xᵀHx + bᵀx + c), around each mean. With FᵀHF = V·diag(h)·Vᵀ, z has the covariance 1/(1−h) along V.
func (u *update) tilt(c conjugate, who string) error {
	d, k := u.factor.Dims()
	h := mat.NewSymDense(d, nil)
	for i := range d {
		for j := i; j < d; j++ {
			h.SetSym(i, j, .5*(c.h[i][j]+c.h[j][i]))
		}
	}
	var hf, full mat.Dense
	hf.Mul(h, u.factor)
	full.Mul(u.factor.T(), &hf)
	inner := mat.NewSymDense(k, nil)
	for i := range k {
		for j := i; j < k; j++ {
			inner.SetSym(i, j, .5*(full.At(i, j)+full.At(j, i)))
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(inner, true) {
		return fmt.Errorf("%s: the reward has no eigenvalues; are its numbers finite?", who)
	}
	var vectors mat.Dense
	eig.VectorsTo(&vectors)
	values := eig.Values(nil)
	logDet := 0.
	along, next := mat.NewDense(d, k, nil), mat.NewDense(d, k, nil)
	along.Mul(u.factor, &vectors)
	next.Copy(along)
	for j, v := range values {
		p := 1 - v
		if !(p > 0) {
			return fmt.Errorf("%s: the posterior has no finite mass: the reward grows faster than the prior falls", who)
		}
		values[j] = p
		logDet += math.Log(p)
		scaleColumn(next, j, 1/math.Sqrt(p))
	}
	u.factor = next
	u.shifts = append(u.shifts, func(mean []float64) float64 {
		mu, b := mat.NewVecDense(d, slices.Clone(mean)), mat.NewVecDense(d, c.b)
		var hm, slope, q mat.VecDense
		hm.MulVec(h, mu)
		logZ := c.c + mat.Dot(b, mu) + .5*mat.Dot(mu, &hm) - .5*logDet
		slope.AddVec(&hm, b)
		q.MulVec(along.T(), &slope)
		for j, p := range values {
			logZ += .5 * q.AtVec(j) * q.AtVec(j) / p
			q.SetVec(j, q.AtVec(j)/p)
		}
		shift(mean, along, &q)
		return logZ
	})
	return nil
}

func scaleColumn(a *mat.Dense, j int, by float64) {
	rows, _ := a.Dims()
	for i := range rows {
		a.Set(i, j, a.At(i, j)*by)
	}
}

func shift(mean []float64, along *mat.Dense, by *mat.VecDense) {
	var s mat.VecDense
	s.MulVec(along, by)
	for i := range mean {
		mean[i] += s.AtVec(i)
	}
}
