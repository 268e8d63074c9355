package priors

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var (
	_ odslib.Generator     = InverseCDF{}
	_ odslib.HostGenerator = InverseCDF{}
	_ odslib.Parametrised  = InverseCDF{}
)

// InverseCDF is the generator x = F⁻¹(Φ(z)), each coordinate by itself, F the distribution function of a mixture of
// Gaussians on the line. It is non-linear and has several hills, and yet every posterior by coordinates is known.
type InverseCDF struct {
	Weights          []float64 // need not be normalised; nil means equal
	Means, Variances []float64
	Dim              int // coordinates; 0 means 1
}

// Err says what is wrong with the numbers, or nil.
func (c InverseCDF) Err() error {
	if c.Dim < 0 {
		return fmt.Errorf("inverse CDF: Dim is %d", c.Dim)
	}
	return c.line().Err()
}

// line is the mixture of one coordinate.
func (c InverseCDF) line() *Mixture {
	m := &Mixture{Weights: c.Weights}
	for _, v := range c.Means {
		m.Means = append(m.Means, []float64{v})
	}
	for _, v := range c.Variances {
		m.Variances = append(m.Variances, []float64{v})
	}
	return m
}

// Shape is [Dim].
func (c InverseCDF) Shape() []int { return []int{max(1, c.Dim)} }

// NoiseShape is [Dim].
func (c InverseCDF) NoiseShape() []int { return c.Shape() }

// String names the generator.
func (c InverseCDF) String() string {
	return fmt.Sprintf("inverse CDF of %d Gaussians in %d dimensions", len(c.Means), c.Shape()[0])
}

// Sample draws n samples of the mixture itself, not through the map.
func (c InverseCDF) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := c.Err(); err != nil {
		return odslib.Array{}, err
	}
	d := c.Shape()[0]
	x, err := c.line().Sample(ctx, n*d, seed)
	if err != nil {
		return odslib.Array{}, err
	}
	return x.Reshape(n, d), nil
}

// The graph looks x up in a table over z in ±tableEnd, cubic between the knots: the largest normal that float32
// uniforms give is 6.8.
const (
	tableEnd   = 8.
	tableKnots = 8192
	tableStep  = 2 * tableEnd / tableKnots
)

// Params implements odslib.Parametrised: the cubic x = c₀+c₁t+c₂t²+c₃t³, t in [0,1], of each interval of the table.
func (c InverseCDF) Params() odslib.Params {
	x, slope := make([]float64, tableKnots+1), make([]float64, tableKnots+1)
	line := c.quantiles()
	for i := range x {
		z := -tableEnd + tableStep*float64(i)
		x[i] = line.at(z)
		_, _, density := line.cdf(x[i])
		slope[i] = tableStep * math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) / density
	}
	table := engine.NewArray(tableKnots, 4)
	for i := range tableKnots {
		rise := x[i+1] - x[i]
		// A slope above three times the secant overshoots (Fritsch & Carlson 1980); it occurs in the gaps between hills.
		a, b := math.Min(slope[i], 3*rise), math.Min(slope[i+1], 3*rise)
		for j, v := range []float64{x[i], a, 3*rise - 2*a - b, a + b - 2*rise} {
			table.Row(i)[j] = float32(v)
		}
	}
	return odslib.Params{{Name: "table", Value: table}}
}

// Generate implements odslib.Generator; z [B, d]. Beyond the table it goes on straight.
func (c InverseCDF) Generate(scope *odslib.Scope, z *odslib.Node) *odslib.Node {
	dims := z.Shape().Dimensions
	u := graph.MulScalar(graph.AddScalar(graph.Reshape(z, -1), tableEnd), 1/tableStep)
	cell := graph.ConvertDType(graph.ClipScalar(graph.StopGradient(u), 0, tableKnots-1), dtypes.Int32)
	rows := graph.StopGradient(graph.Gather(engine.Var(scope, z.Graph(), "table"), graph.ExpandAxes(cell, -1)))
	col := func(j int) *odslib.Node {
		return graph.Reshape(graph.Slice(rows, graph.AxisRange(), graph.AxisElem(j)), -1)
	}
	t := graph.Sub(u, graph.ConvertDType(cell, dtypes.Float32))
	inside := graph.ClipScalar(t, 0, 1)
	value := graph.Add(col(0), graph.Mul(inside, graph.Add(col(1), graph.Mul(inside, graph.Add(col(2), graph.Mul(inside, col(3)))))))
	slope := graph.Add(col(1), graph.Mul(inside, graph.Add(graph.MulScalar(col(2), 2), graph.Mul(inside, graph.MulScalar(col(3), 3)))))
	return graph.Reshape(graph.Add(value, graph.Mul(slope, graph.Sub(t, inside))), dims...)
}

// GenerateHost implements odslib.HostGenerator, without the table.
func (c InverseCDF) GenerateHost(_ context.Context, z odslib.Array) (odslib.Array, error) {
	if z.Dim() != c.Shape()[0] {
		return odslib.Array{}, fmt.Errorf("inverse CDF: noise of %d numbers, want %d", z.Dim(), c.Shape()[0])
	}
	x, line := engine.NewArray(z.Shape...), c.quantiles()
	for i, v := range z.Data {
		x.Data[i] = float32(line.at(float64(v)))
	}
	return x, nil
}

// quantiles inverts the distribution function of a mixture on the line.
type quantiles struct {
	weights, means, stds []float64
}

func (c InverseCDF) quantiles() quantiles {
	q := quantiles{weights: c.line().Probabilities(), means: c.Means}
	for _, v := range c.Variances {
		q.stds = append(q.stds, math.Sqrt(v))
	}
	return q
}

// cdf returns F(x), 1−F(x) without cancellation, and the density.
func (q quantiles) cdf(x float64) (below, above, density float64) {
	for k, w := range q.weights {
		u := (x - q.means[k]) / q.stds[k]
		below += w * .5 * math.Erfc(-u/math.Sqrt2)
		above += w * .5 * math.Erfc(u/math.Sqrt2)
		density += w * math.Exp(-u*u/2) / (q.stds[k] * math.Sqrt(2*math.Pi))
	}
	return below, above, density
}

// at is F⁻¹(Φ(z)): Newton's method on the tail that is small, within the bracket of the components' own quantiles.
func (q quantiles) at(z float64) float64 {
	z = math.Max(-37, math.Min(37, z)) // Φ underflows beyond
	tail := .5 * math.Erfc(math.Abs(z)/math.Sqrt2)
	low, high := math.Inf(1), math.Inf(-1)
	for k, m := range q.means {
		if q.weights[k] > 0 {
			low, high = math.Min(low, m+q.stds[k]*z), math.Max(high, m+q.stds[k]*z)
		}
	}
	x := .5 * (low + high)
	for range 200 {
		below, above, density := q.cdf(x)
		gap := below - tail // positive when x is too high
		if z > 0 {
			gap = tail - above
		}
		if gap > 0 {
			high = x
		} else {
			low = x
		}
		next := x - gap/density
		if !(next >= low && next <= high) {
			next = .5 * (low + high)
		}
		if math.Abs(next-x) <= 1e-13*math.Max(1, math.Abs(x)) {
			return next
		}
		x = next
	}
	return x
}

// hostNormals is [n, k] standard normal noise.
func hostNormals(n, k int, rng *rand.Rand) odslib.Array {
	z := engine.NewArray(n, k)
	for i := range z.Data {
		z.Data[i] = float32(rng.NormFloat64())
	}
	return z
}
