package measure

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Score returns ∇ log p(x)·r(x) at samples x [n, shape…], in the same shape, for
// [KSD]: of a prior that knows its density (odslib.Density) under a constraint
// in graph code, or none. It is in the engine's float32. Where it is not finite
// KSD says at which sample.
func Score(ctx context.Context, post odslib.Posterior, x odslib.Array) (odslib.Array, error) {
	if err := post.Check(); err != nil {
		return odslib.Array{}, err
	}
	prior, ok := post.Prior.(odslib.Density)
	if !ok {
		return odslib.Array{}, fmt.Errorf("measure: the score needs a prior that knows its density (odslib.Density); got %T", post.Prior)
	}
	if post.Constraint != nil {
		if _, err := odslib.Need[odslib.Constraint](post, "measure: the score"); err != nil {
			return odslib.Array{}, err
		}
	}
	if x.Len() == 0 || x.Dim() != engine.NewArray(append([]int{1}, post.Shape()...)...).Dim() {
		return odslib.Array{}, fmt.Errorf("measure: the score at samples of shape %v; want [n, shape…] with shape %v", x.Shape, post.Shape())
	}
	e, err := engine.Open()
	if err != nil {
		return odslib.Array{}, err
	}
	program, err := engine.NewProgram(e, post.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		x := in[0]
		zero := graph.BroadcastToDims(graph.Const(x.Graph(), float32(0)), x.Shape().Dimensions[0])
		logP := prior.LogDensity(scope.At("prior"), x, odslib.Level{T: zero, Alpha: graph.OnesLike(zero), Sigma: zero})
		if post.Constraint != nil {
			logP = graph.Add(logP, post.LogR(scope, x, nil))
		}
		return graph.Gradient(graph.ReduceAllSum(logP), x)
	})
	if err != nil {
		return odslib.Array{}, err
	}
	defer program.Close()
	if err := ctx.Err(); err != nil {
		return odslib.Array{}, err
	}
	return program.Call1(x.Tensor())
}
