package twist_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/exact"
	"odslab/odslib/priors"
	"odslab/odslib/twist"
)

// evaluate gives log ψ_t and its gradient at x [n, d], time t.
func evaluate(t *testing.T, post odslib.Posterior, tw twist.Twist, x odslib.Array, at float64, given *odslib.Array) (log []float64, grad odslib.Array) {
	t.Helper()
	b, err := tw.Bind(post, 1)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := post.Prior.(odslib.Diffusion).Schedule()
	p, err := engine.NewProgram(e, append(post.Params(), b.Params().Under("twist")...), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		x, n := in[0], in[0].Shape().Dimensions[0]
		level := func(i int) *odslib.Node { return graph.BroadcastToDims(in[i], n) }
		l := odslib.Level{T: level(1), Alpha: level(2), Sigma: level(3)}
		own := l
		for i := range b.Columns() {
			l.Extra = append(l.Extra, level(4+i))
		}
		if k := 4 + len(b.Columns()); len(in) > k {
			l.Given = in[k]
		}
		logTwist := b.LogTwist(scope, x, post.Denoise(scope, x, own), l)
		return []*engine.Node{logTwist, graph.Gradient(graph.ReduceAllSum(logTwist), x)[0]}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	args := []any{x.Tensor(), float32(at), float32(s.Alpha(at)), float32(s.Sigma(at))}
	for _, c := range b.Columns() {
		args = append(args, float32(c(at)))
	}
	if given != nil {
		args = append(args, given.Tensor())
	}
	out, err := p.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	a, err := engine.ToArray(out[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range a.Data {
		log = append(log, float64(v))
	}
	grad, err = engine.ToArray(out[1])
	if err != nil {
		t.Fatal(err)
	}
	return log, grad
}

func normals(seed uint64, scale float64, shape ...int) odslib.Array {
	x, rng := engine.NewArray(shape...), engine.RNG(seed, "test")
	for i := range x.Data {
		x.Data[i] = float32(scale * rng.NormFloat64())
	}
	return x
}

// For the prior N(μ, Σ), the measurement given x_t is N(A·E[x_0|x_t], A·C·Aᵀ + σ²) with C = Σ − α²Σ(α²Σ+σ_t²)⁻¹Σ, by hand.
// The covariance twist is that density for any Σ, the isotropic one for Σ = vI; gradients are differences of it.
func TestAgainstGaussianAlgebra(t *testing.T) {
	rows := constraint.Matrix{{1, -2, .5}, {0, 1, 1}}
	y := []float64{.7, -1.2}
	const sigma = .4
	mu := []float64{.5, -1, 2}
	for name, c := range map[string]struct {
		tw        twist.Twist
		variances []float64
	}{
		"covariance":            {twist.Covariance{}, []float64{.3, 2, 9}},
		"quadratic":             {twist.Quadratic{}, []float64{.3, 2, 9}},
		"isotropic":             {twist.Isotropic{}, []float64{1, 1, 1}},
		"isotropic, variance 4": {twist.Isotropic{Variance: 4}, []float64{4, 4, 4}},
	} {
		prior := &priors.Mixture{Means: [][]float64{mu}, Variances: [][]float64{c.variances}}
		post := odslib.Given(prior, constraint.Gaussian{A: rows, Y: y, Sigma: sigma})
		s := prior.Schedule()
		for _, at := range []float64{.02, .3, .7, 1} {
			alpha, st := s.Alpha(at), s.Sigma(at)
			want := func(x []float64) float64 {
				mean, cov := mat.NewVecDense(2, nil), mat.NewSymDense(2, nil)
				for i := range 2 {
					m := 0.
					for k := range 3 {
						v := c.variances[k]
						total := alpha*alpha*v + st*st
						m += rows[i][k] * (mu[k] + alpha*v/total*(x[k]-alpha*mu[k]))
					}
					mean.SetVec(i, y[i]-m)
					for j := i; j < 2; j++ {
						sum := 0.
						for k := range 3 {
							v := c.variances[k]
							sum += rows[i][k] * rows[j][k] * v * st * st / (alpha*alpha*v + st*st)
						}
						if i == j {
							sum += sigma * sigma
						}
						cov.SetSym(i, j, sum)
					}
				}
				var chol mat.Cholesky
				chol.Factorize(cov)
				var solved mat.VecDense
				if err := chol.SolveVecTo(&solved, mean); err != nil {
					t.Fatal(err)
				}
				return -.5*mat.Dot(mean, &solved) - .5*chol.LogDet() - math.Log(2*math.Pi)
			}
			x := normals(3, 1.5, 5, 3)
			log, grad := evaluate(t, post, c.tw, x, at, nil)
			for i := range 5 {
				row := x.Rows()[i]
				if w := want(row); math.Abs(log[i]-w) > 2e-4*(1+math.Abs(w)) {
					t.Errorf("%s, t=%g: log ψ %.5f, want %.5f", name, at, log[i], w)
				}
				for k := range 3 {
					up, down := append([]float64{}, row...), append([]float64{}, row...)
					up[k], down[k] = up[k]+1e-4, down[k]-1e-4
					w := (want(up) - want(down)) / 2e-4
					if g := float64(grad.Row(i)[k]); math.Abs(g-w) > 2e-3*(1+math.Abs(w)) {
						t.Errorf("%s, t=%g: gradient %d is %.5f, want %.5f", name, at, k, g, w)
					}
				}
			}
		}
	}
}

// Conjugate gradients of as many iterations as measured values are the factorisation, up to the factor that they leave out
// and to what float32 leaves of four iterations.
func TestIterationsGiveTheGradient(t *testing.T) {
	c, err := exact.T2(8, 4, 0)
	if err != nil {
		t.Fatal(err)
	}
	x := normals(4, 3, 6, 8)
	_, a := evaluate(t, c.Post, twist.Covariance{}, x, .3, nil)
	_, b := evaluate(t, c.Post, twist.Covariance{Iterations: 4}, x, .3, nil)
	for i := range a.Data {
		if d := math.Abs(float64(a.Data[i] - b.Data[i])); d > 5e-3*(1+math.Abs(float64(a.Data[i]))) {
			t.Errorf("gradient %d: %g by factorisation, %g by conjugate gradients", i, a.Data[i], b.Data[i])
		}
	}
}

// At t=0 every twist is log r itself, and rows with a y of their own have the twist of that y.
func TestEndsAndRows(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	prior := priors.Grid25()
	kind := constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5}
	post := odslib.Given(prior, kind)
	x := normals(5, 4, 7, 2)
	rewards, err := post.Rewards(context.Background(), x)
	if err != nil {
		t.Fatal(err)
	}
	ys := normals(6, 3, 7, 1)
	post.Given = &ys
	for _, tw := range []twist.Twist{twist.Point{}, twist.Tempered{}, twist.Isotropic{}, twist.Covariance{}, twist.MonteCarlo{}, twist.MonteCarlo{Smooth: true}, twist.Widened{}, twist.Widened{By: diffusion.VPLinear{}.Sigma}} {
		own := odslib.Given(prior, kind)
		log, _ := evaluate(t, own, tw, x, 0, nil)
		for i, w := range rewards {
			if math.Abs(log[i]-w) > 1e-3*(1+math.Abs(w)) {
				t.Errorf("%T at t=0: %.4f, log r is %.4f", tw, log[i], w)
			}
		}
		all, _ := evaluate(t, post, tw, x, .4, &ys)
		for i := range 7 {
			one, _ := evaluate(t, odslib.Given(prior, kind.At([]float64{float64(ys.Data[i])})), tw, x, .4, nil)
			if math.Abs(all[i]-one[i]) > 1e-4*(1+math.Abs(one[i])) {
				t.Errorf("%T, row %d: %.5f among rows, %.5f alone", tw, i, all[i], one[i])
			}
		}
	}
}

// TestSpreadOfOne: of one measured value Widened without By is the covariance twist, whose matrix is a number; of several it has
// the mean of the diagonal, on average over its random signs: exactly where A is orthogonal to itself.
func TestSpreadOfOne(t *testing.T) {
	one := odslib.Given(priors.Grid25(), constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5})
	both := odslib.Given(priors.Gaussian([]float64{1, -1}, 2), constraint.Gaussian{A: constraint.Identity{}, Y: []float64{3, 0}, Sigma: .5})
	x := normals(5, 4, 7, 2)
	for name, post := range map[string]odslib.Posterior{"one": one, "both": both} {
		for _, at := range []float64{.05, .3, .8} {
			a, _ := evaluate(t, post, twist.Covariance{}, x, at, nil)
			b, _ := evaluate(t, post, twist.Widened{}, x, at, nil)
			for i := range a {
				if math.Abs(a[i]-b[i]) > 1e-3*(1+math.Abs(a[i])) {
					t.Errorf("%s, t=%g: %.5f by covariance, %.5f widened", name, at, a[i], b[i])
				}
			}
		}
	}
}

// TestMonteCarloMean: many draws are the Gaussian integral that Isotropic has in closed form, and Smooth is near it with few.
// A learned denoiser's Jacobian has negative eigenvalues at places; ψ_t is finite there too.
func TestLearnedJacobian(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles")
	}
	prior := priors.Load("rings-flow").(*priors.Flow).Of
	for _, a := range []constraint.Matrix{{{1, 0}}, {{.3, -1}}, {{1, 0}, {1, 1}}} {
		post := odslib.Given(prior, constraint.Gaussian{A: a, Y: make([]float64, len(a)), Sigma: .1})
		log, grad := evaluate(t, post, twist.Covariance{}, normals(1, 1.5, 2000, 2), .4, nil)
		for i, l := range log {
			if math.IsNaN(l) || math.IsInf(l, 0) {
				t.Fatalf("%v, row %d: log ψ is %g", a, i, l)
			}
		}
		if n := grad.NonFinite(); n > 0 {
			t.Errorf("%v: %d values of the gradient are not finite", a, n)
		}
	}
	digits := odslib.Given(priors.Load("digits"), constraint.Gaussian{A: constraint.Downsample{Factor: 2}, Y: make([]float64, 16), Sigma: .1})
	for _, at := range []float64{.99, .5} { // a ratio of σ² to α that makes what is wrong with J large
		log, grad := evaluate(t, digits, twist.Covariance{}, normals(1, 1, 20, 8, 8, 1), at, nil)
		for i, l := range log {
			if math.IsNaN(l) || math.IsInf(l, 0) || grad.NonFinite() > 0 {
				t.Fatalf("16 values at t=%g, row %d: log ψ is %g", at, i, l)
			}
		}
	}
}

func TestMonteCarloMean(t *testing.T) {
	post := odslib.Given(priors.Gaussian([]float64{0, 0}, 1), constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{1}, Sigma: .5})
	x := normals(5, 1, 7, 2)
	for _, at := range []float64{.1, .4, .9} {
		want, _ := evaluate(t, post, twist.Isotropic{}, x, at, nil)
		many, _ := evaluate(t, post, twist.MonteCarlo{Draws: 400}, x, at, nil)
		few, _ := evaluate(t, post, twist.MonteCarlo{Draws: 32, Smooth: true}, x, at, nil)
		for i, w := range want {
			// The integrand's relative deviation is below 2 where y is in reach: a mean of 400 is known to .1, three of which are .3.
			if w > -6 && (math.Abs(many[i]-w) > .3 || math.Abs(few[i]-w) > .8) {
				t.Errorf("t=%g: %.3f by 400 draws, %.3f smoothed, want %.3f", at, many[i], few[i], w)
			}
		}
	}
}

// TestFor: the default by what there is.
func TestFor(t *testing.T) {
	grid, row := priors.Grid25(), constraint.Matrix{{1, -1}}
	wide := priors.Gaussian(make([]float64, 40), 3)
	for _, c := range []struct {
		want twist.Twist
		post odslib.Posterior
	}{
		{twist.Covariance{}, odslib.Given(grid, constraint.Gaussian{A: row, Y: []float64{1}, Sigma: 1})},
		{twist.Isotropic{Variance: 3}, odslib.Given(wide, constraint.Gaussian{A: constraint.Identity{}, Y: make([]float64, 40), Sigma: 1})},
		{twist.Quadratic{}, odslib.Given(grid, constraint.Tilt{Precision: []float64{1, 0}})},
		{twist.Quadratic{}, odslib.Given(grid, constraint.Tilt{Linear: []float64{1, 0}})},
		{twist.Tempered{}, odslib.Given(grid, constraint.Tilt{Precision: []float64{1, -1}})},
		{twist.MonteCarlo{Draws: 32, Smooth: true}, odslib.Given(grid, constraint.StudentT{A: row, Y: []float64{1}, Nu: 3, Scale: 1})},
		{twist.Tempered{}, odslib.Given(grid, constraint.HostReward{F: func([]float32) float64 { return 0 }})},
		{twist.Tempered{}, exact.T1().Post},
	} {
		got := twist.For(c.post)
		if i, ok := got.(twist.Isotropic); ok {
			got = twist.Isotropic{Variance: math.Round(i.Variance*1e6) / 1e6}
		}
		if got != c.want {
			t.Errorf("%v: %#v, want %#v", c.post, got, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	grid := priors.Grid25()
	row := constraint.Matrix{{1, -1}}
	student := odslib.Given(grid, constraint.StudentT{A: row, Y: []float64{1}, Nu: 3, Scale: 1})
	squared := odslib.Given(grid, constraint.Gaussian{A: constraint.Func{M: 1, F: func(x *odslib.Node) *odslib.Node {
		return graph.ReduceAndKeep(graph.Square(x), graph.ReduceSum, -1)
	}}, Y: []float64{1}, Sigma: 1})
	wide := odslib.Given(priors.Gaussian(make([]float64, 40), 1), constraint.Gaussian{A: constraint.Identity{}, Y: make([]float64, 40), Sigma: 1})
	for want, c := range map[string]struct {
		tw   twist.Twist
		post odslib.Posterior
	}{
		"linear A; got constraint.StudentT":   {twist.Isotropic{}, student},
		"constraint.Func, which is not linea": {twist.Covariance{}, squared},
		"no constraint":                       {twist.Covariance{}, odslib.Given(grid, nil)},
		"takes up to 16":                      {twist.Covariance{}, wide},
		"Variance is -1":                      {twist.Isotropic{Variance: -1}, wide},
		"grows like a square":                 {twist.Quadratic{}, odslib.Given(grid, constraint.Tilt{Precision: []float64{1, -1}})},
		"a quadratic log r":                   {twist.Quadratic{}, student},
		"-2 draws":                            {twist.MonteCarlo{Draws: -2}, student},
		"with an error model":                 {twist.Widened{By: diffusion.VPLinear{}.Sigma}, odslib.Given(grid, constraint.Tilt{Linear: []float64{1, 0}})},
	} {
		if _, err := c.tw.Bind(c.post, 1); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
}

// TestKernel: on T1 samples of the prior know how the noise is divided between modes: log ψ_t is within the noise of their numbers of
// log E[r | x_t], which is the ratio of target and prior at x_t's level, over a range of e^±10; and r may run on the host.
func TestKernel(t *testing.T) {
	c := exact.T1()
	target, _, err := c.Post.Exact()
	if err != nil {
		t.Fatal(err)
	}
	post := c.Post
	for _, at := range []float64{.2, .3, .5} {
		x := engine.NewArray(400, 2)
		rng := engine.RNG(3, "test")
		s := post.Prior.(odslib.Diffusion).Schedule()
		start, err := post.Prior.Sample(context.Background(), 400, 4)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range start.Data {
			x.Data[i] = float32(s.Alpha(at)*float64(v) + s.Sigma(at)*rng.NormFloat64())
		}
		got, _ := evaluate(t, post, twist.Kernel{Draws: 4096}, x, at, nil)
		want := ratioAt(t, target.(*priors.Mixture), post.Prior.(*priors.Mixture), x, at)
		miss, spread, n := 0., 0., 0.
		for i := range got {
			if want[i] > -10 {
				miss, spread, n = miss+math.Abs(got[i]-want[i]), spread+math.Abs(want[i]), n+1
			}
		}
		t.Logf("t=%g: mean error %.3f of values of mean size %.3f, %g of 400 points", at, miss/n, spread/n, n)
		if miss/n > .25 || spread/n < .2 {
			t.Errorf("t=%g: mean error %.3f of values of mean size %.3f", at, miss/n, spread/n)
		}
	}
	host := odslib.Given(odslib.Normal{Dims: []int{1}}, constraint.HostReward{F: func(x []float32) float64 { return float64(x[0]) }})
	b, err := twist.Kernel{Draws: 8}.Bind(host, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := b.(twist.Valued); !ok {
		t.Error("it asks for graph code")
	}
	nothing := odslib.Given(odslib.Normal{Dims: []int{1}}, constraint.HostReward{F: func([]float32) float64 { return math.Inf(-1) }})
	if _, err := (twist.Kernel{}).Bind(nothing, 1); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a reward of 0: %v", err)
	}
}

// ratioAt is log p_t of one mixture over that of another.
func ratioAt(t *testing.T, a, b *priors.Mixture, x odslib.Array, at float64) []float64 {
	t.Helper()
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.NewProgram(e, append(a.Params().Under("a"), b.Params().Under("b")...), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		level := func(i int) *odslib.Node { return graph.BroadcastToDims(in[i], in[0].Shape().Dimensions[0]) }
		l := odslib.Level{T: level(1), Alpha: level(2), Sigma: level(3)}
		return []*engine.Node{graph.Sub(a.LogDensity(scope.At("a"), in[0], l), b.LogDensity(scope.At("b"), in[0], l))}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s := b.Schedule()
	out, err := p.Call1(x.Tensor(), float32(at), float32(s.Alpha(at)), float32(s.Sigma(at)))
	if err != nil {
		t.Fatal(err)
	}
	log := make([]float64, x.Len())
	for i, v := range out.Data {
		log[i] = float64(v)
	}
	return log
}
