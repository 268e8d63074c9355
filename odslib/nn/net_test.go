package nn

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"odslab/odslib"
	"odslab/odslib/engine"
)

func shapesOf(inputs []engine.Array) []shapes.Shape {
	out := make([]shapes.Shape, len(inputs))
	for i, a := range inputs {
		out[i] = engine.Float32(a.Shape...)
	}
	return out
}

// scopeOf is an empty scope of the graph of x.
func scopeOf(x *engine.Node) *engine.Scope {
	store := model.NewStore()
	model.SetStore(x.Graph(), store)
	return store.RootScope()
}

func TestSettingsRoundTrip(t *testing.T) {
	for _, net := range []Net{MLP{}, MLP{Hidden: 7, NoResidual: true}, UNet{Channels: 8, Multiply: []int{1, 2, 4}}, Transformer{Width: 32, Causal: true}, DDPMUNet{Channels: []int{8, 16}, Attention: []bool{false, true}}} {
		data, err := Encode(net)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, net) {
			t.Errorf("%#v came back as %#v", net, back)
		}
	}
	for in, want := range map[string]string{
		`{"kind":"Mamba"}`:                             `there are DDPMUNet, MLP, Transformer, UNet`,
		`{"kind":"MLP","settings":{"Width":3}}`:        "Width",
		`{"kind":"MLP","settings":{"Hidden":"a lot"}}`: "Hidden",
		`[]`: "not the settings",
	} {
		if _, err := Decode([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Decode(%s) = %v, want an error with %q", in, err, want)
		}
	}
}

type doubling struct{ Factor float64 }

func (d doubling) Apply(_ *engine.Scope, x *engine.Node, _ odslib.Level) *engine.Node {
	return graph.Concatenate([]*engine.Node{x, x}, 1)
}

func TestOwnNet(t *testing.T) {
	Register(doubling{})
	data, err := Encode(doubling{Factor: 3})
	if err != nil {
		t.Fatal(err)
	}
	if back, err := Decode(data); err != nil || back != Net(doubling{3}) {
		t.Errorf("came back as %#v, %v", back, err)
	}
	if _, err := Initial(doubling{}, []int{2}, 1); err == nil || !strings.Contains(err.Error(), "must keep the shape") {
		t.Errorf("a network that changes the shape: %v", err)
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		net   Net
		shape []int
		want  string
	}{
		{UNet{}, []int{2}, "use nn.MLP"},
		{UNet{}, []int{7, 8, 1}, "divisible by 2, got 7×8"},
		{Transformer{}, []int{3}, "wants sequences"},
		{Transformer{Width: 10, Heads: 3}, []int{3, 4}, "must divide the width"},
		{Transformer{Longest: 2}, []int{3, 4}, "3 positions; the transformer knows 2"},
	} {
		if _, err := Initial(c.net, c.shape, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T on %v: %v, want %q", c.net, c.shape, err, c.want)
		}
	}
}

func TestUntrainedIsZero(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	for _, net := range []Net{MLP{}, MLP{NoResidual: true}, UNet{}} {
		w, err := Initial(net, []int{8, 8, 1}, 3)
		if err != nil {
			t.Fatal(err)
		}
		e, err := engine.Open()
		if err != nil {
			t.Fatal(err)
		}
		p, err := engine.NewProgram(e, w, func(s *engine.Scope, in []*engine.Node) []*engine.Node {
			return []*engine.Node{net.Apply(s, in[0], odslib.Level{T: in[1]})}
		})
		if err != nil {
			t.Fatal(err)
		}
		y, err := p.Call1(random(1, 1, 0, 3, 8, 8, 1).Tensor(), random(2, .1, .5, 3).Tensor())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range y.Data {
			if v != 0 {
				t.Fatalf("%T puts out %v before training", net, v)
			}
		}
	}
}

// TestOneLevelForAll: a level of one row says the same as the row repeated for each sample.
func TestOneLevelForAll(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	one := random(2, .2, .5, 1)
	each := engine.Array{Shape: []int{3}, Data: []float32{one.Data[0], one.Data[0], one.Data[0]}}
	for _, net := range []Net{MLP{}, MLP{NoResidual: true}, UNet{}} {
		f, all := layer(t, func(s *engine.Scope, in []*engine.Node) *engine.Node {
			return net.Apply(s, in[0], odslib.Level{T: in[1]})
		}, random(1, 1, 0, 3, 8, 8, 1), each)
		e, err := engine.Open()
		if err != nil {
			t.Fatal(err)
		}
		p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
			return []*engine.Node{f(in)}
		})
		if err != nil {
			t.Fatal(err)
		}
		var y [2]engine.Array
		for i, level := range []engine.Array{one, each} {
			args := []any{all[0].Tensor(), level.Tensor()}
			for _, a := range all[2:] {
				args = append(args, a.Tensor())
			}
			if y[i], err = p.Call1(args...); err != nil {
				t.Fatalf("%T with %d rows: %v", net, level.Len(), err)
			}
		}
		for i, v := range y[0].Data {
			if w := y[1].Data[i]; v == 0 || math.Abs(float64(v-w)) > 1e-4*(1+math.Abs(float64(w))) {
				t.Fatalf("%T value %d: %v with one row, %v with three", net, i, v, w)
			}
		}
	}
}

// TestSameOnBothEngines: one set of weights gives the same output and the same gradient everywhere.
func TestSameOnBothEngines(t *testing.T) {
	for _, net := range []Net{MLP{Hidden: 16}} {
		f, all := layer(t, func(s *engine.Scope, in []*engine.Node) *engine.Node {
			return net.Apply(s, in[0], odslib.Level{T: in[1]})
		}, random(1, 1, 0, 2, 8, 8, 1), random(2, .2, .5, 2))
		var first engine.Array
		eachEngine(t, func(t *testing.T, e *engine.Engine) {
			p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
				y := f(in)
				return []*engine.Node{graph.Concatenate([]*engine.Node{y, graph.Gradient(project(y), in[0])[0]}, 0)}
			})
			if err != nil {
				t.Fatal(err)
			}
			var args []any
			for _, a := range all {
				args = append(args, a.Tensor())
			}
			y, err := p.Call1(args...)
			if err != nil {
				t.Fatal(err)
			}
			if first.Data == nil {
				first = y
			}
			for i := range y.Data {
				if math.Abs(float64(y.Data[i]-first.Data[i])) > 1e-3*(1+math.Abs(float64(first.Data[i]))) {
					t.Fatalf("%T value %d: %v on %s, %v before", net, i, y.Data[i], e.Name, first.Data[i])
				}
			}
		})
	}
}

// TestGroupNorm: every group of every sample has mean 0 and variance 1.
func TestGroupNorm(t *testing.T) {
	x := random(1, 3, 5, 2, 4, 4, 6)
	w, err := engine.Initial(1, shapesOf([]engine.Array{x}), func(s *engine.Scope, in []*engine.Node) { GroupNorm(s, "n", in[0], 3) })
	if err != nil {
		t.Fatal(err)
	}
	eachEngine(t, func(t *testing.T, e *engine.Engine) {
		p, err := engine.NewProgram(e, w, func(s *engine.Scope, in []*engine.Node) []*engine.Node {
			return []*engine.Node{GroupNorm(s, "n", in[0], 3)}
		})
		if err != nil {
			t.Fatal(err)
		}
		y, err := p.Call1(x.Tensor())
		if err != nil {
			t.Fatal(err)
		}
		for b := range 2 {
			for g := range 3 {
				sum, sq := 0., 0.
				for i := range 16 {
					for c := range 2 {
						v := float64(y.Row(b)[i*6+g*2+c])
						sum += v
						sq += v * v
					}
				}
				if math.Abs(sum/32) > 1e-5 || math.Abs(sq/32-1) > 1e-3 {
					t.Errorf("sample %d group %d: mean %.2g, mean square %.5f", b, g, sum/32, sq/32)
				}
			}
		}
	})
}

func scalarOf(t *testing.T, x *tensors.Tensor) float64 {
	t.Helper()
	return float64(tensors.ToScalar[float32](x))
}
