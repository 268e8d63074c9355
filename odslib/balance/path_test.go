package balance

import (
	"context"
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/exact"
	"odslab/odslib/measure"
	"odslab/odslib/nn"
	"odslab/odslib/priors"
	"odslab/odslib/twist"
)

// open is a trainer's paths with weights that are all off their initial values, where most derivatives vanish.
func open(t *testing.T, post odslib.Posterior, s Settings) (*Trainer, odslib.Params) {
	t.Helper()
	tr, err := NewTrainer(context.Background(), "test", s, post, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	weights, rng := tr.weights.Clone(), engine.RNG(2, "test")
	for _, w := range weights {
		for i := range w.Value.Data {
			w.Value.Data[i] += float32(.3 * rng.NormFloat64())
		}
	}
	return tr, weights
}

// measured is N(0, I) in two dimensions, of which each row measures the sum, as another number.
func measured(rows ...float64) odslib.Posterior {
	post := odslib.Given(odslib.Normal{Dims: []int{2}}, constraint.Gaussian{A: constraint.Matrix{{1, 1}}, Y: []float64{0}, Sigma: .5})
	if len(rows) > 0 {
		y := engine.FromVector(rows).Reshape(len(rows), 1)
		post.Given = &y
	}
	return post
}

// The gradient that the loop adds up, step by step, must be the derivative of the weighted log-ratios of the same paths,
// whether steps are Gaussian or reveal tokens, with conditions or without. Noised-back paths do not depend on the policy, so
// that a finite difference of whole evaluations is a fair judge.
func TestGradientIsTheDerivative(t *testing.T) {
	ctx := context.Background()
	const batch = 8
	grid := odslib.Given(priors.Grid25(), constraint.Tilt{Linear: []float64{.3, -.1}})
	for name, c := range map[string]struct {
		post  odslib.Posterior
		drift Drift
	}{
		"Gaussian":          {grid, Drift{}},
		"tokens":            {exact.Infilling().Post, Drift{}},
		"conditions":        {measured(1, 2, 3, 4, 5, 6, 7, 8), Drift{}},
		"variances":         {grid, Drift{Variances: true}},
		"guide":             {grid, Drift{Guide: twist.Point{}}},
		"guide, conditions": {measured(1, 2, 3, 4, 5, 6, 7, 8), Drift{Guide: twist.Covariance{}, Variances: true}},
	} {
		t.Run(name, func(t *testing.T) {
			post := c.post
			tr, weights := open(t, post, Settings{Net: nn.MLP{Hidden: 8, Layers: 2, Time: 8}, Paths: batch, Steps: 6, GradSteps: 20, Pool: -1, Drift: c.drift})
			p := tr.paths
			x, err := post.Prior.Sample(ctx, batch, 3)
			if err != nil {
				t.Fatal(err)
			}
			weight := make([]float64, batch)
			for b := range weight {
				weight[b] = math.Cos(float64(b))
			}
			value := func(w odslib.Params) float64 {
				d, phi, err := p.backward(ctx, w.Tensors(), 5, x, post.Given)
				if err != nil {
					t.Fatal(err)
				}
				engine.Free(append(phi, d.kept...)...)
				sum := 0.
				for b, s := range d.sum {
					sum += weight[b] * s
				}
				return sum
			}
			d, phi, err := p.backward(ctx, weights.Tensors(), 5, x, post.Given)
			if err != nil {
				t.Fatal(err)
			}
			all := make([]int, len(p.table))
			for i := range all {
				all[i] = i
			}
			grad, phi, err := p.gradient(ctx, phi, d, weight, all[:tr.GradSteps])
			if err != nil {
				t.Fatal(err)
			}
			defer engine.Free(phi...)
			got, err := weights.WithTensors(grad)
			if err != nil {
				t.Fatal(err)
			}
			checked := 0
			for k := range weights {
				i := len(weights[k].Value.Data) / 2
				const h = 2e-2 // float32 sums of some hundred terms: smaller steps drown in rounding
				up, down := weights.Clone(), weights.Clone()
				up[k].Value.Data[i] += h
				down[k].Value.Data[i] -= h
				want := (value(up) - value(down)) / (2 * h)
				have := float64(got[k].Value.Data[i])
				if math.Abs(have-want) > .03*(math.Abs(want)+.5) {
					t.Errorf("%s[%d]: gradient %.5f, finite difference %.5f", weights[k].Name, i, have, want)
				}
				if math.Abs(want) > .05 {
					checked++
				}
			}
			if checked < len(weights)/3 {
				t.Errorf("only %d of %d derivatives are not near zero: the test sees too little", checked, len(weights))
			}
		})
	}
}

// Forward paths of an untrained policy are the prior's own: every log-ratio is zero.
func TestUntrainedPolicyIsThePrior(t *testing.T) {
	for _, post := range []odslib.Posterior{odslib.Given(priors.Grid25(), constraint.Tilt{Linear: []float64{1, 0}}), exact.Infilling().Post} {
		explore := .25
		if _, ok := post.Prior.(odslib.Diffusion); !ok {
			explore = 0
		}
		var drift Drift
		if explore > 0 {
			drift = Drift{Variances: true}
		}
		tr, _ := open(t, post, Settings{Paths: 16, Steps: 10, Pool: -1, Drift: drift})
		d, phi, err := tr.paths.forward(context.Background(), tr.weights.Tensors(), 1, explore, nil)
		if err != nil {
			t.Fatal(err)
		}
		engine.Free(append(phi, d.kept...)...)
		for b, s := range d.sum {
			if s != 0 {
				t.Fatalf("%T: path %d has log-ratio %g", post.Prior, b, s)
			}
		}
	}
}

// An untrained policy with a guide is the guided prior: for N(0, I) under one measurement, whose guide is exact, it has the posterior's
// mean and, but for the variances of its steps, its paths.
func TestUntrainedPolicyIsGuided(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	const n = 4000
	post := measured()
	tr, _ := open(t, odslib.Given(post.Prior, constraint.Gaussian{A: constraint.Matrix{{1, 1}}, Y: []float64{2}, Sigma: .5}), Settings{Paths: n, Steps: 100, Pool: -1, Drift: Drift{Guide: twist.Covariance{}, Variances: true}})
	if tr.beta != 1 {
		t.Errorf("β starts at %g", tr.beta)
	}
	d, phi, err := tr.paths.forward(context.Background(), tr.weights.Tensors(), 1, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	engine.Free(append(phi, d.kept...)...)
	logr, err := tr.post.Rewards(context.Background(), d.x)
	if err != nil {
		t.Fatal(err)
	}
	mean := 0.
	for i := range n {
		mean += float64(d.x.Row(i)[0]+d.x.Row(i)[1]) / n
		logr[i] -= d.sum[i]
	}
	share := measure.ESS(logr) / n
	t.Logf("mean of the sum %.3f, of the posterior %.3f; effective share %.3f", mean, 16./9, share)
	if math.Abs(mean-16./9) > .04 || share < .85 { // standard error .008
		t.Errorf("mean of the sum %.3f, want %.3f; effective share %.3f", mean, 16./9, share)
	}
}

// The densities of a policy's steps are normalised, whatever its weights: the mean of p_ref/p_φ over its own paths is 1, with the
// prior's variances and with its own.
func TestRatioIsNormalised(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	for _, variances := range []bool{false, true} {
		const n = 4096
		tr, weights := open(t, measured(), Settings{Net: nn.MLP{Hidden: 8, Layers: 2, Time: 8}, Paths: n, Steps: 5, Pool: -1, Drift: Drift{Guide: twist.Covariance{}, Variances: variances}})
		for _, w := range weights {
			for i := range w.Value.Data {
				w.Value.Data[i] *= .25
			}
		}
		d, phi, err := tr.paths.forward(context.Background(), weights.Tensors(), 1, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		engine.Free(append(phi, d.kept...)...)
		w, size := make([]float64, n), 0.
		for i, s := range d.sum {
			w[i], size = math.Exp(-s), size+math.Abs(s)/n
		}
		mean, sd := stat.MeanStdDev(w, nil)
		se := stat.StdErr(sd, n)
		t.Logf("variances %v: mean %.3f ± %.3f, mean size of a log-ratio %.2f", variances, mean, se, size)
		if math.Abs(mean-1) > 4*se || size < .1 || se > .1 {
			t.Errorf("variances %v: mean of p_ref/p_φ is %.3f ± %.3f at log-ratios of %.2f, want 1", variances, mean, se, size)
		}
	}
}

// perRow gives a network its level row by row.
type perRow struct{ nn.Net }

func (n perRow) Apply(scope *engine.Scope, x *engine.Node, at odslib.Level) *engine.Node {
	each := func(v *engine.Node) *engine.Node { return graph.BroadcastToDims(v, x.Shape().Dimensions[0]) }
	at.T, at.Alpha, at.Sigma = each(at.T), each(at.Alpha), each(at.Sigma)
	return n.Net.Apply(scope, x, at)
}

// One level for all rows gives the networks of package nn what a level for each gives, with conditions and without; and
// conditions count.
func TestOneLevelForAllRows(t *testing.T) {
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []int{0, 3} {
		for _, net := range []nn.Net{nn.MLP{Hidden: 8, Time: 8}, nn.MLP{Hidden: 8, Time: 8, NoResidual: true}, nn.UNet{Channels: 8, Time: 8}} {
			weights, err := nn.InitialGiven(net, []int{4, 4, 2}, c, 1)
			if err != nil {
				t.Fatal(err)
			}
			rng := engine.RNG(2, "test") // the last layer starts at zero: move every weight
			for _, w := range weights {
				for i := range w.Value.Data {
					w.Value.Data[i] += float32(.3 * rng.NormFloat64())
				}
			}
			program, err := engine.NewProgram(e, weights, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
				at := odslib.Level{T: in[1], Alpha: in[2], Sigma: in[3]}
				if c > 0 {
					at.Given = in[4]
				}
				one, each := net.Apply(scope, in[0], at), perRow{net}.Apply(scope.ResetVisited(), in[0], at)
				if c > 0 {
					at.Given = graph.Neg(at.Given)
				}
				return []*engine.Node{one, each, net.Apply(scope.ResetVisited(), in[0], at)}
			})
			if err != nil {
				t.Fatal(err)
			}
			x, g := engine.NewArray(3, 4, 4, 2), engine.NewArray(3, max(c, 1))
			for i := range x.Data {
				x.Data[i] = float32(rng.NormFloat64())
			}
			for i := range g.Data {
				g.Data[i] = float32(rng.NormFloat64())
			}
			level := engine.FromVector([]float64{.3})
			args := []any{x.Tensor(), level.Tensor(), level.Tensor(), level.Tensor()}
			if c > 0 {
				args = append(args, g.Tensor())
			}
			out, err := program.Call(args...)
			if err != nil {
				t.Fatal(err)
			}
			var y [3]odslib.Array
			for k := range y {
				if y[k], err = engine.ToArray(out[k]); err != nil {
					t.Fatal(err)
				}
			}
			moved := 0.
			for i, v := range y[0].Data {
				if math.Abs(float64(v-y[1].Data[i])) > 1e-5*(1+math.Abs(float64(v))) {
					t.Errorf("%T: value %d is %g, with a level for each row %g", net, i, v, y[1].Data[i])
				}
				moved = math.Max(moved, math.Abs(float64(v-y[2].Data[i])))
			}
			if (moved > .01) != (c > 0) {
				t.Errorf("%T: other conditions move it by %g of %d", net, moved, c)
			}
			program.Close()
		}
	}
}

func rewarded(v ...float32) Batch {
	b := Batch{X: odslib.Array{Shape: []int{len(v), 1}, Data: v}, Cond: make([]int, len(v))}
	for _, x := range v {
		b.LogR = append(b.LogR, float64(x))
	}
	return b
}

func TestBuffer(t *testing.T) {
	b := NewBuffer(4, []int{1}, false)
	b.Add(rewarded(1, 2, float32(math.Inf(-1)), 3))
	if b.Len() != 3 {
		t.Fatalf("%d kept, want 3: what is not finite stays out", b.Len())
	}
	b.Add(rewarded(4, 5, 6)) // 5 and 6 push 1 and 2 out
	d := b.Draw(1000, 0, engine.RNG(1, "test"))
	seen := map[float32]int{}
	for i, v := range d.X.Data {
		seen[v]++
		if float64(v) != d.LogR[i] {
			t.Fatalf("sample %g came with log r %g", v, d.LogR[i])
		}
	}
	if len(seen) != 4 || seen[1] > 0 || seen[2] > 0 {
		t.Errorf("kept %v, want 3 4 5 6", seen)
	}
	b.Ranked = true
	seen = map[float32]int{}
	for _, v := range b.Draw(4000, 0, engine.RNG(1, "test")).X.Data {
		seen[v]++
	}
	// The density 1/(2√u) gives the best quarter one half, the worst 1−√¾ = .134.
	if math.Abs(float64(seen[6])/4000-.5) > .03 || math.Abs(float64(seen[3])/4000-.134) > .02 {
		t.Errorf("ranked draws %v", seen)
	}
}

// Samples come back with the condition that they were kept with, and a group has one.
func TestBufferKeepsConditions(t *testing.T) {
	b, in := NewBuffer(100, []int{1}, false), rewarded(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	for i := range in.Cond {
		in.Cond[i] = i % 3
	}
	b.Add(in)
	d := b.Draw(64, 8, engine.RNG(1, "test"))
	seen := map[int]bool{}
	for i, v := range d.X.Data {
		if d.Cond[i] != int(v)%3 || d.Cond[i] != d.Cond[i-i%8] {
			t.Errorf("draw %d: sample %g of condition %d, its group began with %d", i, v, d.Cond[i], d.Cond[i-i%8])
		}
		seen[d.Cond[i]] = true
	}
	if len(seen) != 3 {
		t.Errorf("conditions %v were drawn, want all three", seen)
	}
}

// Drawn in proportion to r^β: at β=1 the shares are those of r, at β=0 all are equal.
func TestDrawTempered(t *testing.T) {
	b, in := NewBuffer(10, []int{1}, false), rewarded(0, 1, 2)
	in.LogR = []float64{0, math.Log(3), -1000}
	b.Add(in)
	for beta, want := range map[float64][3]float64{1: {.25, .75, 0}, 0: {1. / 3, 1. / 3, 1. / 3}} {
		d := b.DrawTempered(6000, beta, engine.RNG(1, "test"))
		var share [3]float64
		for i, v := range d.X.Data {
			share[int(v)] += 1. / 6000
			if (v == 2) != (d.LogR[i] == -1000) {
				t.Fatalf("sample %g came with log r %g", v, d.LogR[i])
			}
		}
		for k := range want {
			if math.Abs(share[k]-want[k]) > .02 { // three standard errors
				t.Errorf("β=%g: shares %.3f, want %.3f", beta, share, want)
			}
		}
	}
}
