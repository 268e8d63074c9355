package mcmc

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// density is the unnormalised log-density that Metropolis moves see, and its gradient: N(z; 0, I)·r(f(z)) in the noise of a
// generator, or p(x)·r(x) for a prior that knows its density.
type density struct {
	*target
	noise    bool // the reference is N(0, I)
	engine   *engine.Engine
	program  *engine.Program // of x: log p, log r where it is graph code, gradient of both where asked for
	gradient bool
	onHost   bool    // log r is
	beta     float64 // the power of r, an input of the program
}

// point is a batch of chains' places: log p + β·log r, log r alone, and the gradient of the sum.
type point struct {
	logP, logR []float64
	gradient   odslib.Array
}

func openDensity(post odslib.Posterior, gradient bool, res *odslib.Result) (*density, error) {
	d := &density{gradient: gradient, noise: true, beta: 1}
	var err error
	_, known := post.Prior.(odslib.Density)
	if _, ok := post.Prior.(odslib.Generator); known && !ok { // a normalising flow has both, and its noise is rounder
		d.noise = false
		d.target = &target{inner: odslib.Inner{Posterior: post}, res: res}
		if d.eval, err = post.Evaluator(); err != nil {
			return nil, err
		}
	} else if d.target, err = openTarget(post, res); err != nil {
		return nil, fmt.Errorf("it moves in the noise of a generator, or where the prior knows its density: %w", err)
	}
	inner := d.inner.Posterior
	_, inGraph := odslib.Can[odslib.Constraint](inner.Constraint)
	if d.onHost = inner.Constraint != nil && !inGraph; d.onHost && gradient {
		d.close()
		_, err := odslib.Need[odslib.Constraint](inner, "it")
		return nil, err
	}
	if d.engine, err = engine.Open(); err != nil {
		return nil, err
	}
	d.program, err = engine.NewProgram(d.engine, inner.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		x := in[0]
		n, g := x.Shape().Dimensions[0], x.Graph()
		var logP, logR *odslib.Node
		if d.noise {
			logP = graph.MulScalar(graph.ReduceSum(graph.Square(graph.Reshape(x, n, -1)), -1), -.5)
		} else {
			zero := graph.BroadcastToDims(graph.Const(g, float32(0)), n)
			logP = inner.Prior.(odslib.Density).LogDensity(scope.At("prior"), x, odslib.Level{T: zero, Alpha: graph.OnesLike(zero), Sigma: zero})
		}
		if logR = graph.ZerosLike(logP); inGraph {
			logR = inner.LogR(scope, x, nil)
		}
		logP = graph.Add(logP, graph.Mul(logR, graph.BroadcastToShape(in[1], logR.Shape())))
		out := []*engine.Node{graph.Concatenate([]*odslib.Node{logP, logR}, 0)}
		if gradient {
			out = append(out, graph.Gradient(graph.ReduceAllSum(logP), x)[0])
		}
		return out
	})
	return d, err
}

func (d *density) close() {
	if d.program != nil {
		d.program.Close()
	}
	d.target.close()
}

// start draws the first places: noise, or samples of the prior.
func (d *density) start(ctx context.Context, chains int, seed uint64) (odslib.Array, error) {
	return d.inner.Prior.Sample(ctx, chains, engine.Split(seed, "mcmc.start"))
}

// at evaluates a batch. What is no number is counted and has no density; a gradient there is 0.
func (d *density) at(ctx context.Context, x odslib.Array) (p point, err error) {
	n := x.Len()
	out, err := d.program.Call(x.Tensor(), float32(d.beta))
	if err != nil {
		return p, err
	}
	logs, err := engine.ToArray(out[0])
	if err == nil && d.gradient {
		p.gradient, err = engine.ToArray(out[1])
	}
	engine.Free(out...)
	if err != nil {
		return p, err
	}
	p.logP, p.logR = make([]float64, n), make([]float64, n)
	for i := range n {
		p.logP[i], p.logR[i] = float64(logs.Data[i]), float64(logs.Data[n+i])
	}
	if d.onHost {
		if p.logR, err = d.logR(ctx, x, n); err != nil { // counts its own evaluations
			return p, err
		}
		for i, l := range p.logR {
			p.logP[i] += d.beta * l
		}
	} else if d.inner.Constraint != nil {
		d.res.ConstraintEvals += int64(n)
		d.res.NetworkEvals += int64(n)
		if d.gradient {
			d.res.JacobianProducts += int64(n)
		}
	}
	for i, l := range p.logP {
		if math.IsInf(p.logR[i], -1) {
			p.logP[i] = math.Inf(-1) // for β = 0 too
		} else if math.IsInf(l, 1) {
			p.logP[i] = math.NaN()
		}
	}
	d.res.Lost(p.logP)
	for i, g := range p.gradient.Data {
		if v := float64(g); math.IsNaN(v) || math.IsInf(v, 0) {
			p.gradient.Data[i] = 0
		}
	}
	return p, nil
}

// scale is the prior's standard deviation, in which step sizes are given.
func (d *density) scale() float64 {
	if p, ok := d.inner.Prior.(odslib.Diffusion); ok && !d.noise {
		return math.Sqrt(diffusion.Variance(p))
	}
	return 1
}
