package engine

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Init fills a new parameter with its initial value.
type Init func(rng *rand.Rand, shape []int, data []float32)

// Zeros is the initial value 0.
func Zeros(*rand.Rand, []int, []float32) {}

// Ones is the initial value 1.
func Ones(_ *rand.Rand, _ []int, data []float32) {
	for i := range data {
		data[i] = 1
	}
}

// FanIn draws from N(0, 1/fan-in), fan-in being the product of all axes but the last (LeCun et al. 1998).
func FanIn(rng *rand.Rand, shape []int, data []float32) {
	std := 1 / math.Sqrt(float64(max(1, size(shape[:len(shape)-1]))))
	for i := range data {
		data[i] = float32(std * rng.NormFloat64())
	}
}

const recorderKey = "odslab_initial_seed"

// Weight returns the parameter called name of the scope. While [Initial] records, a missing parameter is made and given
// its initial value; its random numbers depend on seed and path alone, so that adding a layer leaves the others as they
// were, and every backend starts from the same weights.
func Weight(s *Scope, g *graph.Graph, name string, init Init, dims ...int) *Node {
	if v := s.GetVariable(name); v != nil {
		node := v.NodeValue(g)
		if !node.Shape().Equal(Float32(dims...)) {
			Fail("parameter %q under %q has shape %v, this layer wants %v", name, s.Scope(), node.Shape().Dimensions, dims)
		}
		return node
	}
	seed, recording := s.Store().GetParam("/" + recorderKey)
	if !recording {
		Fail("no parameter %q under %q: it has another architecture than the network that was trained", name, s.Scope())
	}
	a := NewArray(dims...)
	init(RNG(seed.(uint64), model.JoinPath(s.Scope(), name)), dims, a.Data)
	v, err := s.CreateVariable(name, a.Tensor())
	if err != nil {
		panic(err)
	}
	return v.NodeValue(g)
}

// Initial builds graph code once, without running it, to learn which parameters its layers make, and returns them with
// their initial values drawn from seed. Layers of GoMLX take part with their own initializers.
func Initial(seed uint64, inputs []shapes.Shape, build func(scope *Scope, in []*Node)) (params Params, err error) {
	e, err := Open()
	if err != nil {
		return nil, err
	}
	be := e.Backend
	err = Try(func() {
		store := model.NewStore()
		store.SetParam("/"+recorderKey, seed)
		if err := store.SetRNGStateFromSeed(int64(seed)); err != nil {
			panic(err)
		}
		g := graph.NewGraph(be, "initial")
		defer g.Finalize()
		model.SetStore(g, store)
		in := make([]*Node, len(inputs))
		for i, sh := range inputs {
			in[i] = graph.Parameter(g, "in"+string(rune('0'+i)), sh)
		}
		build(store.RootScope(), in)
		if err := store.InitializeVariables(be, nil); err != nil {
			panic(err)
		}
		for v := range store.IterVariables() {
			if !v.Trainable || v.Name() == "rngState" {
				continue
			}
			var value *tensors.Tensor
			if value, err = v.Value(); err != nil {
				panic(err)
			}
			a, err := ToArray(value)
			if err != nil {
				panic(err)
			}
			params = append(params, Param{Name: v.Path()[1:], Value: a})
		}
	})
	return params, err
}

// Shapes builds graph code without running it, to learn the shapes of what it returns.
func Shapes(params Params, inputs []shapes.Shape, build Build) (out []shapes.Shape, err error) {
	e, err := Open()
	if err != nil {
		return nil, err
	}
	err = Try(func() {
		g := graph.NewGraph(e.Backend, "shapes")
		defer g.Finalize()
		var all []*Node
		shapeOf := make([]shapes.Shape, len(params))
		for i, p := range params {
			shapeOf[i] = Float32(p.Value.Shape...)
		}
		for i, sh := range append(shapeOf, inputs...) {
			all = append(all, graph.Parameter(g, fmt.Sprintf("p%d", i), sh))
		}
		k := len(params)
		s := newScope(g, params.Names(), shapeOf[:k])
		s.bind(all[:k])
		for _, n := range build(s.root(), all[k:]) {
			out = append(out, n.Shape())
		}
	})
	return out, err
}
