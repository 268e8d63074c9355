// Package constraint holds what turns a prior into a posterior: measurements y = A(x) + error with an operator A and an
// error model, tilts, and rewards of the user's own.
//
//	constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5}
//	constraint.StudentT{A: constraint.Mask{Keep: upperHalf}, Y: y, Nu: 3, Scale: .1}
//	constraint.Reward{F: func(x *graph.Node) *graph.Node { … }}
//	constraint.Batched{F: simulate, Chunk: 64, Timeout: time.Minute}
//	constraint.All{measurement, reward}
//
// Error models are normalised densities, so that log Z is the evidence; rewards are raw log r.
package constraint
