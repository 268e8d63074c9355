package main

import (
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
)

// forward is one evaluation of the MLP.
func forward(e *engine.Engine) (*ready, error) {
	w, err := weights(mlp{}, 2)
	if err != nil {
		return nil, err
	}
	p, err := engine.NewProgram(e, w, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{layers(scope, in[0])}
	})
	if err != nil {
		return nil, err
	}
	x := filled(batch, 18).Tensor()
	return single(p, func() (engine.Array, error) { return p.Call1(x) })
}

// guidance is what DPS adds to a step: the gradient of log p(y|x̂0(x_t)) in x_t.
func guidance(e *engine.Engine) (*ready, error) {
	d, err := prior()
	if err != nil {
		return nil, err
	}
	post := odslib.Given(d, constraint.Gaussian{A: constraint.Matrix{{1, .5}}, Y: []float64{.25}, Sigma: 1})
	if err := post.Check(); err != nil {
		return nil, err
	}
	at := .5
	alpha, sigma := float32(chain.Schedule.Alpha(at)), float32(chain.Schedule.Sigma(at))
	p, err := engine.NewProgram(e, post.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		level := func(i int) *engine.Node { return graph.BroadcastToDims(in[i], batch) }
		x := in[0]
		x0 := post.Denoise(scope, x, odslib.Level{T: level(1), Alpha: level(2), Sigma: level(3)})
		return graph.Gradient(graph.ReduceAllSum(post.LogR(scope, x0, nil)), x)
	})
	if err != nil {
		return nil, err
	}
	x := filled(batch, 2).Tensor()
	return single(p, func() (engine.Array, error) { return p.Call1(x, float32(at), alpha, sigma) })
}

// single is a case of one call of a program.
func single(p *engine.Program, call func() (engine.Array, error)) (*ready, error) {
	out, err := call()
	if err != nil {
		p.Close()
		return nil, err
	}
	return &ready{check: meanAbs(out), once: func() error {
		_, err := call()
		return err
	}}, nil
}
