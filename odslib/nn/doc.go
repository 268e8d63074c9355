// Package nn is what networks of samples are made of: layers as functions of graph nodes, ready networks with a
// time input, and the pieces of a training step.
//
// A [Net] is a small struct of settings whose zero value works; its weights are read by name from an engine scope. [MLP]
// takes samples of any shape, [UNet] images [h, w, c] (channels last, as everywhere here), [Transformer] sequences. A network of one's own is a
// type with an Apply method:
//
//	type Linear struct{}
//
//	func (Linear) Apply(scope *engine.Scope, x *engine.Node, at odslib.Level) *engine.Node {
//		return nn.Dense(scope, "linear", x, x.Shape().Dimensions[1], engine.FanIn)
//	}
//
//	weights, err := nn.Initial(Linear{}, []int{2}, 1)
//
// [Adam], [ClipByGlobalNorm], [EMA] and [Rate] are pure functions on parallel lists of nodes, for use in a step of
// [engine.Loop].
package nn
