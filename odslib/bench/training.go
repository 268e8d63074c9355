package main

import (
	"context"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

func mlpStep(driver engine.Driver) func(e *engine.Engine) (*ready, error) {
	return func(e *engine.Engine) (*ready, error) {
		return training(e, mlp{}, filled(batch, 2), driver, loopSteps)
	}
}

// imageSteps is how many U-Net steps go into a loop: a step is long, and an observer wants to be asked.
const imageSteps = 5

func unetStep(driver engine.Driver) func(e *engine.Engine) (*ready, error) {
	return func(e *engine.Engine) (*ready, error) {
		return training(e, nn.UNet{}, filled(images, 28, 28, 1), driver, imageSteps)
	}
}

// training is denoising score matching on one minibatch: times and noise drawn in the graph, Adam on the weights as one
// donated vector, as priors.Training does it. A repetition is one step (Host) or a loop of n, the loss on the host.
func training(e *engine.Engine, net nn.Net, data engine.Array, driver engine.Driver, n int) (*ready, error) {
	w, err := weights(net, data.Shape[1:]...)
	if err != nil {
		return nil, err
	}
	if driver == engine.Host {
		n = 1
	}
	b := data.Len()
	loop := engine.Loop{Driver: driver, Chunk: n, Step: engine.Step{Params: engine.Params{{Name: "data", Value: data}}, Build: func(scope *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node {
		x0 := engine.Var(scope, row.Graph(), "data")
		rng, t := engine.RandomUniform(state[1], b)
		rng, noise := engine.RandomNormal(rng, x0.Shape().Dimensions...)
		angle := graph.MulScalar(t, math.Pi/2)
		at := odslib.Level{T: t, Alpha: graph.Cos(angle), Sigma: graph.Sin(angle)}
		x := graph.Add(graph.Mul(diffusion.PerRow(at.Alpha, x0), x0), graph.Mul(diffusion.PerRow(at.Sigma, x0), noise))
		nodes := nn.Unflatten(state[2], w)
		out := net.Apply(engine.WithParams(scope, "net", w.Names(), nodes), x, at)
		loss := graph.ReduceAllMean(graph.Square(graph.Sub(out, noise)))
		list := func(n *engine.Node) []*engine.Node { return []*engine.Node{n} }
		grad := nn.Flatten(graph.Gradient(loss, nodes...))
		next, m, v := nn.Adam{}.Update(list(state[2]), list(state[3]), list(state[4]), list(grad), engine.Col(row, 0), engine.Col(row, 1))
		return []*engine.Node{loss, rng, next[0], m[0], v[0]}
	}}}
	if err := loop.Open(e); err != nil {
		return nil, err
	}
	flat := nn.Join(w)
	zero := engine.NewArray(flat.Shape...)
	state := []*tensors.Tensor{engine.NewArray().Tensor(), engine.RNGState(1, "bench"), flat.Tensor(), zero.Tensor(), zero.Tensor()}
	count, loss := 0, 0.
	once := func() (err error) {
		rows := make(engine.Table, n)
		for i := range rows {
			count++
			rows[i] = []float32{1e-3, float32(count)}
		}
		if state, _, err = loop.Run(context.Background(), state, rows, nil); err != nil {
			return err
		}
		loss = float64(tensors.ToScalar[float32](state[0]))
		return nil
	}
	if err := once(); err != nil {
		return nil, err
	}
	return &ready{once: once, per: n, check: loss}, nil
}
