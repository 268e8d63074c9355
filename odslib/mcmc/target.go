package mcmc

import (
	"fmt"
	"math"
	"slices"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// target is log r(f(z)) for batches of noise on the host, with f and r in the graph or on the host as they come.
type target struct {
	post       odslib.Posterior
	noise      []int // shape of one z
	generator  odslib.HostGenerator
	constraint odslib.HostConstraint
	x, logR    *engine.Program // z → x and z or x → log r, where they are graph code
	res        *odslib.Result
}

func openTarget(name string, post odslib.Posterior, res *odslib.Result) (_ *target, err error) {
	t := &target{post: post, res: res}
	graphGenerator, inGraph := post.Prior.(odslib.Generator)
	switch {
	case inGraph:
		t.noise = graphGenerator.NoiseShape()
	default:
		var ok bool
		if t.generator, ok = post.Prior.(odslib.HostGenerator); !ok {
			return nil, fmt.Errorf("%s needs a generator x = f(z); got %T", name, post.Prior)
		}
		t.noise = t.generator.NoiseShape()
	}
	constraint, graphConstraint := post.Constraint.(odslib.Constraint)
	if !graphConstraint && post.Constraint != nil {
		t.constraint = post.Constraint.(odslib.HostConstraint)
	}
	e, err := engine.Open()
	if err != nil {
		return nil, err
	}
	program := func(build engine.Build) *engine.Program {
		if err != nil {
			return nil
		}
		var p *engine.Program
		p, err = engine.NewProgram(e, post.Params(), build)
		return p
	}
	generate := func(scope *odslib.Scope, in []*odslib.Node) *odslib.Node {
		if inGraph {
			return post.Generate(scope, in[0])
		}
		return in[0]
	}
	if inGraph {
		t.x = program(func(scope *odslib.Scope, in []*odslib.Node) []*odslib.Node {
			return []*odslib.Node{generate(scope, in)}
		})
	}
	if constraint != nil {
		t.logR = program(func(scope *odslib.Scope, in []*odslib.Node) []*odslib.Node {
			r := post.LogR(scope, generate(scope, in))
			if want := engine.Float32(in[0].Shape().Dimensions[0]); !r.Shape().Equal(want) {
				engine.Fail("log r has shape %s, want one value a sample, %s", r.Shape(), want)
			}
			return []*odslib.Node{r}
		})
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *target) close() {
	for _, p := range []*engine.Program{t.x, t.logR} {
		if p != nil {
			p.Close()
		}
	}
}

// samples are f(z).
func (t *target) samples(z odslib.Array) (odslib.Array, error) {
	t.res.NetworkEvals += int64(z.Len())
	if t.x == nil {
		return t.generator.GenerateHost(z)
	}
	return t.x.Call1(z.Tensor())
}

// logLikelihood is log r(f(z)) of each row. NaN and +Inf are counted and become −Inf: such a z is never accepted.
func (t *target) logLikelihood(z odslib.Array) (out []float64, err error) {
	switch {
	case t.post.Constraint == nil:
		return make([]float64, z.Len()), nil
	case t.logR != nil && t.x != nil: // one program
		t.res.NetworkEvals += int64(z.Len())
		var r odslib.Array
		if r, err = t.logR.Call1(z.Tensor()); err == nil {
			out = float64s(r)
		}
	default:
		var x odslib.Array
		if x, err = t.samples(z); err != nil {
			return nil, err
		}
		if t.logR == nil {
			out, err = t.constraint.LogRHost(x)
			break
		}
		var r odslib.Array
		if r, err = t.logR.Call1(x.Tensor()); err == nil {
			out = float64s(r)
		}
	}
	if err != nil {
		return nil, err
	}
	t.res.ConstraintEvals += int64(z.Len())
	if len(out) != z.Len() {
		return nil, fmt.Errorf("the constraint gave %d values for %d samples", len(out), z.Len())
	}
	out = slices.Clone(out)
	for i, v := range out {
		if math.IsNaN(v) || math.IsInf(v, 1) {
			t.res.NonFinite++
			out[i] = math.Inf(-1)
		}
	}
	return out, nil
}

func float64s(a odslib.Array) []float64 {
	out := make([]float64, len(a.Data))
	for i, v := range a.Data {
		out[i] = float64(v)
	}
	return out
}
