package exact

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var (
	_ odslib.Constraint   = SequenceReward{}
	_ odslib.Checked      = SequenceReward{}
	_ odslib.Parametrised = SequenceReward{}
)

// SequenceReward is log r of whole sequences as a table, in the order of [Sequences]; −Inf for one that is forbidden.
type SequenceReward struct {
	Tokens int
	Values []float64 // [Tokens^length]
}

// Reward is the table of log r of every sequence.
func (s Sequences) Reward(logR func(x []int) float64) SequenceReward {
	out := SequenceReward{Tokens: s.Tokens, Values: make([]float64, len(s.P))}
	for i := range out.Values {
		out.Values[i] = logR(s.Sequence(i))
	}
	return out
}

// Check implements odslib.Checked.
func (c SequenceReward) Check(shape []int) error {
	if len(shape) != 1 || c.Tokens < 1 || power(c.Tokens, shape[0]) != len(c.Values) {
		return fmt.Errorf("the reward is a table of %d sequences of %d tokens, samples have shape %v", len(c.Values), c.Tokens, shape)
	}
	allowed := false
	for i, l := range c.Values {
		if math.IsNaN(l) || math.IsInf(l, 1) {
			return fmt.Errorf("the log reward of sequence %d is %g", i, l)
		}
		allowed = allowed || !math.IsInf(l, -1)
	}
	if !allowed {
		return fmt.Errorf("the reward forbids every sequence")
	}
	return nil
}

// Params implements odslib.Parametrised.
func (c SequenceReward) Params() odslib.Params {
	return odslib.Params{{Name: "log_r", Value: engine.FromVector(c.Values).Reshape(len(c.Values), 1)}}
}

// LogR implements odslib.Constraint: x [B, length] → [B].
func (c SequenceReward) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return graph.Reshape(graph.Gather(engine.Var(scope, x.Graph(), "log_r"), number(x, c.Tokens)), -1)
}

// String names the constraint.
func (c SequenceReward) String() string { return "a reward of each sequence" }
