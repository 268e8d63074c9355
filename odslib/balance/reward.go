package balance

import (
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// reward evaluates log r of end points, in the graph where it can.
type reward struct {
	program *engine.Program
	host    odslib.HostConstraint
}

func newReward(e *engine.Engine, post odslib.Posterior) (*reward, error) {
	if _, ok := post.Constraint.(odslib.Constraint); !ok {
		return &reward{host: post.Constraint.(odslib.HostConstraint)}, nil
	}
	p, err := engine.NewProgram(e, post.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{post.LogR(scope, graph.Identity(in[0]))}
	})
	return &reward{program: p}, err
}

func (r *reward) of(x odslib.Array) ([]float64, error) {
	if r.host != nil {
		return r.host.LogRHost(x)
	}
	a, err := r.program.Call1(x.Tensor())
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(a.Data))
	for i, v := range a.Data {
		out[i] = float64(v)
	}
	return out, nil
}
