package priors_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	"odslab/odslib/priors"
)

// TestSharpMeasurement: N(0, I), y = .6x₁ + .8x₂ = 2 with error σ: mean 2·(.6, .8)/(1+σ²), log Z = log N(2; 0, 1+σ²), variance
// σ²/(1+σ²) along the row and 1 across, whatever σ.
func TestSharpMeasurement(t *testing.T) {
	for _, sigma := range []float64{1e-12, 1e-8, 1e-3, 1, 1e6, 1e12} {
		c := constraint.Gaussian{A: constraint.Matrix{{.6, .8}}, Y: []float64{2}, Sigma: sigma}
		v := 1 + sigma*sigma
		logZ := -.5 * (4/v + math.Log(2*math.Pi*v))
		for _, prior := range []odslib.Prior{priors.Gaussian([]float64{0, 0}, 1), priors.Affine{W: [][]float64{{1, 0}, {0, 1}}}} {
			p, got, err := odslib.Given(prior, c).Exact()
			if err != nil {
				t.Fatal(err)
			}
			var mean, variance []float64
			switch p := p.(type) {
			case *priors.Mixture:
				mean, variance = p.Means[0], slices.Clone(p.Variances[0])
			case priors.Affine:
				mean = p.B
				var f mat.SVD
				f.Factorize(mat.NewDense(2, 2, slices.Concat(p.W...)), mat.SVDNone)
				for _, s := range f.Values(nil) {
					variance = append(variance, s*s)
				}
			}
			what := fmt.Sprintf("σ=%g, %T: ", sigma, prior)
			near(t, what+"log Z", got, logZ, 1e-7)
			near(t, what+"mean", mean[0], 1.2/v, 1e-7)
			near(t, what+"mean", mean[1], 1.6/v, 1e-7)
			slices.Sort(variance)
			near(t, what+"variance along", variance[0]/(sigma*sigma/v), 1, 1e-3)
			near(t, what+"variance across", variance[1], 1, 1e-9)
		}
	}
}

// randomMixture has full covariances of its own for each component.
func randomMixture(d, k int, seed uint64) *priors.Mixture {
	rng, m := engine.RNG(seed, "test"), &priors.Mixture{}
	for range k {
		m.Weights = append(m.Weights, rng.Float64()+.1)
		mean, variance, g := make([]float64, d), make([]float64, d), mat.NewDense(d, d, nil)
		for i := range d {
			mean[i], variance[i] = 3*rng.NormFloat64(), .2+rng.Float64()
			for j := range d {
				g.Set(i, j, rng.NormFloat64())
			}
		}
		var qr mat.QR
		var q mat.Dense
		qr.Factorize(g)
		qr.QTo(&q)
		axes := make([]float64, 0, d*d)
		for i := range d {
			axes = append(axes, mat.Row(nil, i, &q)...)
		}
		m.Means, m.Variances, m.Axes = append(m.Means, mean), append(m.Variances, variance), append(m.Axes, axes)
	}
	return m
}

func covariance(m *priors.Mixture, k int) *mat.Dense {
	d := len(m.Means[k])
	q, out := mat.NewDense(d, d, nil), mat.NewDense(d, d, nil)
	for i := range d {
		for j := range d {
			if m.Axes != nil {
				q.Set(i, j, m.Axes[k][i*d+j])
			} else if i == j {
				q.Set(i, j, 1)
			}
		}
	}
	out.Mul(q, mat.NewDiagDense(d, m.Variances[k]))
	out.Mul(out, q.T())
	return out
}

// TestConditioningAgainstTheTextbook: Σ − ΣAᵀ(AΣAᵀ+R)⁻¹AΣ and its mean and evidence, written out with a Cholesky factor, for
// more and fewer measurements than dimensions, rank-deficient ones, and several σ.
func TestConditioningAgainstTheTextbook(t *testing.T) {
	rng := engine.RNG(2, "test")
	for _, size := range []struct{ d, m, rank int }{{1, 1, 1}, {5, 1, 1}, {5, 3, 3}, {5, 5, 2}, {3, 7, 3}, {20, 4, 4}, {4, 9, 2}} {
		prior := randomMixture(size.d, 3, uint64(size.d*size.m))
		left, right := mat.NewDense(size.m, size.rank, nil), mat.NewDense(size.rank, size.d, nil)
		left.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, left)
		right.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, right)
		var a mat.Dense
		a.Mul(left, right)
		c, r := constraint.Gaussian{}, mat.NewDense(size.m, size.m, nil)
		for i := range size.m {
			c.A = append(matrix(c.A), mat.Row(nil, i, &a))
			c.Y = append(c.Y, rng.NormFloat64())
			c.Sigmas = append(c.Sigmas, math.Pow(10, -1+1.5*rng.Float64()))
			r.Set(i, i, c.Sigmas[i]*c.Sigmas[i])
		}
		got, logZ, err := odslib.Given(prior, c).Exact()
		if err != nil {
			t.Fatal(err)
		}
		// A sum of one measurement a row is the same posterior.
		var rows constraint.All
		for i := range size.m {
			rows = append(rows, constraint.Gaussian{A: constraint.Matrix{mat.Row(nil, i, &a)}, Y: c.Y[i : i+1], Sigma: c.Sigmas[i]})
		}
		_, again, err := odslib.Given(prior, rows).Exact()
		if err != nil {
			t.Fatal(err)
		}
		near(t, "log Z of the rows", again, logZ, 1e-8*(1+math.Abs(logZ)))
		logs := make([]float64, 3)
		for k := range 3 {
			sigma := covariance(prior, k)
			var as, s, gain, cut mat.Dense
			as.Mul(&a, sigma)
			s.Mul(&as, a.T())
			s.Add(&s, r)
			sym := mat.NewSymDense(size.m, nil)
			for i := range size.m {
				for j := i; j < size.m; j++ {
					sym.SetSym(i, j, .5*(s.At(i, j)+s.At(j, i)))
				}
			}
			var chol mat.Cholesky
			if !chol.Factorize(sym) {
				t.Fatal("not positive")
			}
			var res, w, mean mat.VecDense
			res.MulVec(&a, mat.NewVecDense(size.d, prior.Means[k]))
			res.SubVec(mat.NewVecDense(size.m, c.Y), &res)
			if err := chol.SolveVecTo(&w, &res); err != nil {
				t.Fatal(err)
			}
			mean.MulVec(as.T(), &w)
			mean.AddVec(&mean, mat.NewVecDense(size.d, prior.Means[k]))
			if err := chol.SolveTo(&gain, &as); err != nil {
				t.Fatal(err)
			}
			cut.Mul(as.T(), &gain)
			cut.Sub(sigma, &cut)
			post := got.(*priors.Mixture)
			cov := covariance(post, k)
			for i := range size.d {
				near(t, fmt.Sprintf("%+v mean", size), post.Means[k][i], mean.AtVec(i), 1e-8*(1+math.Abs(mean.AtVec(i))))
				for j := range size.d {
					near(t, fmt.Sprintf("%+v covariance", size), cov.At(i, j), cut.At(i, j), 1e-8)
				}
			}
			logs[k] = math.Log(prior.Probabilities()[k]) - .5*(mat.Dot(&res, &w)+chol.LogDet()+float64(size.m)*math.Log(2*math.Pi))
		}
		top := slices.Max(logs)
		want := top + math.Log(math.Exp(logs[0]-top)+math.Exp(logs[1]-top)+math.Exp(logs[2]-top))
		near(t, fmt.Sprintf("%+v log Z", size), logZ, want, 1e-8*(1+math.Abs(want)))
	}
}

func matrix(a constraint.Operator) constraint.Matrix {
	m, _ := a.(constraint.Matrix)
	return m
}

// TestManyScales: measurements whose σ differ by 20 orders of magnitude: each is met as closely as it says.
func TestManyScales(t *testing.T) {
	prior := priors.Gaussian(make([]float64, 4), 1)
	c := constraint.Gaussian{A: constraint.Matrix{{1, 1, 0, 0}, {0, 1, 1, 0}, {0, 0, 0, 1}}, Y: []float64{1, 2, 3}, Sigmas: []float64{1e-14, 1, 1e6}}
	p, logZ, err := odslib.Given(prior, c).Exact()
	if err != nil {
		t.Fatal(err)
	}
	// x₁+x₂ = 1 exactly leaves (½, ½) and the variance ½ along (1, −1); x₂+x₃ has then mean ½ and variance 1½.
	mean := p.(*priors.Mixture).Means[0]
	gain := 1.5 / 2.5
	near(t, "x₁", mean[0], .5-.5*gain, 1e-9)
	near(t, "x₂", mean[1], .5+.5*gain, 1e-9)
	near(t, "x₃", mean[2], gain, 1e-9)
	near(t, "x₄", mean[3], 3/(1+1e12), 1e-9)
	want := 0.
	for _, v := range [][2]float64{{1, 2}, {1.5, 2.5}, {3, 1e12 + 1}} {
		want -= .5 * (v[0]*v[0]/v[1] + math.Log(2*math.Pi*v[1]))
	}
	near(t, "log Z", logZ, want, 1e-8)
}

// TestNoComponentIsLost: an exact measurement of every coordinate leaves no variance, and yet all components, which can be
// sampled and denoised; between two copies of a mode the weights stay even.
func TestNoComponentIsLost(t *testing.T) {
	prior := priors.Isotropic(nil, [][]float64{{-3, 0}, {3, 0}, {0, 8}}, 1)
	c := constraint.Gaussian{A: constraint.Matrix{{1, 0}, {0, 1}, {1, 1}}, Y: []float64{0, 0, 0}, Sigma: 1e-200}
	if _, _, err := odslib.Given(prior, c).Exact(); err != nil && strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
	c.Sigma = 1e-17 // the least there is
	c.A, c.Y = constraint.Identity{}, []float64{0, 0}
	p, _, err := odslib.Given(prior, c).Exact()
	if err != nil {
		t.Fatal(err)
	}
	m := p.(*priors.Mixture)
	if err := m.Err(); err != nil || len(m.Means) != 3 {
		t.Fatalf("%d components, %v", len(m.Means), err)
	}
	near(t, "weight", m.Weights[0], .5, 1e-9)
	near(t, "weight", m.Weights[1], .5, 1e-9)
	x, err := m.Sample(context.Background(), 100, 1)
	if err != nil || x.NonFinite() > 0 {
		t.Errorf("%v, %v", x, err)
	}
	x0, err := priors.Denoised(m, x, .5)
	if err != nil || x0.NonFinite() > 0 {
		t.Errorf("%v, %v", x0, err)
	}
}

// TestSumsOfKinds: a sharp measurement and a quadratic reward together are one after the other, on mixtures and generators,
// in x and in the noise.
func TestSumsOfKinds(t *testing.T) {
	sharp := constraint.Gaussian{A: constraint.Matrix{{.6, .8, 0}}, Y: []float64{2}, Sigma: 1e-8}
	tilt := constraint.Tilt{Linear: []float64{1, 0, 2}, Precision: []float64{.5, 0, -.3}, Center: []float64{1, 0, 0}}
	for _, prior := range []odslib.Prior{randomMixture(3, 2, 1), priors.Affine{W: [][]float64{{1, 0}, {.3, 2}, {1, 1}}, B: []float64{1, 2, 3}}} {
		first, a, err := odslib.Given(prior, sharp).Exact()
		if err != nil {
			t.Fatal(err)
		}
		second, b, err := odslib.Given(first, tilt).Exact()
		if err != nil {
			t.Fatal(err)
		}
		for _, all := range []constraint.All{{sharp, tilt}, {tilt, sharp}, {constraint.All{tilt}, constraint.All{sharp}}} {
			post, logZ, err := odslib.Given(prior, all).Exact()
			if err != nil {
				t.Fatal(err)
			}
			near(t, "log Z", logZ, a+b, 1e-7*(1+math.Abs(a+b)))
			switch p := post.(type) {
			case *priors.Mixture:
				for k := range p.Means {
					for i, v := range p.Means[k] {
						near(t, "mean", v, second.(*priors.Mixture).Means[k][i], 1e-6)
					}
				}
			case priors.Affine:
				for i, v := range p.B {
					near(t, "mean", v, second.(priors.Affine).B[i], 1e-6)
				}
				in, err := odslib.Given(prior, all).Inside()
				if err != nil {
					t.Fatal(err)
				}
				noise, inner, err := in.Exact()
				if err != nil || math.Abs(inner-logZ) > 1e-12 {
					t.Fatalf("inside: log Z %g, %v", inner, err)
				}
				z := odslib.Array{Shape: []int{1, 2}}
				for _, v := range noise.(priors.Affine).B {
					z.Data = append(z.Data, float32(v))
				}
				x, err := in.Out(context.Background(), z)
				if err != nil {
					t.Fatal(err)
				}
				for i, v := range p.B {
					near(t, "x of the mean noise", float64(x.Data[i]), v, 1e-4)
				}
			}
		}
	}
	c := constraint.All{constraint.Tilt{Precision: []float64{-9, 0}}, constraint.Gaussian{A: constraint.Identity{}, Y: []float64{1, 1}, Sigma: .2}}
	if _, _, err := odslib.Given(priors.Gaussian([]float64{0, 0}, 1), c).Exact(); err != nil {
		t.Errorf("a reward that outgrows the prior but not the measurement: %v", err)
	}
	if _, _, err := odslib.Given(priors.Gaussian([]float64{0, 0}, 1), c[0]).Exact(); err == nil || !strings.Contains(err.Error(), "no finite mass") {
		t.Errorf("a reward that outgrows the prior: %v", err)
	}
}

// TestLargeConditioning: 25 components in 800 dimensions share one factorisation.
func TestLargeConditioning(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const d = 800
	means := make([][]float64, 25)
	for k := range means {
		means[k] = make([]float64, d)
		for j := range means[k] {
			means[k][j] = 8 * float64([]int{k/5 - 2, k%5 - 2}[j%2])
		}
	}
	row := make([]float64, d)
	row[0], row[1] = .6, .8
	p, logZ, err := odslib.Given(priors.Isotropic(nil, means, 1), constraint.Gaussian{A: constraint.Matrix{row}, Y: []float64{2}, Sigma: .5}).Exact()
	if err != nil {
		t.Fatal(err)
	}
	want := 0.
	for k := range means {
		off := 2 - .6*means[k][0] - .8*means[k][1]
		want += math.Exp(-.5*off*off/1.25) / math.Sqrt(2*math.Pi*1.25) / 25
	}
	near(t, "log Z", logZ, math.Log(want), 1e-9)
	if err := p.(*priors.Mixture).Err(); err != nil {
		t.Error(err)
	}
}

// TestInverseCDFInside: exact noise of the posterior, decoded, is the exact posterior of x; log Z is the same.
func TestInverseCDFInside(t *testing.T) {
	post := odslib.Given(twoHills, constraint.Gaussian{A: constraint.Identity{}, Y: []float64{0, 0}, Sigma: 1})
	in, err := post.Inside()
	if err != nil {
		t.Fatal(err)
	}
	noise, logZ, err := in.Exact()
	if err != nil {
		t.Fatal(err)
	}
	near(t, "log Z", logZ, 2*-2.029282, 2e-6)
	const n = 20000
	z, err := noise.Sample(context.Background(), n, 3)
	if err != nil {
		t.Fatal(err)
	}
	x, err := in.Out(context.Background(), z)
	if err != nil {
		t.Fatal(err)
	}
	truth, _, err := post.Exact()
	if err != nil {
		t.Fatal(err)
	}
	same, err := truth.Sample(context.Background(), n, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range x.Data {
		near(t, "x", float64(x.Data[i]), float64(same.Data[i]), 1e-3)
	}
	// Importance weights of prior noise give the same mean of z.
	var sum, mean float64
	ends := odslib.Result{Samples: z}
	pz, err := odslib.Normal{Dims: []int{2}}.Sample(context.Background(), 1<<16, 4)
	if err != nil {
		t.Fatal(err)
	}
	r, err := in.Rewards(context.Background(), pz)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range r {
		sum += math.Exp(l)
		mean += math.Exp(l) * float64(pz.Row(i)[0])
	}
	near(t, "mean of z", ends.Mean()[0], mean/sum, .03)
}

func TestMixtureRefusesAxes(t *testing.T) {
	base := func() *priors.Mixture {
		return &priors.Mixture{Means: [][]float64{{0, 0}}, Variances: [][]float64{{1, 2}}, Axes: [][]float64{{.6, -.8, .8, .6}}}
	}
	if err := base().Err(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(m *priors.Mixture){
		"not orthonormal":        func(m *priors.Mixture) { m.Axes[0] = []float64{1, 1, 0, 1} },
		"axes of component 0 ar": func(m *priors.Mixture) { m.Axes[0] = []float64{2, 0, 0, 2} },
		"are not orthonormal":    func(m *priors.Mixture) { m.Axes[0] = []float64{math.NaN(), 0, 0, 1} },
		"have 3 numbers":         func(m *priors.Mixture) { m.Axes[0] = []float64{1, 0, 0} },
		"axes of 2 components":   func(m *priors.Mixture) { m.Axes = append(m.Axes, m.Axes[0]) },
		"mean 1 of component 0":  func(m *priors.Mixture) { m.Means[0][1] = math.Inf(1) },
		"positive and finite":    func(m *priors.Mixture) { m.Variances[0][1] = math.Inf(1) },
	} {
		m := base()
		change(m)
		if err := odslib.Given(m, nil).Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}
