package constraint

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
)

var _ odslib.Constraint = ClassReward{}

// Classifier is what knows the log-probabilities of classes, x_t [B, shape…] → [B, classes], priors.Classifier for one.
type Classifier interface {
	odslib.Parametrised
	Shape() []int
	Classes() []string
	LogProbs(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node
}

// ClassReward is log r = log p(x is of one of the classes), by a classifier, times Power.
type ClassReward struct {
	Of      Classifier
	Classes []int
	Power   float64 // 0 means 1
}

// Class is the reward log p(class | x); of several classes, that of their union.
func Class(of Classifier, classes ...int) ClassReward { return ClassReward{Of: of, Classes: classes} }

// Check implements odslib.Checked.
func (c ClassReward) Check(shape []int) error {
	if c.Of == nil {
		return fmt.Errorf("the class reward has no classifier")
	}
	if e, ok := c.Of.(interface{ Err() error }); ok {
		if err := e.Err(); err != nil {
			return err
		}
	}
	if len(c.Classes) == 0 {
		return fmt.Errorf("the class reward names no class; there are %d", len(c.Of.Classes()))
	}
	for i, k := range c.Classes {
		if k < 0 || k >= len(c.Of.Classes()) {
			return fmt.Errorf("class %d is none of %d", k, len(c.Of.Classes()))
		}
		for _, j := range c.Classes[:i] {
			if j == k {
				return fmt.Errorf("class %d is named twice", k)
			}
		}
	}
	if want := c.Of.Shape(); fmt.Sprint(want) != fmt.Sprint(shape) && shape != nil {
		return fmt.Errorf("the classifier is of samples of shape %v, the prior of shape %v", want, shape)
	}
	if c.Power < 0 {
		return fmt.Errorf("the class reward's Power is %g; it must be positive", c.Power)
	}
	return nil
}

// Params implements odslib.Parametrised.
func (c ClassReward) Params() odslib.Params { return c.Of.Params() }

// LogR implements odslib.Constraint.
func (c ClassReward) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	logp, n := c.Of.LogProbs(scope, x, clean(x)), x.Shape().Dimensions[0]
	var chosen []*odslib.Node
	for _, k := range c.Classes {
		chosen = append(chosen, graph.Slice(logp, graph.AxisRange(), graph.AxisRange(k, k+1)))
	}
	out := graph.Reshape(chosen[0], n)
	if len(chosen) > 1 {
		all := graph.Concatenate(chosen, -1)
		top := graph.StopGradient(graph.ReduceMax(all, -1))
		wide := graph.BroadcastToShape(graph.ExpandAxes(top, -1), all.Shape())
		out = graph.Add(top, graph.Log(graph.ReduceSum(graph.Exp(graph.Sub(all, wide)), -1)))
	}
	if c.Power != 0 && c.Power != 1 {
		out = graph.MulScalar(out, c.Power)
	}
	return out
}

// String names the constraint.
func (c ClassReward) String() string {
	names := ""
	for i, k := range c.Classes {
		if i > 0 {
			names += " or "
		}
		names += c.Of.Classes()[k]
	}
	return "class " + names
}
