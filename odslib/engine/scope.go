package engine

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

type (
	// Node is a value of a computation graph.
	Node = graph.Node
	// Scope is where graph code finds its parameters by name.
	Scope = model.Scope
)

// scope lends nodes to graph code as the variables of a GoMLX model store.
type scope struct {
	store *model.Store
	vars  []*model.Variable
}

// newScope makes the store while the main function of g is being built; bind then says which nodes stand for the
// variables, in main or in a closure. GoMLX ties a variable to a parameter of the graph at first use; a constant of one
// value is tied instead, because the values come as ordinary inputs (and, in a While, through its state).
func newScope(g *graph.Graph, names []string, shapeOf []shapes.Shape) *scope {
	s := &scope{store: model.NewStore()}
	model.SetStore(g, s.store)
	for i, name := range names {
		v, err := s.store.CreateVariable("/"+name, tensors.FromScalar(float32(0)))
		if err != nil {
			panic(err)
		}
		s.store.WithVariableAsConst(true)
		v.NodeValue(g)
		s.store.WithVariableAsConst(false)
		if err := v.SetValuePreservingOld(tensors.FromShape(shapeOf[i])); err != nil {
			panic(err)
		}
		s.vars = append(s.vars, v)
	}
	return s
}

// bind makes the nodes the current values of the variables.
func (s *scope) bind(nodes []*Node) {
	for i, v := range s.vars {
		v.SetNodeValue(nodes[i])
	}
}

// root is a fresh root scope: each use of a layer begins its numbering anew.
func (s *scope) root() *Scope { return s.store.RootScope().ResetVisited() }

// Var returns the parameter called name of the scope; g says for which graph. A missing parameter is an error that
// names it (a panic inside graph code, turned into an error by the engine).
func Var(s *Scope, g *graph.Graph, name string) *Node {
	v := s.GetVariable(name)
	if v == nil {
		Fail("no parameter %q under %q", name, s.Scope())
	}
	return v.NodeValue(g)
}

// Has reports whether the scope has a parameter of that name.
func Has(s *Scope, name string) bool { return s.GetVariable(name) != nil }

// WithParams builds graph code against nodes that stand for named parameters: inside Step.Build of a training step the
// weights are part of the state, and their gradient is wanted. The prefix must not be in use in this graph.
func WithParams(like *Scope, prefix string, names []string, nodes []*Node) *Scope {
	store := like.Store()
	g := nodes[0].Graph()
	for i, name := range names {
		path := "/" + prefix + "/" + name
		v := store.GetVariable(path)
		if v == nil {
			var err error
			if v, err = store.CreateVariable(path, tensors.FromScalar(float32(0))); err != nil {
				panic(err)
			}
			store.WithVariableAsConst(true)
			v.NodeValue(g)
			store.WithVariableAsConst(false)
			if err := v.SetValuePreservingOld(tensors.FromShape(nodes[i].Shape())); err != nil {
				panic(err)
			}
		}
		v.SetNodeValue(nodes[i])
	}
	return store.Scope("/" + prefix).ResetVisited()
}
