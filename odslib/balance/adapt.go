package balance

import (
	"fmt"
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// LoRA is a policy that changes the prior's own network in place of correcting what it says: every matrix W of it, and every
// convolution as a matrix, becomes W + A·B with A [in, Rank], B [Rank, out] and B = 0 at the start (Hu et al. 2021, 2106.09685).
//
//	rtb.Sampler{Net: balance.LoRA{Rank: 8}}
type LoRA struct{ Rank int } // 0 means 4

// Copy is a policy that is a copy of the prior's own network, all of whose weights are trained, as in the paper of RTB.
type Copy struct{}

// adapter is a policy's "network" that is made of the prior's.
type adapter interface {
	nn.Net
	initial(prior odslib.Params, seed uint64) odslib.Params
	// adapted is the value of a number of the prior in the policy.
	adapted(policy *odslib.Scope, name string, w *odslib.Node) *odslib.Node
}

func init() {
	nn.Register(LoRA{})
	nn.Register(Copy{})
}

// Apply implements nn.Net, for Settings and files alone.
func (LoRA) Apply(*odslib.Scope, *odslib.Node, odslib.Level) *odslib.Node { return alone("LoRA") }

// Apply implements nn.Net, for Settings and files alone.
func (Copy) Apply(*odslib.Scope, *odslib.Node, odslib.Level) *odslib.Node { return alone("Copy") }

func alone(name string) *odslib.Node {
	engine.Fail("balance.%s is no network of its own: it adapts that of a prior", name)
	return nil
}

// trained says whether a number of a prior is a weight: those of its data and of its start are not.
func trained(name string) bool {
	return !strings.HasPrefix(name, "data/") && !strings.HasPrefix(name, "start_")
}

func (l LoRA) initial(prior odslib.Params, seed uint64) (out odslib.Params) {
	r := or(l.Rank, 4)
	for _, p := range prior {
		if d := p.Value.Shape; len(d) >= 2 && trained(p.Name) {
			last := d[len(d)-1]
			a := engine.NewArray(len(p.Value.Data)/last, r)
			engine.FanIn(engine.RNG(seed, p.Name), a.Shape, a.Data)
			out = append(out, engine.Param{Name: p.Name + "/a", Value: a}, engine.Param{Name: p.Name + "/b", Value: engine.NewArray(r, last)})
		}
	}
	return out
}

func (LoRA) adapted(policy *odslib.Scope, name string, w *odslib.Node) *odslib.Node {
	if !has(policy, name+"/a") {
		return w
	}
	a, b := at(policy, w, name+"/a"), at(policy, w, name+"/b")
	return graph.Add(w, graph.Reshape(graph.Dot(a, b).Product(), w.Shape().Dimensions...))
}

func (Copy) initial(prior odslib.Params, _ uint64) (out odslib.Params) {
	for _, p := range prior {
		if trained(p.Name) {
			out = append(out, engine.Param{Name: p.Name, Value: p.Value.Clone()})
		}
	}
	return out
}

func (Copy) adapted(policy *odslib.Scope, name string, w *odslib.Node) *odslib.Node {
	if !trained(name) {
		return w
	}
	return at(policy, w, name)
}

// at is the number of a path below the scope.
func at(scope *odslib.Scope, like *odslib.Node, path string) *odslib.Node {
	s, name := inside(scope, path)
	return engine.Var(s, like.Graph(), name)
}

func has(scope *odslib.Scope, path string) bool {
	s, name := inside(scope, path)
	return engine.Has(s, name)
}

func inside(scope *odslib.Scope, path string) (*odslib.Scope, string) {
	parts := strings.Split(path, "/")
	for _, p := range parts[:len(parts)-1] {
		scope = scope.At("%s", p)
	}
	return scope, parts[len(parts)-1]
}

// checkAdapter says what keeps the prior from being adapted.
func (p *corrected) checkAdapter(a adapter, drift Drift, given int) error {
	if drift.Guide != nil || drift.Variances {
		return fmt.Errorf("the Net %T adapts the prior's own network, which takes neither Guide nor Variances", a)
	}
	if given > p.own {
		return fmt.Errorf("the Net %T adapts the prior's own network, which does not see the constraint's conditions", a)
	}
	if len(a.initial(odslib.ParamsOf(p.Process), 0)) == 0 {
		return fmt.Errorf("the Net %T needs a prior with a network to adapt; %T has no weights", a, p.post.Prior)
	}
	return nil
}

// adapt is the guess of the prior with its weights adapted.
func (p *corrected) adapt(a adapter, scope *odslib.Scope, x *odslib.Node, level odslib.Level) []*odslib.Node {
	names := odslib.ParamsOf(p.Process).Names()
	nodes, policy := make([]*odslib.Node, len(names)), scope.At("policy")
	for i, name := range names {
		nodes[i] = a.adapted(policy, name, at(scope.At("prior"), x, name))
	}
	return p.Process.Guess(engine.WithParams(scope, "adapted", names, nodes), x, p.ownGiven(level))
}
