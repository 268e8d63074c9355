package smc

import (
	"fmt"
	"math"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// Columns of a product's table: t, α, σ, the step's deviation, the weight of x in its mean, that of all x̂0 together, the constant of its mass,
// the noising step's factor and deviation; then the weight of each x̂0, and for each pair of Gaussians, the noising step first, w_i·w_k/Λ and the difference of their means in x, x̂0_i and x̂0_k.
const (
	productColumns = 9
	pairColumns    = 4
)

// under is the product's chain. Steps and start are multiplied in float64.
func (p Product) under(c diffusion.Chain) (*corrected, error) {
	var err error
	if c.Schedule, err = p.schedule(c.Schedule); err != nil {
		return nil, err
	}
	out := &corrected{Product: p, chain: c}
	chains, sum, d := make([]diffusion.Chain, len(p)), p.powers(), float64(engine.NewArray(append([]int{1}, p.Shape()...)...).Dim())
	inverse := make([]float64, len(p))
	for j, f := range p {
		own, err := c.Of(f.Prior)
		if err != nil {
			return nil, err
		}
		chains[j], inverse[j] = own.Chain, 1/diffusion.Variance(f.Prior)
		out.params = append(out.params, odslib.ParamsOf(f.Prior).Under(fmt.Sprintf("p%d", j))...)
		out.chain.Grid = own.Chain.Grid
	}
	out.params = append(out.params, engine.Param{Name: "factors", Value: engine.FromVector(inverse)})
	grid, s := out.chain.Grid, out.chain.Schedule
	for i := range len(grid) - 1 {
		t, to := grid[i], grid[i+1]
		r := s.Alpha(t) / s.Alpha(to)
		v := s.Sigma(t)*s.Sigma(t) - r*r*s.Sigma(to)*s.Sigma(to)
		// The Gaussians in x_s, of precision w and mean a·x_t + b·x̂0.
		w, a, b := []float64{(1 - sum) * r * r / v}, []float64{1 / r}, []float64{0}
		whole, constant := w[0], -(1-sum)*math.Log(2*math.Pi*v)
		for j, f := range p {
			aj, bj, std := chains[j].Kernel.Coefficients(s, t, to)
			if !(std > 0) {
				return nil, fmt.Errorf("step %d of the chain has no noise (%T), so a product has no density there; use diffusion.Matched{}", i+1, chains[j].Kernel)
			}
			w, a, b = append(w, f.Power/(std*std)), append(a, aj), append(b, bj)
			whole, constant = whole+w[j+1], constant-f.Power*math.Log(2*math.Pi*std*std)
		}
		if !(whole > 0) {
			return nil, fmt.Errorf("the product cannot be normalised: at step %d of the chain its precision is %.3g", i+1, whole)
		}
		row := []float64{t, s.Alpha(t), s.Sigma(t), 1 / math.Sqrt(whole), 0, 0, .5 * d * (constant + math.Log(2*math.Pi/whole)), r, math.Sqrt(v)}
		for j := range w {
			row[4] += w[j] * a[j] / whole
			if j > 0 {
				row[5] += w[j] * b[j] / whole
				row = append(row, w[j]*b[j]/whole)
			}
		}
		for k := 1; k < len(w); k++ {
			for j := range k {
				row = append(row, w[j]*w[k]/whole, a[j]-a[k], b[j], b[k])
			}
		}
		out.rows = append(out.rows, nil)
		for _, v := range row {
			out.rows[i] = append(out.rows[i], float32(v))
		}
	}
	return out, out.start(grid[0])
}

// schedule is the noise process of all factors. Priors that know their law at every level take any; where all do, it is that of the widest.
func (p Product) schedule(asked odslib.Schedule) (out odslib.Schedule, err error) {
	if asked != nil {
		return asked, nil
	}
	owner, widest := -1, 0.
	for j, f := range p {
		if _, any := f.Prior.(odslib.Marginal); any {
			if v := diffusion.Variance(f.Prior); owner < 0 && v > widest {
				out, widest = f.Prior.Schedule(), v
			}
			continue
		}
		own := f.Prior.Schedule()
		if owner < 0 {
			owner, out = j, own
		}
		for t := .05; t <= 1; t += .05 {
			if far := math.Abs(own.Alpha(t)-out.Alpha(t)) + math.Abs(own.Sigma(t)-out.Sigma(t)); far > 1e-6*(1+out.Sigma(t)) {
				return nil, fmt.Errorf("factors %d and %d of the product have different noise processes (%T, %T), which one chain cannot follow", owner+1, j+1, out, own)
			}
		}
	}
	return out, nil
}

// start multiplies what the factors are at the noisiest level, N(α·mean, α²·std²+σ²) each, or N(0, σ²) where they do not know their moments.
func (p *corrected) start(t float64) error {
	alpha, sigma := p.chain.Schedule.Alpha(t), p.chain.Schedule.Sigma(t)
	d := engine.NewArray(append([]int{1}, p.Shape()...)...).Dim()
	mean, std := make([]float64, d), make([]float64, d)
	for i := range d {
		precision := 0.
		for _, f := range p.Product {
			m, v := 0., sigma*sigma
			if known, ok := f.Prior.(odslib.Moments); ok {
				means, stds := known.Moments()
				m, v = alpha*means[i], alpha*alpha*stds[i]*stds[i]+v
			}
			precision += f.Power / v
			mean[i] += f.Power * m / v
			p.startMass -= .5 * f.Power * (math.Log(2*math.Pi*v) + m*m/v)
		}
		if !(precision > 0) {
			return fmt.Errorf("the product cannot be normalised: at the start its precision is %.3g", precision)
		}
		mean[i] /= precision
		std[i] = 1 / math.Sqrt(precision)
		p.startMass += .5 * (precision*mean[i]*mean[i] + math.Log(2*math.Pi/precision))
	}
	p.params = append(p.params, engine.Param{Name: "start_mean", Value: engine.FromVector(mean).Reshape(p.Shape()...)},
		engine.Param{Name: "start_std", Value: engine.FromVector(std).Reshape(p.Shape()...)})
	return nil
}
