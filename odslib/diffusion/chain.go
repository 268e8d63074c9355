package diffusion

import (
	"fmt"
	"math"
	"slices"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Chain says how a reverse process is discretised and run. Its zero value works: the prior's schedule, 100 even steps,
// the Matched kernel.
type Chain struct {
	Schedule odslib.Schedule // nil means the prior's
	Grid     []float64       // falling times; nil means Uniform(Schedule, Steps)
	Steps    int             // 0 means 100, or the method's own number; ignored when Grid is given
	Kernel   Kernel          // nil means Matched{}

	Batch   int // samples that go through the network together; 0 means 4096, fewer of large ones
	Driver  engine.Driver
	Observe []int // steps whose states go into Result.States: 0 is the noise, the last step the samples; first batch only
}

// Columns of a chain's table; what a guide or twist adds comes after them.
const (
	colT = iota
	colAlpha
	colSigma
	colA
	colB
	colStd
	colRatio   // of the forward step: α_t/α_s
	colForward // its standard deviation
	colU2      // Heun: second velocity (u, v) and its weight, time and level at the step's end
	colV2
	colW2
	colT2
	colAlpha2
	colSigma2
	colDelta
	columns
)

// WithSteps is the chain with the method's own number of steps, asked or else usual, where neither Steps nor Grid say more.
func (c Chain) WithSteps(asked, usual int) Chain {
	if asked != 0 {
		c.Steps, c.Grid = asked, nil
	} else if c.Steps == 0 {
		c.Steps = usual
	}
	return c
}

// resolve fills in the defaults for a prior and checks the grid.
func (c Chain) resolve(prior odslib.Diffusion) (Chain, error) {
	if c.Schedule == nil {
		c.Schedule = prior.Schedule()
	}
	if c.Schedule == nil {
		return c, fmt.Errorf("diffusion: the prior %T has no schedule", prior)
	}
	if c.Steps < 0 || c.Batch < 0 {
		return c, fmt.Errorf("diffusion: %d steps in batches of %d; neither can be negative", c.Steps, c.Batch)
	}
	c.Steps = or(c.Steps, 100)
	if n := Entries(c.Schedule); n > 0 && c.Grid == nil && c.Steps > n {
		return c, fmt.Errorf("diffusion: %d steps were asked for, the schedule has %d", c.Steps, n)
	}
	if c.Grid == nil {
		c.Grid = Uniform(c.Schedule, c.Steps)
	}
	c.Steps = len(c.Grid) - 1
	if c.Kernel == nil {
		c.Kernel = Matched{}
	}
	if m, ok := c.Kernel.(Matched); ok && m.Variance == 0 {
		c.Kernel = Matched{Variance: Variance(prior)}
	}
	if c.Batch == 0 {
		c.Batch = max(1, min(4096, 1<<20/max(1, count(prior.Shape()))))
	}
	if err := CheckGrid(c.Grid); err != nil {
		return c, err
	}
	if k, ok := c.Kernel.(DDIM); ok {
		for _, t := range c.Grid[:c.Steps] {
			if eta := k.at(t); !(eta >= 0 && eta <= 1) {
				return c, fmt.Errorf("diffusion: DDIM's Eta is %g at t=%.4g; it must lie in [0, 1]", eta, t)
			}
		}
	}
	t, first := c.Grid[0], Start(c.Schedule)
	if known := c.Schedule.Alpha(t) * math.Sqrt(Variance(prior)) / c.Schedule.Sigma(t); t < first && known > .3 {
		return c, fmt.Errorf("diffusion: the grid starts at t=%g, where x_t still knows x_0 (α·std/σ = %.2g), so that nothing can change it any more; start it at %.4g", t, known, first)
	}
	return c, nil
}

func count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Variance is the prior's mean variance of a value, 1 where it is not known.
func Variance(prior odslib.Diffusion) float64 {
	own, _ := base(prior, nil)
	m, ok := own.(odslib.Moments)
	if !ok {
		return 1
	}
	_, std := m.Moments()
	sum := 0.
	for _, s := range std {
		sum += s * s
	}
	return sum / float64(len(std))
}

// table has one row for each step, computed in float64, with the values of the curves behind: at the step's start, and for
// Heun's second stage at its end.
func (c Chain) table(curves []odslib.Curve) (engine.Table, error) {
	table := make(engine.Table, c.Steps)
	for i := range table {
		t, s := c.Grid[i], c.Grid[i+1]
		a, b, std := c.Kernel.Coefficients(c.Schedule, t, s)
		row := make([]float64, columns)
		row[colT], row[colAlpha], row[colSigma] = t, c.Schedule.Alpha(t), c.Schedule.Sigma(t)
		row[colA], row[colB], row[colStd] = a, b, std
		ratio, v := between(c.Schedule, t, s)
		row[colRatio], row[colForward] = ratio, math.Sqrt(v)
		row[colT2], row[colAlpha2], row[colSigma2], row[colDelta] = t, row[colAlpha], row[colSigma], t-s
		row[colV2] = -1 / row[colDelta] // a second stage that does not count, of weight 1: guides divide by it
		if sigma := c.Schedule.Sigma(s); c.heun() && sigma > 0 {
			row[colU2], row[colV2] = velocity(c.Schedule, s)
			row[colW2], row[colT2], row[colAlpha2], row[colSigma2] = .5, s, c.Schedule.Alpha(s), sigma
		}
		for _, f := range curves {
			row = append(row, f(row[colT]), f(row[colT2]))
		}
		for _, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("diffusion: step %d (t %.4g → %.4g) has no finite coefficients with %T; start the grid later", i+1, t, s, c.Kernel)
			}
			table[i] = append(table[i], float32(v))
		}
	}
	return table, nil
}

func (c Chain) heun() bool {
	_, ok := c.Kernel.(Heun)
	return ok
}

// Evaluations is the number of network evaluations for each sample in the first done steps of a resolved chain.
func (c Chain) Evaluations(done int) int {
	if !c.heun() {
		return done
	}
	if done == c.Steps && c.Schedule.Sigma(c.Grid[c.Steps]) == 0 {
		return 2*done - 1 // the last step is plain Euler
	}
	return 2 * done
}

// observed are the steps at which a run stops to be looked at, the last step always.
func observed(observe []int, last int) []int {
	out := []int{last}
	for _, k := range observe {
		if k >= 0 && k < last {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
