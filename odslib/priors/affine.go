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

// Exact is the posterior under a quadratic constraint, again an affine generator.
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

// ExactNoise is the posterior of the noise z under a quadratic constraint log r = ½xᵀHx + gᵀx + c, as an affine generator
// of z, and log Z: z|y ~ N(P⁻¹q, P⁻¹) with P = I−WᵀHW and q = Wᵀ(HB+g).
func (a Affine) ExactNoise(c odslib.Constraint) (Affine, float64, error) {
	q, ok := c.(odslib.Quadratic)
	if !ok {
		return Affine{}, 0, fmt.Errorf("%w for an affine generator under %T: log r is not quadratic", odslib.ErrNoClosedForm, c)
	}
	if err := a.Err(); err != nil {
		return Affine{}, 0, err
	}
	rows, g, c0, err := q.Quadratic(a.Shape())
	if err != nil {
		return Affine{}, 0, err
	}
	d, k := len(a.W), len(a.W[0])
	w, h, shift := mat.NewDense(d, k, nil), mat.NewSymDense(d, nil), mat.NewVecDense(d, nil)
	for i := range d {
		w.SetRow(i, a.W[i])
		shift.SetVec(i, a.b(i))
		for j := i; j < d; j++ {
			h.SetSym(i, j, .5*(rows[i][j]+rows[j][i]))
		}
	}
	var hw mat.Dense
	hw.Mul(h, w)
	var quad mat.Dense
	quad.Mul(w.T(), &hw)
	precision := mat.NewSymDense(k, nil)
	for i := range k {
		for j := i; j < k; j++ {
			v := -.5 * (quad.At(i, j) + quad.At(j, i))
			if i == j {
				v++
			}
			precision.SetSym(i, j, v)
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(precision) {
		return Affine{}, 0, fmt.Errorf("affine generator: the posterior has no finite mass: the reward grows faster than the prior falls")
	}
	lin := mat.NewVecDense(d, g)
	var hb, s, full mat.VecDense
	hb.MulVec(h, shift)
	full.AddVec(&hb, lin)
	s.MulVec(w.T(), &full)
	var mean mat.VecDense
	if err := chol.SolveVecTo(&mean, &s); err != nil {
		return Affine{}, 0, fmt.Errorf("affine generator: %w", err)
	}
	logZ := c0 + .5*mat.Dot(shift, &hb) + mat.Dot(lin, shift) + .5*mat.Dot(&s, &mean) - .5*chol.LogDet()
	// With P = UᵀU, z = mean + U⁻¹ε has covariance P⁻¹.
	var u, inv mat.TriDense
	chol.UTo(&u)
	if err := inv.InverseTri(&u); err != nil {
		return Affine{}, 0, fmt.Errorf("affine generator: %w", err)
	}
	out := Affine{W: make([][]float64, k), B: mat.Col(nil, 0, &mean)}
	for i := range out.W {
		out.W[i] = mat.Row(nil, i, &inv)
	}
	return out, logZ, nil
}
