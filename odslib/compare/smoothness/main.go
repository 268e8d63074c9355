// Command smoothness attacks one posterior in the noise of its generator and in the data, by the same chains, and prints what the two
// log-densities look like to them. The posterior is T11: x = F⁻¹(Φ(z)) by coordinates, two hills each, measured with error 1; in the
// data its prior is the mixture itself, with its density.
//
//	go run ./odslib/compare/smoothness [-d 1,2,4] [-moves 2000]
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"odslab/odslib"
	"odslab/odslib/compare"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/exact"
	"odslab/odslib/mcmc"
	"odslab/odslib/priors"
	"odslab/odslib/smc"
)

func main() {
	dims := flag.String("d", "1,2,4", "numbers of coordinates")
	moves := flag.Int("moves", 1000, "of each of a hundred chains, half of it burn-in")
	flag.Parse()
	if err := run(context.Background(), *dims, *moves); err != nil {
		fmt.Fprintln(os.Stderr, "smoothness:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dims string, moves int) error {
	fmt.Print("| d | space | barrier | not concave | condition | stiffest / softest |\n|---|---|---|---|---|---|\n")
	var rows strings.Builder
	for _, text := range strings.Split(dims, ",") {
		d, err := strconv.Atoi(text)
		if err != nil || d < 1 || d > 10 {
			return fmt.Errorf("-d %q: whole numbers from 1 to 10", dims)
		}
		c := exact.T11(d)
		if err := curvature(ctx, c, d); err != nil {
			return err
		}
		if err := attack(ctx, &rows, c, d, moves); err != nil {
			return err
		}
	}
	fmt.Print("\n| d | method | space | hills met by a chain | hills off | bulk ESS | evaluations | ESS per 1000 evaluations |\n|---|---|---|---|---|---|---|---|\n", rows.String())
	return nil
}

// curvature prints the shape of both log-densities at exact draws of the posterior, and between the hills' means.
func curvature(ctx context.Context, c exact.Case, d int) error {
	truth, _, err := c.Exact()
	if err != nil {
		return err
	}
	x, err := truth.Sample(ctx, 2000, 1)
	if err != nil {
		return err
	}
	line := c.Each.Prior.(priors.InverseCDF)
	logr := func(x float64) float64 { return -.5 * x * x }
	inData := func(x float64) float64 {
		p := 0.
		for k, w := range line.Weights {
			p += w * math.Exp(-.5*(x-line.Means[k])*(x-line.Means[k])/line.Variances[k]) / math.Sqrt(line.Variances[k])
		}
		return math.Log(p) + logr(x)
	}
	of := func(z float64) float64 {
		a, _ := line.GenerateHost(ctx, engine.FromVector([]float64{z}).Reshape(1, 1))
		return float64(a.Data[0])
	}
	inNoise := func(z float64) float64 { return -.5*z*z + logr(of(z)) }
	noise := func(x float64) float64 { // z of x, by bisection: of rises
		low, high := -8., 8.
		for range 50 {
			if mid := .5 * (low + high); of(mid) < x {
				low = mid
			} else {
				high = mid
			}
		}
		return .5 * (low + high)
	}
	z := x.Clone()
	for i, v := range z.Data {
		z.Data[i] = float32(noise(float64(v)))
	}
	for _, s := range []struct {
		name     string
		f        func(float64) float64
		at       odslib.Array
		from, to float64
	}{{"x", inData, x, -1.6, .914634}, {"z", inNoise, z, noise(-1.6), noise(.914634)}} {
		k := compare.CurvatureOf(s.f, s.at, s.from, s.to)
		condition := "–"
		if !math.IsNaN(k.Condition) {
			condition = fmt.Sprintf("%.3g", k.Condition)
		}
		fmt.Printf("| %d | %s | %.2f | %.2f | %s | %.3g / %.2g |\n", d, s.name, k.Barrier, k.Hollow, condition, k.Stiff, k.Soft)
	}
	return nil
}

// attack runs the same chains in both spaces.
func attack(ctx context.Context, out *strings.Builder, c exact.Case, d, moves int) error {
	mixture, err := c.Post.Prior.(priors.InverseCDF).Product()
	if err != nil {
		return err
	}
	borders, shares, _ := c.Hills()
	const chains = 100
	w := mcmc.Walkers{Chains: chains, Burn: moves / 2, Thin: 5}
	n := chains * (moves / 2 / w.Thin)
	for _, m := range []struct {
		name string
		s    odslib.Sampler
	}{
		{"random walk", mcmc.RandomWalk{Walkers: w}},
		{"MALA", mcmc.MALA{Walkers: w}},
		{"HMC", mcmc.HMC{Walkers: w}},
		{"tempering by random walk", smc.Tempering{Particles: n / 4}},
	} {
		for _, space := range []struct {
			name string
			post odslib.Posterior
		}{{"x", odslib.Given(mixture, c.Post.Constraint)}, {"z", c.Post}} {
			r, err := m.s.Sample(ctx, space.post, n, 1)
			if err != nil {
				return err
			}
			met, of := compare.Visited(r.Samples, chains, borders, shares)
			hills, off := fmt.Sprintf("%.2f of %d", met, of), 0.
			if _, tempered := m.s.(smc.Tempering); tempered {
				hills = "–"
			}
			for j := range d {
				left := 0.
				for _, v := range r.Samples.Column(j) {
					if v < borders[0] {
						left += 1 / float64(n)
					}
				}
				off = math.Max(off, math.Abs(left-shares[0]))
			}
			fmt.Fprintf(out, "| %d | %s | %s | %s | %.3f | %.0f | %d | %.2f |\n", d, m.name, space.name, hills, off, r.ESS, r.ConstraintEvals, 1000*r.ESS/float64(r.ConstraintEvals))
		}
	}
	return nil
}
