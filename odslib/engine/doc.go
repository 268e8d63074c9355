// Package engine is the thin layer between odslab and its array library: it chooses the backend, runs step functions
// in loops, owns random numbers and turns panics of graph code into errors of one line.
//
// Its central types are [Loop], which drives one pure step function either from Go (the host driver, every backend) or
// inside a single While program (XLA), and [Params], the ordered list of named arrays that is the truth of whatever a
// step reads: weights, observations, mixture means. Parameters reach graph code through a [Scope], so that layers
// written for GoMLX's model package work unchanged.
//
//	loop := engine.Loop{Step: engine.Step{Params: weights, Build: func(scope *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node {
//		x := state[0]
//		return []*engine.Node{graph.Mul(x, engine.Col(row, 0))}
//	}}}
//	out, done, err := loop.Run(ctx, []*tensors.Tensor{x}, engine.Table{{.5}, {.25}}, nil)
//
// A graph is compiled once: package record keeps programs under the hash of what they compute, so another Loop or Program
// of the same graph, with other parameters and inputs, finds its own. [Compilations] counts them, and [Program.Note] says
// which captured number has had one compiled anew.
//
// XLA is linked in by the blank import of odslab/odslib/engine/xla; without it there is the pure-Go backend.
package engine
