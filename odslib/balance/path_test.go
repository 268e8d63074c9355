package balance

import (
	"context"
	"math"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/nn"
	"odslab/odslib/priors"
)

// The gradient that the loop adds up, step by step, must be the derivative of the weighted log-ratios of the same paths.
// Noised-back paths do not depend on the policy, so that a finite difference of whole evaluations is a fair judge.
func TestGradientIsTheDerivative(t *testing.T) {
	ctx := context.Background()
	post := odslib.Given(priors.Grid25(), constraint.Tilt{Linear: []float64{.3, -.1}})
	chain, err := diffusion.Chain{Schedule: diffusion.VPLinear{}, Steps: 6, Kernel: diffusion.Noisy{}}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	net := nn.MLP{Hidden: 8, Layers: 2, Time: 8}
	weights, err := nn.Initial(net, []int{4}, 1)
	if err != nil {
		t.Fatal(err)
	}
	// The last layer starts at zero, where most derivatives vanish: move every weight.
	rng := engine.RNG(2, "test")
	for _, w := range weights {
		for i := range w.Value.Data {
			w.Value.Data[i] += float32(.3 * rng.NormFloat64())
		}
	}
	const batch = 8
	p, err := newPaths(post, net, weights, chain, batch, 7, engine.Auto, chain.Steps)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	x, err := post.Prior.Sample(ctx, batch, 3)
	if err != nil {
		t.Fatal(err)
	}
	weight := make([]float64, batch)
	for b := range weight {
		weight[b] = math.Cos(float64(b))
	}
	value := func(w odslib.Params) float64 {
		d, phi, err := p.backward(ctx, w.Tensors(), 5, x)
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
	d, phi, err := p.backward(ctx, weights.Tensors(), 5, x)
	if err != nil {
		t.Fatal(err)
	}
	all := []int{0, 1, 2, 3, 4, 5}
	grad, phi, err := p.gradient(ctx, phi, d, weight, all)
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
}

// Forward paths of an untrained policy are the prior's own: every log-ratio is zero.
func TestUntrainedPolicyIsThePrior(t *testing.T) {
	ctx := context.Background()
	post := odslib.Given(priors.Grid25(), constraint.Tilt{Linear: []float64{1, 0}})
	chain, err := diffusion.Chain{Schedule: diffusion.VPLinear{}, Steps: 10, Kernel: diffusion.Noisy{}}.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	weights, err := nn.Initial(nn.MLP{}, []int{4}, 1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPaths(post, nn.MLP{}, weights, chain, 16, 7, engine.Auto, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	d, phi, err := p.forward(ctx, weights.Tensors(), 1, .25)
	if err != nil {
		t.Fatal(err)
	}
	engine.Free(append(phi, d.kept...)...)
	for b, s := range d.sum {
		if s != 0 {
			t.Fatalf("path %d has log-ratio %g", b, s)
		}
	}
}

// perRow hides what a network is, so that it gets its level row by row.
type perRow struct{ nn.Net }

// One level for all rows gives the networks of package nn what a level for each gives.
func TestOneLevelForAllRows(t *testing.T) {
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, net := range []nn.Net{nn.MLP{Hidden: 8, Time: 8}, nn.MLP{Hidden: 8, Time: 8, Plain: true}, nn.UNet{Channels: 8, Time: 8}} {
		weights, err := nn.Initial(net, []int{4, 4, 2}, 1)
		if err != nil {
			t.Fatal(err)
		}
		rng := engine.RNG(2, "test") // the last layer starts at zero: move every weight
		for _, w := range weights {
			for i := range w.Value.Data {
				w.Value.Data[i] += float32(.3 * rng.NormFloat64())
			}
		}
		k := len(weights)
		program, err := engine.NewProgram(e, nil, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
			x, x0, row := in[k], in[k+1], in[k+2]
			shift := func(net nn.Net) *engine.Node {
				p := &paths{net: net, names: weights.Names(), scale: 2}
				_, s := p.means(scope, x, x0, diffusion.Read(row), in[:k])
				return s
			}
			return []*engine.Node{shift(net), shift(perRow{net})}
		})
		if err != nil {
			t.Fatal(err)
		}
		table, err := diffusion.Chain{Schedule: diffusion.VPLinear{}, Steps: 6, Kernel: diffusion.Noisy{}}.Table()
		if err != nil {
			t.Fatal(err)
		}
		x, args := engine.NewArray(3, 4, 4, 1), []any{}
		for i := range x.Data {
			x.Data[i] = float32(rng.NormFloat64())
		}
		for _, w := range weights.Tensors() {
			args = append(args, w)
		}
		row := make([]float64, len(table[2]))
		for j, v := range table[2] {
			row[j] = float64(v)
		}
		out, err := program.Call(append(args, x.Tensor(), x.Tensor(), engine.FromVector(row).Tensor())...)
		if err != nil {
			t.Fatal(err)
		}
		one, err := engine.ToArray(out[0])
		if err != nil {
			t.Fatal(err)
		}
		each, err := engine.ToArray(out[1])
		if err != nil {
			t.Fatal(err)
		}
		largest := 0.
		for i, v := range one.Data {
			largest = math.Max(largest, math.Abs(float64(v)))
			if math.Abs(float64(v-each.Data[i])) > 1e-5*(1+math.Abs(float64(v))) {
				t.Errorf("%T: shift %d is %g, with a level for each row %g", net, i, v, each.Data[i])
			}
		}
		if largest < .01 {
			t.Errorf("%T: the largest shift is %g, the test sees nothing", net, largest)
		}
		program.Close()
	}
}

func TestBuffer(t *testing.T) {
	b := NewBuffer(4, []int{1}, false)
	add := func(v ...float32) {
		logr := make([]float64, len(v))
		for i, x := range v {
			logr[i] = float64(x)
		}
		b.Add(odslib.Array{Shape: []int{len(v), 1}, Data: v}, logr)
	}
	add(1, 2, float32(math.Inf(-1)), 3)
	if b.Len() != 3 {
		t.Fatalf("%d kept, want 3: what is not finite stays out", b.Len())
	}
	add(4, 5, 6) // 5 and 6 push 1 and 2 out
	x, logr := b.Draw(1000, engine.RNG(1, "test"))
	seen := map[float32]int{}
	for i, v := range x.Data {
		seen[v]++
		if float64(v) != logr[i] {
			t.Fatalf("sample %g came with log r %g", v, logr[i])
		}
	}
	if len(seen) != 4 || seen[1] > 0 || seen[2] > 0 {
		t.Errorf("kept %v, want 3 4 5 6", seen)
	}
	b.Ranked = true
	x, _ = b.Draw(4000, engine.RNG(1, "test"))
	seen = map[float32]int{}
	for _, v := range x.Data {
		seen[v]++
	}
	// The density 1/(2√u) gives the best quarter one half, the worst 1−√¾ = .134.
	if math.Abs(float64(seen[6])/4000-.5) > .03 || math.Abs(float64(seen[3])/4000-.134) > .02 {
		t.Errorf("ranked draws %v", seen)
	}
}

func TestEvidence(t *testing.T) {
	logZ, se, ess := evidence([]float64{math.Log(1), math.Log(3)})
	if math.Abs(logZ-math.Log(2)) > 1e-12 || math.Abs(ess-1.6) > 1e-12 || math.Abs(se-.5) > 1e-12 {
		t.Errorf("log Z %g, standard error %g, ESS %g; want log 2, .5, 1.6", logZ, se, ess)
	}
}

// Drawn in proportion to r^β: at β=1 the shares are those of r, at β=0 all are equal.
func TestDrawTempered(t *testing.T) {
	b := NewBuffer(10, []int{1}, false)
	b.Add(odslib.Array{Shape: []int{3, 1}, Data: []float32{0, 1, 2}}, []float64{0, math.Log(3), -1000})
	for beta, want := range map[float64][3]float64{1: {.25, .75, 0}, 0: {1. / 3, 1. / 3, 1. / 3}} {
		x, logr := b.DrawTempered(6000, beta, engine.RNG(1, "test"))
		var share [3]float64
		for i, v := range x.Data {
			share[int(v)] += 1. / 6000
			if (v == 2) != (logr[i] == -1000) {
				t.Fatalf("sample %g came with log r %g", v, logr[i])
			}
		}
		for k := range want {
			if math.Abs(share[k]-want[k]) > .02 { // three standard errors
				t.Errorf("β=%g: shares %.3f, want %.3f", beta, share, want)
			}
		}
	}
}
