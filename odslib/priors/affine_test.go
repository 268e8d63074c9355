package priors_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/priors"
)

// affineCase is the generator and the measurement of the closed form below: W_ij = cos((i+1)(j+1))/√8, b_i = sin(i/2),
// six exact observations of even coordinates under σ = .1.
func affineCase() (priors.Affine, constraint.Gaussian) {
	a := priors.Affine{}
	for i := range 16 {
		row := make([]float64, 8)
		for j := range row {
			row[j] = math.Cos(float64((i+1)*(j+1))) / math.Sqrt(8)
		}
		a.W, a.B = append(a.W, row), append(a.B, math.Sin(.5*float64(i)))
	}
	c := constraint.Gaussian{A: constraint.Mask{Keep: make([]bool, 16)}, Sigma: .1}
	for i := 0; i <= 10; i += 2 {
		c.A.(constraint.Mask).Keep[i] = true
		y := a.B[i]
		for j, w := range a.W[i] {
			y += w * math.Sin(float64(j+1))
		}
		c.Y = append(c.Y, y)
	}
	return a, c
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.7g, want %.7g ± %.2g", what, got, want, tolerance)
	}
}

func TestAffinePosterior(t *testing.T) {
	a, c := affineCase()
	noise, logZ, err := a.ExactNoise(c)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "log Z", logZ, -5.030087, 1e-6)
	for j, want := range []float64{.47340, .55321, .15031, -.97741, -1.16017, -.25207, .57331, .89369} {
		near(t, "E[z|y]", noise.B[j], want, 6e-6)
	}
	trace := func(a priors.Affine) (sum float64) {
		for _, row := range a.W {
			for _, w := range row {
				sum += w * w
			}
		}
		return sum
	}
	near(t, "tr Cov z", trace(noise), 2.184034, 1e-6)
	post, logZ2, err := a.Exact(c)
	if err != nil || logZ2 != logZ {
		t.Fatal(logZ2, err)
	}
	near(t, "tr Cov x", trace(post.(priors.Affine)), 1.739981, 1e-6)

	_, _, err = a.Exact(constraint.StudentT{A: c.A, Y: c.Y, Nu: 3, Scale: 1})
	if !errors.Is(err, odslib.ErrNoClosedForm) {
		t.Errorf("Student-t: %v", err)
	}
	p := make([]float64, 16)
	for i := range p {
		p[i] = -10
	}
	if _, _, err := a.Exact(constraint.Tilt{Precision: p}); err == nil {
		t.Error("a reward that outgrows the prior has a posterior")
	}
}

// generate runs the generator's graph, and the gradient of the sum of its outputs.
func generate(t *testing.T, g interface {
	odslib.Generator
	odslib.Parametrised
}, z odslib.Array,
) (x, grad odslib.Array) {
	t.Helper()
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.NewProgram(e, g.Params(), func(scope *odslib.Scope, in []*odslib.Node) []*odslib.Node {
		x := g.Generate(scope, in[0])
		return []*odslib.Node{x, graph.Gradient(graph.ReduceAllSum(x), in[0])[0]}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out, err := p.Call(z.Tensor())
	if err != nil {
		t.Fatal(err)
	}
	if x, err = engine.ToArray(out[0]); err != nil {
		t.Fatal(err)
	}
	if grad, err = engine.ToArray(out[1]); err != nil {
		t.Fatal(err)
	}
	return x, grad
}

func TestAffineGenerates(t *testing.T) {
	a, _ := affineCase()
	z := engine.NewArray(5, 8)
	rng := engine.RNG(1, "test")
	for i := range z.Data {
		z.Data[i] = float32(rng.NormFloat64())
	}
	x, grad := generate(t, a, z)
	want, err := a.GenerateHost(context.Background(), z)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want.Data {
		near(t, "x", float64(x.Data[i]), float64(want.Data[i]), 2e-6)
	}
	for j := range 8 {
		sum := 0.
		for _, row := range a.W {
			sum += row[j]
		}
		near(t, "gradient", float64(grad.Row(3)[j]), sum, 2e-6)
	}
	sample, err := a.Sample(context.Background(), 20000, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := odslib.Result{Samples: sample}
	for i, m := range r.Mean() {
		near(t, "mean", m, a.B[i], .03)
	}
}

func TestAffineRefusals(t *testing.T) {
	for _, bad := range []priors.Affine{{}, {W: [][]float64{{1, 2}, {3}}}, {W: [][]float64{{1}}, B: []float64{1, 2}}, {W: [][]float64{{math.NaN()}}}} {
		if _, err := bad.Sample(context.Background(), 1, 1); err == nil {
			t.Errorf("%v samples", bad)
		}
		if odslib.Given(bad, nil).Check() == nil {
			t.Errorf("%v passes", bad)
		}
	}
}
