package smc

import (
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/twist"
)

// The state on the device is x, the guess there, and for guided proposals the gradient of the twist in x, or in logits. Programs return the
// random state, the logs of the move, and the state; the guess is evaluated once a step.

// compile makes the three programs.
func (o *opened) compile() (err error) {
	if o.engine, err = engine.Open(); err != nil {
		return err
	}
	if o.post.Given != nil {
		each := engine.NewArray(o.size(), o.post.Given.Dim())
		for i, group := range o.groups {
			for k := range o.crowd() {
				copy(each.Row(i*o.crowd()+k), o.post.Given.Row(group.first))
			}
		}
		if o.given, err = o.engine.Tensors(each); err != nil {
			return err
		}
	}
	params := append(odslib.ParamsOf(o.process).Under("prior"), odslib.ParamsOf(o.post.Constraint).Under("constraint")...)
	if o.bound != nil {
		params = append(params, o.bound.Params().Under("twist")...)
	}
	if o.start, err = engine.NewProgram(o.engine, params, o.buildStart); err != nil {
		return err
	}
	if o.step, err = engine.NewProgram(o.engine, params, o.buildStep); err != nil {
		return err
	}
	o.last, err = engine.NewProgram(o.engine, params, o.buildLast)
	return err
}

// crowd is the number of particles of a group.
func (o *opened) crowd() int { return o.islands * o.particles }

// size is the number of all particles.
func (o *opened) size() int { return len(o.groups) * o.crowd() }

// buildStart draws the start, with zeros for the rest of the state: in: row, (given), rng. The step program, told to stay,
// says what the start is worth; compiling guess and twist into a second program would take as long as the first time.
func (o *opened) buildStart(scope *odslib.Scope, in []*odslib.Node) []*odslib.Node {
	given, in := optional(in, o.given != nil)
	rng, x := o.process.Start(scope.At("prior"), in[1], o.size())
	out := []*odslib.Node{rng, x}
	_, _, state := o.outlook(scope, x, rowOf(in[0], 0), given)
	for _, v := range state[1:] {
		out = append(out, graph.Zeros(v.Graph(), v.Shape())) // only the shape counts, and XLA drops what made it
	}
	return out
}

// buildStep moves the particles. in: the step's row and the next, (given), (coefficients), parents, rng, state…. A 1 behind the
// parents tells them to stay where they are.
func (o *opened) buildStep(scope *odslib.Scope, in []*odslib.Node) []*odslib.Node {
	given, in := optional(in, o.given != nil)
	coefficients, in := optional(in, o.control)
	m := o.propose(in, coefficients)
	told := graph.Reshape(graph.Slice(in[1], graph.AxisElem(o.size())))
	stay := graph.Equal(told, graph.OnesLike(told))
	where := func(a, b *odslib.Node) *odslib.Node {
		return graph.Where(graph.BroadcastToDims(stay, b.Shape().Dimensions...), a, b)
	}
	m.x = where(in[3], m.x)
	logTwist, at, state := o.outlook(scope, m.x, rowOf(in[0], 1), given)
	var h []*odslib.Node
	if o.control {
		h = o.backward(&m, state, rowOf(in[0], 0), at) // of those who stay nobody reads it
	}
	if m.logRatio != nil {
		m.logRatio = where(graph.ZerosLike(m.logRatio), m.logRatio)
	}
	return append([]*odslib.Node{m.rng, o.logs(m.x, logTwist, m.logRatio, &at, h)}, state...)
}

// buildLast is the step to the end, where x itself is judged. in: row, (given), (coefficients), parents, rng, state…. It has no control:
// scores at the end have no bound.
func (o *opened) buildLast(scope *odslib.Scope, in []*odslib.Node) []*odslib.Node {
	given, in := optional(in, o.given != nil)
	_, in = optional(in, o.control)
	m := o.propose(in, nil)
	var logR *odslib.Node
	if o.rewards == nil && o.post.Constraint != nil {
		logR = o.raised(o.post.LogR(scope, m.x, given))
	}
	return []*odslib.Node{m.rng, o.logs(m.x, logR, m.logRatio, nil, nil), m.x}
}

// optional takes what comes behind the rows out of the inputs, where there is such a thing.
func optional(in []*odslib.Node, there bool) (v *odslib.Node, rest []*odslib.Node) {
	if !there {
		return nil, in
	}
	return in[1], append([]*odslib.Node{in[0]}, in[2:]...)
}

func rowOf(rows *odslib.Node, i int) *odslib.Node {
	return graph.Reshape(graph.Slice(rows, graph.AxisElem(i)), -1)
}

// move is a step under way.
type move struct {
	from             Particle // Gradient is what the step follows
	rng, x, logRatio *odslib.Node
	coefficients     *odslib.Node   // of the control, or nil
	basis            []*odslib.Node // of the control at x_t
}

// propose takes the parents out of the old cloud and moves them, the control being nil or its coefficients. in: rows, parents, rng, state….
func (o *opened) propose(in []*odslib.Node, control *odslib.Node) move {
	parents, row := graph.ExpandAxes(graph.Slice(in[1], graph.AxisRange(0, o.size())), -1), rowOf(in[0], 0)
	var state []*odslib.Node
	for _, s := range in[3:] {
		state = append(state, graph.Gather(s, parents))
	}
	m, proposal := move{from: Particle{X: state[0], Guess: state[1:]}, coefficients: control}, o.proposal
	if o.proposal.Guided() {
		k := len(state) - 1
		m.from.Guess, m.from.Gradient = state[1:k], state[k]
	}
	if control != nil {
		m.basis = o.scores(state, o.process.Level(row, o.size()))
		u := combine(control, m.basis)
		if proposal = (TwistedStep{}); m.from.Gradient != nil {
			u = graph.Add(u, m.from.Gradient)
		}
		m.from.Gradient = u
	}
	m.rng, m.x, m.logRatio = proposal.Propose(o.process, m.from, row, in[2])
	if p, ok := o.process.(*corrected); ok {
		mass := p.LogMass(m.from.Guess, m.from.X, row)
		if m.logRatio != nil {
			mass = graph.Add(mass, m.logRatio)
		}
		m.logRatio = mass
	}
	return m
}

// outlook evaluates the guess and the twist where a row starts, and gives the state there.
func (o *opened) outlook(scope *odslib.Scope, x, row, given *odslib.Node) (logTwist *odslib.Node, at odslib.Level, state []*odslib.Node) {
	at = o.process.Level(row, x.Shape().Dimensions[0])
	own := at
	own.Given = o.post.PriorGiven(given)
	guess := o.process.Guess(scope.At("prior"), x, own)
	if _, plain := o.bound.(twist.HostBound); plain && !guess[0].Shape().Equal(x.Shape()) {
		engine.Fail("the twist %T reads a guess of the samples %s, and the guess of %T has shape %s; give a twist that reads it, or Potential: smc.Terminal", o.twist, x.Shape(), o.process, guess[0].Shape())
	}
	if o.bound != nil && !o.hosted {
		at.Given, at.Extra = given, nil
		for k := range o.bound.Columns() {
			at.Extra = append(at.Extra, graph.BroadcastToDims(engine.Col(row, o.own+k), x.Shape().Dimensions[0]))
		}
		logTwist = o.raised(o.bound.LogTwist(scope, x, guess[0], at))
	}
	state = append([]*odslib.Node{x}, guess...)
	if o.proposal.Guided() {
		of := x
		if _, ok := o.process.(odslib.GaussianSteps); !ok {
			of = guess[0]
		}
		state = append(state, graph.Gradient(graph.ReduceAllSum(logTwist), of)[0])
	}
	return logTwist, at, state
}

// raised is λ·log r or λ·log ψ.
func (o *opened) raised(log *odslib.Node) *odslib.Node {
	if o.lambda == 1 {
		return log
	}
	return graph.MulScalar(log, o.lambda)
}

// logs are log ψ (or log r) and the proposal's log ratio of each particle, 0 for nil, then α and σ of the level and what the
// control is fitted to: one vector, so one copy to the host.
func (o *opened) logs(x, log, logRatio *odslib.Node, at *odslib.Level, h []*odslib.Node) *odslib.Node {
	k := x.Shape().Dimensions[0]
	zeros := func(n int) *odslib.Node { return graph.BroadcastToDims(graph.Const(x.Graph(), float32(0)), n) }
	each := func(v *odslib.Node) *odslib.Node {
		if v == nil {
			return zeros(k)
		}
		if !v.Shape().Equal(engine.Float32(k)) {
			engine.Fail("log r has shape %s for %d particles; it must be one value a particle", v.Shape(), k)
		}
		return v
	}
	level := zeros(2)
	if at != nil {
		first := func(v *odslib.Node) *odslib.Node { return graph.Slice(v, graph.AxisElem(0)) }
		level = graph.Concatenate([]*odslib.Node{first(at.Alpha), first(at.Sigma)}, 0)
	}
	return graph.Concatenate(append([]*odslib.Node{each(log), each(logRatio), level}, h...), 0)
}
