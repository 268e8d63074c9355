package twist

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// Kernel is E[r(x_0) | x_t] by samples x_i of the prior, drawn once and judged once:
//
//	log ψ_t(x_t) = log Σ r(x_i)·N(x_t; αx_i, σ²I) − log Σ N(x_t; αx_i, σ²I)
//
// It needs neither a gradient of r nor x̂0, so a host function or a person will do, and it sees how modes far apart divide the noise
// between them, which twists around x̂0 cannot. It is right where samples are near: in few dimensions, or at large noise; elsewhere it
// follows the nearest sample, which a policy can unlearn.
type Kernel struct {
	Draws int // of the prior; 0 means 1024
}

// Bind implements Twist.
func (s Kernel) Bind(post odslib.Posterior, seed uint64) (Bound, error) {
	if s.Draws < 0 {
		return nil, fmt.Errorf("twist.Kernel: %d draws; ask for at least one", s.Draws)
	}
	if post.Given != nil {
		return nil, fmt.Errorf("twist.Kernel: it judges its draws once, so it takes no conditions that differ from row to row")
	}
	n := s.Draws
	if n == 0 {
		n = 1024
	}
	x, err := post.Prior.Sample(context.Background(), n, engine.Split(seed, "twist.Kernel"))
	if err != nil {
		return nil, fmt.Errorf("twist.Kernel: %w", err)
	}
	logr, err := post.Rewards(context.Background(), x)
	if err != nil {
		return nil, fmt.Errorf("twist.Kernel: %w", err)
	}
	judged := engine.NewArray(n)
	known := 0
	for i, l := range logr {
		// What is 0 or no number counts as next to nothing, so that one sample in a thousand is enough of a guide.
		if judged.Data[i] = nothing; !math.IsNaN(l) && l > nothing {
			judged.Data[i] = float32(l)
			known++
		}
	}
	if known == 0 {
		return nil, fmt.Errorf("twist.Kernel: r is 0 or no number at all of %d samples of the prior", n)
	}
	return kernel{bare{post}, x.Reshape(n, x.Dim()), judged}, nil
}

// nothing is the log of the least r of a draw.
const nothing = -1e4

type kernel struct {
	bare
	x, logr odslib.Array // [n, d], [n]
}

func (b kernel) Params() odslib.Params {
	return odslib.Params{{Name: "x", Value: b.x}, {Name: "log_r", Value: b.logr}}
}

// Valued implements Valued.
func (kernel) Valued() {}

// LogTwist implements Bound.
func (b kernel) LogTwist(scope *odslib.Scope, x, _ *odslib.Node, at odslib.Level) *odslib.Node {
	g, n := x.Graph(), x.Shape().Dimensions[0]
	draws, logr := engine.Var(scope.At("twist"), g, "x"), engine.Var(scope.At("twist"), g, "log_r")
	// −|x−αx_i|²/2σ² but for what all draws share.
	s2 := graph.Square(at.Sigma)
	s2 = graph.MaxScalar(s2, 1e-12)
	u := graph.Mul(graph.Reshape(x, n, -1), diffusion.PerRow(graph.Div(at.Alpha, s2), graph.Reshape(x, n, -1)))
	k := graph.Dot(u, graph.TransposeAllAxes(draws, 1, 0)).Product()
	half := graph.MulScalar(graph.ReduceSum(graph.Square(draws), -1), .5)
	wide := func(v *odslib.Node) *odslib.Node { return graph.BroadcastToShape(graph.ExpandAxes(v, 0), k.Shape()) }
	k = graph.Sub(k, graph.Mul(wide(half), diffusion.PerRow(graph.Div(graph.Square(at.Alpha), s2), k)))
	return graph.Sub(logSum(graph.Add(k, wide(logr))), logSum(k))
}

// logSum is the log of the sum of exponentials of each row.
func logSum(v *odslib.Node) *odslib.Node {
	top := graph.StopGradient(graph.ReduceMax(v, -1))
	return graph.Add(top, graph.Log(graph.ReduceSum(graph.Exp(graph.Sub(v, graph.BroadcastToShape(graph.ExpandAxes(top, -1), v.Shape()))), -1)))
}
