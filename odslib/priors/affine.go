package priors

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var (
	_ odslib.Generator       = Affine{}
	_ odslib.HostGenerator   = Affine{}
	_ odslib.Conjugate       = Affine{}
	_ odslib.Parametrised    = Affine{}
	_ odslib.AffineMap       = Affine{}
	_ odslib.ConjugateInside = Affine{}
)

// Affine is the generator x = W·z + B with z ~ N(0, I): a Gaussian of any covariance WWᵀ, degenerate ones too. Under a
// quadratic constraint its posterior is known, in the noise and in the data.
type Affine struct {
	W [][]float64 // [d][k]
	B []float64   // [d]; nil means 0
}

// Err says what is wrong with the numbers, or nil.
func (a Affine) Err() error {
	if len(a.W) == 0 || len(a.W[0]) == 0 {
		return fmt.Errorf("affine generator: W is empty")
	}
	for i, row := range a.W {
		if len(row) != len(a.W[0]) {
			return fmt.Errorf("affine generator: row %d of W has %d numbers, row 0 has %d", i, len(row), len(a.W[0]))
		}
		for j, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("affine generator: W[%d][%d] is %g", i, j, v)
			}
		}
	}
	if a.B != nil && len(a.B) != len(a.W) {
		return fmt.Errorf("affine generator: B has %d numbers, W has %d rows", len(a.B), len(a.W))
	}
	return nil
}

// Shape is [d].
func (a Affine) Shape() []int { return []int{len(a.W)} }

// NoiseShape is [k].
func (a Affine) NoiseShape() []int {
	if len(a.W) == 0 {
		return []int{0}
	}
	return []int{len(a.W[0])}
}

// String names the generator.
func (a Affine) String() string {
	return fmt.Sprintf("affine generator of %d numbers from %d", a.Shape()[0], a.NoiseShape()[0])
}

func (a Affine) b(i int) float64 {
	if a.B == nil {
		return 0
	}
	return a.B[i]
}

// Affine implements odslib.AffineMap.
func (a Affine) Affine() (w [][]float64, b []float64, ok bool) {
	b = make([]float64, len(a.W))
	copy(b, a.B)
	return a.W, b, true
}

// ExactInside implements odslib.ConjugateInside.
func (a Affine) ExactInside(c odslib.Constraint) (odslib.Prior, float64, error) {
	return a.ExactNoise(c)
}

// Params implements odslib.Parametrised.
func (a Affine) Params() odslib.Params {
	b := make([]float64, len(a.W))
	copy(b, a.B)
	return odslib.Params{{Name: "w", Value: engine.FromRows(a.W)}, {Name: "b", Value: engine.FromVector(b)}}
}

// Generate implements odslib.Generator.
func (a Affine) Generate(scope *odslib.Scope, z *odslib.Node) *odslib.Node {
	x := graph.Einsum("bk,dk->bd", z, engine.Var(scope, z.Graph(), "w"))
	return graph.Add(x, graph.BroadcastToShape(graph.ExpandAxes(engine.Var(scope, z.Graph(), "b"), 0), x.Shape()))
}

// GenerateHost implements odslib.HostGenerator.
func (a Affine) GenerateHost(_ context.Context, z odslib.Array) (odslib.Array, error) {
	if z.Dim() != a.NoiseShape()[0] {
		return odslib.Array{}, fmt.Errorf("affine generator: noise of %d numbers, want %d", z.Dim(), a.NoiseShape()[0])
	}
	x := engine.NewArray(z.Len(), len(a.W))
	for n := range z.Len() {
		from, to := z.Row(n), x.Row(n)
		for i, row := range a.W {
			v := a.b(i)
			for j, w := range row {
				v += w * float64(from[j])
			}
			to[i] = float32(v)
		}
	}
	return x, nil
}

// Sample draws n samples on the host.
func (a Affine) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := a.Err(); err != nil {
		return odslib.Array{}, err
	}
	if n < 0 {
		return odslib.Array{}, fmt.Errorf("affine generator: asked for %d samples", n)
	}
	x, err := a.GenerateHost(ctx, hostNormals(n, a.NoiseShape()[0], engine.RNG(seed, "priors.Affine")))
	if err != nil {
		return odslib.Array{}, err
	}
	return x, ctx.Err()
}

// Exact is the posterior under linear measurements, quadratic constraints and sums of them, again an affine generator.
func (a Affine) Exact(c odslib.Constraint) (odslib.Prior, float64, error) {
	noise, logZ, err := a.ExactNoise(c)
	if err != nil {
		return nil, 0, err
	}
	d, k := len(a.W), len(a.W[0])
	out := Affine{W: make([][]float64, d), B: make([]float64, d)}
	for i := range d {
		out.W[i], out.B[i] = make([]float64, k), a.b(i)
		for j, w := range a.W[i] {
			out.B[i] += w * noise.B[j]
			for l := range k {
				out.W[i][l] += w * noise.W[j][l]
			}
		}
	}
	return out, logZ, nil
}

// ExactNoise is the posterior of the noise z under such a constraint, as an affine generator of z, and log Z.
func (a Affine) ExactNoise(c odslib.Constraint) (Affine, float64, error) {
	if err := a.Err(); err != nil {
		return Affine{}, 0, err
	}
	parts, err := takeApart(c, a.Shape(), "an affine generator")
	if err != nil {
		return Affine{}, 0, err
	}
	k := len(a.W[0])
	z := mat.NewDense(k, k, nil)
	for i := range k {
		z.Set(i, i, 1)
	}
	u, err := parts.through(a).condition(z, "affine generator")
	if err != nil {
		return Affine{}, 0, err
	}
	out := Affine{B: make([]float64, k)}
	logZ := u.logZ(out.B)
	if math.IsNaN(logZ) || math.IsInf(logZ, 0) {
		return Affine{}, 0, fmt.Errorf("affine generator: log Z is %g: the constraint is beyond float64", logZ)
	}
	for i := range k {
		out.W = append(out.W, mat.Row(nil, i, u.factor))
	}
	return out, logZ, nil
}

// through is the constraint on x = W·z + b as one on z.
func (c conjugate) through(a Affine) conjugate {
	d, k := len(a.W), len(a.W[0])
	w, shift := mat.NewDense(d, k, nil), mat.NewVecDense(d, nil)
	for i, row := range a.W {
		w.SetRow(i, row)
		shift.SetVec(i, a.b(i))
	}
	rows := func(m mat.Matrix) (out [][]float64) {
		n, _ := m.Dims()
		for i := range n {
			out = append(out, mat.Row(nil, i, m))
		}
		return out
	}
	out := conjugate{system: odslib.System{LogScale: c.system.LogScale}}
	for i, row := range c.system.A {
		var aw mat.VecDense
		aw.MulVec(w.T(), mat.NewVecDense(d, row))
		out.system.A = append(out.system.A, aw.RawVector().Data)
		out.system.Y = append(out.system.Y, c.system.Y[i]-mat.Dot(mat.NewVecDense(d, row), shift))
	}
	if c.h == nil {
		return out
	}
	h, b := mat.NewDense(d, d, nil), mat.NewVecDense(d, c.b)
	for i, row := range c.h {
		h.SetRow(i, row)
	}
	var hw, whw mat.Dense
	var hb, slope, lin mat.VecDense
	hw.Mul(h, w)
	whw.Mul(w.T(), &hw)
	hb.MulVec(h, shift)
	slope.AddVec(&hb, b)
	lin.MulVec(w.T(), &slope)
	out.h, out.b, out.c = rows(&whw), lin.RawVector().Data, c.c+.5*mat.Dot(shift, &hb)+mat.Dot(b, shift)
	return out
}
