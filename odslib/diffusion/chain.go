package diffusion

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Chain is a discretised reverse process: a schedule, falling times, a kernel. Its zero value has no schedule; fill in
// the prior's.
type Chain struct {
	Schedule odslib.Schedule
	Grid     []float64 // nil means Uniform(Schedule, Steps)
	Steps    int       // 0 means 100; ignored when Grid is given
	Kernel   Kernel    // nil means Ancestral
}

// Columns of a chain's table; what a method adds comes after Columns.
const (
	colT = iota
	colAlpha
	colSigma
	colA
	colB
	colStd
	colAlphaS // signal at the step's end
	colSigmaS // noise at the step's end
	colU2     // Heun: second velocity (u, v) and its weight, time and level at the step's end
	colV2
	colW2
	colT2
	colAlpha2
	colSigma2
	colDelta
	// Columns is how many columns every chain's table has.
	Columns
)

// Resolve fills in the defaults and checks the grid.
func (c Chain) Resolve() (Chain, error) {
	if c.Schedule == nil {
		return c, fmt.Errorf("diffusion: the chain has no schedule")
	}
	if c.Steps < 0 {
		return c, fmt.Errorf("diffusion: %d steps; ask for at least one", c.Steps)
	}
	if c.Steps == 0 {
		c.Steps = 100
	}
	if c.Grid == nil {
		c.Grid = Uniform(c.Schedule, c.Steps)
	}
	c.Steps = len(c.Grid) - 1
	if c.Kernel == nil {
		c.Kernel = Ancestral{}
	}
	return c, CheckGrid(c.Grid)
}

// Table returns one row for each step, Columns values wide, computed in float64.
func (c Chain) Table() (engine.Table, error) {
	c, err := c.Resolve()
	if err != nil {
		return nil, err
	}
	table := make(engine.Table, c.Steps)
	for i := range table {
		t, s := c.Grid[i], c.Grid[i+1]
		a, b, std := c.Kernel.Coefficients(c.Schedule, t, s)
		row := make([]float64, Columns)
		row[colT], row[colAlpha], row[colSigma] = t, c.Schedule.Alpha(t), c.Schedule.Sigma(t)
		row[colA], row[colB], row[colStd] = a, b, std
		row[colAlphaS], row[colSigmaS] = c.Schedule.Alpha(s), c.Schedule.Sigma(s)
		row[colT2], row[colAlpha2], row[colSigma2], row[colDelta] = t, row[colAlpha], row[colSigma], t-s
		if _, ok := c.Kernel.(Heun); ok && row[colSigmaS] > 0 {
			row[colU2], row[colV2] = velocity(c.Schedule, s)
			row[colW2], row[colT2], row[colAlpha2], row[colSigma2] = .5, s, row[colAlphaS], row[colSigmaS]
		}
		table[i] = make([]float32, Columns)
		for j, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("diffusion: step %d (t %.4g → %.4g) has no finite coefficients with %T; start the grid later", i+1, t, s, c.Kernel)
			}
			table[i][j] = float32(v)
		}
	}
	return table, nil
}

// Evaluations is the number of network evaluations for each sample in the first done steps.
func (c Chain) Evaluations(done int) int {
	if _, ok := c.Kernel.(Heun); !ok {
		return done
	}
	if done == c.Steps && c.Schedule.Sigma(c.Grid[c.Steps]) == 0 {
		return 2*done - 1 // the last step is plain Euler
	}
	return 2 * done
}

// Std is the standard deviation of the kernel in a row of a chain's table.
func Std(row []float32) float32 { return row[colStd] }

// At is a row of the table inside graph code; every field is a scalar.
type At struct {
	T, Alpha, Sigma *odslib.Node // level at the step's start
	A, B, Std       *odslib.Node // the kernel: x_s = A·x_t + B·x̂0 + Std·ε
	AlphaS, SigmaS  *odslib.Node // level at the step's end
	row             *odslib.Node
}

// Read takes a row apart.
func Read(row *odslib.Node) At {
	c := func(j int) *odslib.Node { return engine.Col(row, j) }
	return At{T: c(colT), Alpha: c(colAlpha), Sigma: c(colSigma), A: c(colA), B: c(colB), Std: c(colStd), AlphaS: c(colAlphaS), SigmaS: c(colSigmaS), row: row}
}

// Level is the noise level at the step's start for a batch of n.
func (at At) Level(n int) odslib.Level { return level(at.T, at.Alpha, at.Sigma, n) }

func level(t, alpha, sigma *odslib.Node, n int) odslib.Level {
	b := func(x *odslib.Node) *odslib.Node { return graph.BroadcastToDims(x, n) }
	return odslib.Level{T: b(t), Alpha: b(alpha), Sigma: b(sigma)}
}

// Common is the level with one row, [1], where all rows of the batch were given the same as [At.Level] does; else it is
// the level itself. What depends on the level alone is then computed once.
func Common(at odslib.Level) odslib.Level {
	shared := true
	one := func(v *odslib.Node) *odslib.Node {
		if v.Type() != graph.NodeTypeBroadcastInDim || !v.Inputs()[0].IsScalar() {
			shared = false
			return v
		}
		return graph.Reshape(v.Inputs()[0], 1)
	}
	if c := (odslib.Level{T: one(at.T), Alpha: one(at.Alpha), Sigma: one(at.Sigma)}); shared {
		return c
	}
	return at
}

// Mean is the kernel's mean A·x + B·x̂0.
func (at At) Mean(x, x0 *odslib.Node) *odslib.Node {
	return graph.Add(graph.Mul(x, scalarLike(at.A, x)), graph.Mul(x0, scalarLike(at.B, x0)))
}

// Move takes the reverse step from x, given x̂0 and fresh noise.
func (at At) Move(x, x0, noise *odslib.Node) *odslib.Node {
	return graph.Add(at.Mean(x, x0), graph.Mul(noise, scalarLike(at.Std, noise)))
}

// Correct is Heun's second stage: x is the step's start, moved its Euler end, x0 the x̂0 of the start, and denoise gives
// x̂0 at the end's level.
func (at At) Correct(x, moved, x0 *odslib.Node, denoise func(x *odslib.Node, at odslib.Level) *odslib.Node) *odslib.Node {
	c := func(j int) *odslib.Node { return scalarLike(engine.Col(at.row, j), x) }
	n := x.Shape().Dimensions[0]
	end := denoise(moved, level(engine.Col(at.row, colT2), engine.Col(at.row, colAlpha2), engine.Col(at.row, colSigma2), n))
	// moved = x − Δ·d1, so d1 = (x − moved)/Δ and the corrected point is moved + Δ·w·(d1 − d2).
	d1 := graph.Sub(x, moved)
	d2 := graph.Mul(c(colDelta), graph.Add(graph.Mul(c(colU2), moved), graph.Mul(c(colV2), end)))
	return graph.Add(moved, graph.Mul(c(colW2), graph.Sub(d1, d2)))
}

// scalarLike reshapes a scalar so that it multiplies x of any rank.
func scalarLike(s, x *odslib.Node) *odslib.Node {
	return graph.BroadcastToShape(s, x.Shape())
}

// PerRow lets a [B] vector multiply x of shape [B, …].
func PerRow(v, x *odslib.Node) *odslib.Node {
	dims := make([]int, x.Rank())
	for i := range dims {
		dims[i] = 1
	}
	dims[0] = v.Shape().Dimensions[0]
	return graph.BroadcastToShape(graph.Reshape(v, dims...), x.Shape())
}
