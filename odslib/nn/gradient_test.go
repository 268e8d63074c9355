package nn

import (
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
)

// eachEngine runs the test on the process's engine and on pure Go.
func eachEngine(t *testing.T, test func(t *testing.T, e *engine.Engine)) {
	t.Helper()
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	if e.Name != "go" {
		t.Run(e.Name, func(t *testing.T) { test(t, e) })
	} else if os.Getenv("CI") == "true" && os.Getenv(engine.EnvEngine) == "" {
		t.Error("no XLA under CI: " + e.Why)
	}
	be, err := compute.NewWithConfig("go:ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("go", func(t *testing.T) { test(t, &engine.Engine{Backend: be, Name: "go"}) })
}

func random(seed uint64, scale, shift float64, dims ...int) engine.Array {
	a, rng := engine.NewArray(dims...), engine.RNG(seed, "nn.test")
	for i := range a.Data {
		a.Data[i] = float32(shift + scale*rng.NormFloat64())
	}
	return a
}

// project turns any output into a scalar that every one of its values enters with a weight of its own.
func project(y *engine.Node) *engine.Node {
	flat := graph.Reshape(y, y.Shape().Size())
	w := graph.Cos(graph.MulScalar(graph.Iota(y.Graph(), flat.Shape(), 0), 1.7))
	return graph.ReduceAllSum(graph.Mul(flat, w))
}

// checkGradient compares the gradient of a random projection of f in every input with central differences along random
// directions, extrapolated to fourth order.
func checkGradient(t *testing.T, e *engine.Engine, f func(in []*engine.Node) *engine.Node, inputs ...engine.Array) {
	t.Helper()
	p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		y := project(f(in))
		return append([]*engine.Node{y}, graph.Gradient(y, in...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	call := func(in []engine.Array) (value float64, grads []engine.Array) {
		t.Helper()
		args := make([]any, len(in))
		for i, a := range in {
			args[i] = a.Tensor()
		}
		out, err := p.Call(args...)
		if err != nil {
			t.Fatal(err)
		}
		defer engine.Free(out...)
		for i, o := range out {
			if i == 0 {
				value = float64(tensors.ToScalar[float32](o))
				continue
			}
			a, err := engine.ToArray(o)
			if err != nil {
				t.Fatal(err)
			}
			grads = append(grads, a)
		}
		return value, grads
	}
	value, grads := call(inputs)
	trials := 4
	if len(inputs) > 8 {
		trials = 1
	}
	for k, in := range inputs {
		for trial := range trials {
			v := random(uint64(100*k+trial), 1/math.Sqrt(float64(len(in.Data))), 0, in.Shape...)
			at := func(h float64) float64 {
				moved := append([]engine.Array{}, inputs...)
				moved[k] = in.Clone()
				for i := range v.Data {
					moved[k].Data[i] += float32(h) * v.Data[i]
				}
				y, _ := call(moved)
				return y
			}
			d := func(h float64) float64 { return (at(h) - at(-h)) / (2 * h) }
			const h = .08
			want := (4*d(h/2) - d(h)) / 3
			got, size := 0., 0.
			for i, g := range grads[k].Data {
				got += float64(g) * float64(v.Data[i])
				size += float64(g) * float64(g)
			}
			// float32 leaves |y|·6e-8/h in a difference.
			tol := 2e-3*math.Sqrt(size/float64(len(in.Data))) + 1e-5*(1+math.Abs(value))
			if !(math.Abs(got-want) <= tol) {
				t.Errorf("input %d, direction %d: gradient %.6g, central difference %.6g (tolerance %.2g)", k, trial, got, want, tol)
			}
			if size == 0 {
				t.Errorf("input %d: the gradient is zero", k)
			}
		}
	}
}

// layer wraps a layer so that its weights, moved off their initial values, are inputs after x.
func layer(t *testing.T, f func(scope *engine.Scope, in []*engine.Node) *engine.Node, inputs ...engine.Array) (func(in []*engine.Node) *engine.Node, []engine.Array) {
	t.Helper()
	shapesOf := shapesOf(inputs)
	params, err := engine.Initial(1, shapesOf, func(scope *engine.Scope, in []*engine.Node) { f(scope, in) })
	if err != nil {
		t.Fatal(err)
	}
	all := append([]engine.Array{}, inputs...)
	for i, p := range params {
		a := random(uint64(1000+i), .3, 0, p.Value.Shape...)
		for j := range a.Data {
			a.Data[j] += p.Value.Data[j]
		}
		all = append(all, a)
	}
	n := len(inputs)
	return func(in []*engine.Node) *engine.Node {
		scope := scopeOf(in[0])
		if len(params) > 0 {
			scope = engine.WithParams(scope, "w", params.Names(), in[n:])
		}
		return f(scope, in[:n])
	}, all
}

func TestGradientOfOperations(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	type op = func(in []*engine.Node) *engine.Node
	x, y := random(1, 1, 0, 3, 4), random(2, 1, 0, 3, 4)
	positive := random(3, .1, 2, 3, 4)
	image, kernel := random(4, 1, 0, 2, 4, 4, 3), random(5, 1, 0, 3, 3, 3, 2)
	un := func(f func(*engine.Node) *engine.Node) op {
		return func(in []*engine.Node) *engine.Node { return f(in[0]) }
	}
	bin := func(f func(a, b *engine.Node) *engine.Node) op {
		return func(in []*engine.Node) *engine.Node { return f(in[0], in[1]) }
	}
	for _, c := range []struct {
		name string
		f    op
		in   []engine.Array
	}{
		{"Add", bin(graph.Add), []engine.Array{x, y}},
		{"Sub", bin(graph.Sub), []engine.Array{x, y}},
		{"Mul", bin(graph.Mul), []engine.Array{x, y}},
		{"Div", bin(graph.Div), []engine.Array{x, positive}},
		{"Dot", func(in []*engine.Node) *engine.Node { return graph.Dot(in[0], graph.Transpose(in[1], 0, 1)).Product() }, []engine.Array{x, y}},
		{"Square", un(graph.Square), []engine.Array{x}},
		{"Sqrt", un(graph.Sqrt), []engine.Array{positive}},
		{"Log", un(graph.Log), []engine.Array{positive}},
		{"Exp", un(graph.Exp), []engine.Array{x}},
		{"Sin", un(graph.Sin), []engine.Array{x}},
		{"Cos", un(graph.Cos), []engine.Array{x}},
		{"Tanh", un(graph.Tanh), []engine.Array{x}},
		{"Sigmoid", un(graph.Sigmoid), []engine.Array{x}},
		{"SiLU", un(SiLU), []engine.Array{x}},
		{"ReduceSum", un(func(x *engine.Node) *engine.Node { return graph.Square(graph.ReduceSum(x, 1)) }), []engine.Array{x}},
		{"ReduceMean", un(func(x *engine.Node) *engine.Node { return graph.Square(graph.ReduceMean(x, 0)) }), []engine.Array{x}},
		{"Slice", un(func(x *engine.Node) *engine.Node {
			return graph.Square(graph.Slice(x, graph.AxisRange(1), graph.AxisRange(0, 3)))
		}), []engine.Array{x}},
		{"Concatenate", bin(func(a, b *engine.Node) *engine.Node {
			return graph.Square(graph.Concatenate([]*engine.Node{a, graph.Sin(b)}, 1))
		}), []engine.Array{x, y}},
		{"Broadcast", un(func(x *engine.Node) *engine.Node {
			return graph.Square(graph.BroadcastToDims(graph.Reshape(x, 3, 1, 4), 3, 5, 4))
		}), []engine.Array{x}},
		{"Gather", un(func(x *engine.Node) *engine.Node {
			return graph.Square(graph.Gather(x, graph.Const(x.Graph(), [][]int32{{2}, {0}, {2}})))
		}), []engine.Array{x}},
		{"Where", bin(func(a, b *engine.Node) *engine.Node {
			return graph.Where(graph.GreaterThan(graph.StopGradient(a), graph.StopGradient(b)), graph.Mul(a, b), graph.Add(a, graph.Square(b)))
		}), []engine.Array{random(6, .3, 2, 3, 4), random(7, .3, -2, 3, 4)}},
		{"Convolve", bin(func(x, k *engine.Node) *engine.Node { return graph.Convolve(x, k).PadSame().Done() }), []engine.Array{image, kernel}},
		{"patches", bin(patches), []engine.Array{image, kernel}},
		{"Up", un(Up), []engine.Array{image}},
		{"Down", un(Down), []engine.Array{image}},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e *engine.Engine) { checkGradient(t, e, c.f, c.in...) })
		})
	}
}

func TestGradientOfLayers(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	image, level := random(1, 1, 0, 2, 4, 4, 2), random(2, .2, .5, 2)
	apply := func(net Net) func(*engine.Scope, []*engine.Node) *engine.Node {
		return func(s *engine.Scope, in []*engine.Node) *engine.Node {
			return net.Apply(s, in[0], odslib.Level{T: graph.MulScalar(in[1], .005), Alpha: in[1], Sigma: in[1]})
		}
	}
	for _, c := range []struct {
		name string
		f    func(*engine.Scope, []*engine.Node) *engine.Node
		in   []engine.Array
	}{
		{"Dense", func(s *engine.Scope, in []*engine.Node) *engine.Node { return Dense(s, "d", in[0], 3, engine.FanIn) }, []engine.Array{image}},
		{"Conv", func(s *engine.Scope, in []*engine.Node) *engine.Node { return Conv(s, "c", in[0], 3, 3, engine.FanIn) }, []engine.Array{image}},
		{"GroupNorm", func(s *engine.Scope, in []*engine.Node) *engine.Node { return GroupNorm(s, "n", in[0], 2) }, []engine.Array{random(3, 1, 0, 2, 3, 4)}},
		{"TimeFeatures", func(s *engine.Scope, in []*engine.Node) *engine.Node {
			return TimeFeatures(graph.MulScalar(in[0], .01), 6)
		}, []engine.Array{level}},
		{"MLP", apply(MLP{Hidden: 6, Layers: 2, Time: 4}), []engine.Array{image, level}},
		{"MLP plain", apply(MLP{Hidden: 6, Layers: 2, Time: 4, NoResidual: true}), []engine.Array{image, level}},
		{"UNet", apply(UNet{Channels: 4, Groups: 2, Time: 4}), []engine.Array{image, level}},
		{"LayerNorm", func(s *engine.Scope, in []*engine.Node) *engine.Node { return LayerNorm(s, "n", in[0]) }, []engine.Array{random(3, 1, 0, 2, 3, 4)}},
		{"Transformer, causal", func(s *engine.Scope, in []*engine.Node) *engine.Node {
			return Transformer{Width: 8, Layers: 1, Heads: 2, Causal: true}.Apply(s, in[0], odslib.Level{})
		}, []engine.Array{random(3, 1, 0, 2, 3, 4)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, all := layer(t, c.f, c.in...)
			eachEngine(t, func(t *testing.T, e *engine.Engine) { checkGradient(t, e, f, all...) })
		})
	}
}

// TestSecondOrder: a Jacobian product J·v by two reverse passes, as covariance guidance takes it, against differences.
func TestSecondOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	net := UNet{Channels: 4, Groups: 2, Time: 4}
	f, all := layer(t, func(s *engine.Scope, in []*engine.Node) *engine.Node {
		return net.Apply(s, in[0], odslib.Level{T: in[1]})
	}, random(1, 1, 0, 2, 4, 4, 1), random(2, .2, .5, 2))
	v := random(3, 1, 0, 2, 4, 4, 1)
	eachEngine(t, func(t *testing.T, e *engine.Engine) {
		p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
			dir, in := in[0], in[1:]
			at := func(h float64) *engine.Node {
				moved := append([]*engine.Node{graph.Add(in[0], graph.MulScalar(dir, h))}, in[1:]...)
				return f(moved)
			}
			u := graph.OnesLike(in[0])
			back := graph.Gradient(graph.ReduceAllSum(graph.Mul(at(0), u)), in[0])[0] // Jᵀu, linear in u
			jv := graph.Gradient(graph.ReduceAllSum(graph.Mul(back, dir)), u)[0]
			return []*engine.Node{jv, graph.DivScalar(graph.Sub(at(.01), at(-.01)), .02)}
		})
		if err != nil {
			t.Fatal(err)
		}
		args := []any{v.Tensor()}
		for _, a := range all {
			args = append(args, a.Tensor())
		}
		out, err := p.Call(args...)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := engine.ToArray(out[0])
		want, _ := engine.ToArray(out[1])
		worst, size := 0., 0.
		for i := range got.Data {
			worst = max(worst, math.Abs(float64(got.Data[i]-want.Data[i])))
			size = max(size, math.Abs(float64(want.Data[i])))
		}
		if worst > 2e-3*size {
			t.Errorf("J·v is off by %.3g of %.3g", worst, size)
		}
	})
}

func ExampleMLP() {
	weights, err := Initial(MLP{Hidden: 16}, []int{2}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(weights.Size(), weights.Names()[:2])
	// Output: 4386 [in/w in/b]
}
