package plotting

import (
	"context"
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/mcmc"
	"odslab/odslib/priors"
)

// A generator on the host side of a plot: the noise and the data of its draws stand side by side, and what has no plane is refused.
func TestNoiseMap(t *testing.T) {
	post := odslib.Given(priors.Affine{W: [][]float64{{2, 0}, {1, 1}}}, constraint.Gaussian{A: constraint.Matrix{{1, 0}}, Y: []float64{2}, Sigma: .5})
	r, err := mcmc.RandomWalk{Walkers: mcmc.Walkers{Chains: 20, Burn: 50, Thin: 1}}.Sample(context.Background(), post, 100, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := NoiseMap(post, r, Count(80))
	if f.Err() != nil || !strings.Contains(f.String(), "80 draws of random walk") {
		t.Fatalf("%v: %v", f, f.Err())
	}
	if box, err := f.encode("svg"); err != nil || strings.Count(string(box), "<path") < 20 {
		t.Errorf("the lattice is missing: %d bytes, %v", len(box), err)
	}
	wide := odslib.Given(priors.Affine{W: [][]float64{{2, 0, 1}, {1, 1, 1}}}, post.Constraint)
	three, err := mcmc.RandomWalk{Walkers: mcmc.Walkers{Chains: 20, Burn: 10, Thin: 1}}.Sample(context.Background(), wide, 100, 1)
	if err != nil {
		t.Fatal(err)
	}
	bare := *r
	bare.Noise = nil
	for want, f := range map[string]*Figure{
		"z has 3 variables and x 2": NoiseMap(wide, three), "holds no noise": NoiseMap(post, &bare), "no noise": NoiseWalk(post, nil),
		"are not images": NoiseWalk(post, r), "option Rows": NoiseWalk(post, r, Rows(2)),
	} {
		if err := f.Err(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
}

// A walk begins at the image of a draw of the prior and ends at that of the posterior's.
func TestNoiseWalk(t *testing.T) {
	w := make([][]float64, 9)
	for i := range w {
		w[i] = []float64{math.Sin(float64(i)), 1}
	}
	post := odslib.Given(priors.Affine{W: w}, constraint.Gaussian{A: constraint.Identity{}, Y: make([]float64, 9), Sigma: 1})
	r, err := mcmc.PCN{Walkers: mcmc.Walkers{Chains: 20, Burn: 10, Thin: 1}}.Sample(context.Background(), post, 40, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := NoiseWalk(post, r, Count(2), Columns(5))
	if f.Err() != nil || !strings.Contains(f.String(), "10 images of walk 1, walk 2") {
		t.Errorf("%v: %v", f, f.Err())
	}
}
