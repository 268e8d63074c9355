package constraint

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var _ Operator = Modulus{}

// Modulus is phase retrieval: |A·x| of complex A, value by value, for flattened x. x and −x cannot be told apart.
type Modulus struct {
	Re, Im Matrix // the same shape; Im may be nil
}

// Fourier are the lowest m frequencies of the unitary discrete Fourier transform of d values, for Modulus.
func Fourier(m, d int) Modulus {
	var a Modulus
	for k := range m {
		re, im := make([]float64, d), make([]float64, d)
		for j := range d {
			im[j], re[j] = math.Sincos(-2 * math.Pi * float64(k*j) / float64(d))
			re[j], im[j] = re[j]/math.Sqrt(float64(d)), im[j]/math.Sqrt(float64(d))
		}
		a.Re, a.Im = append(a.Re, re), append(a.Im, im)
	}
	return a
}

// Size implements Operator.
func (a Modulus) Size(shape []int) (int, error) {
	m, err := a.Re.Size(shape)
	if err != nil || a.Im == nil {
		return m, err
	}
	n, err := a.Im.Size(shape)
	if err == nil && n != m {
		err = fmt.Errorf("the real part has %d rows, the imaginary %d", m, n)
	}
	return m, err
}

// Params implements odslib.Parametrised.
func (a Modulus) Params() odslib.Params {
	p := odslib.Params{{Name: "re", Value: engine.FromRows(a.Re)}}
	if a.Im != nil {
		p = append(p, engine.Param{Name: "im", Value: engine.FromRows(a.Im)})
	}
	return p
}

// Apply implements Operator. At 0, where |·| has no gradient, it is given 0.
func (a Modulus) Apply(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	part := func(name string) *odslib.Node {
		return graph.Square(graph.Einsum("bd,md->bm", flat(x), engine.Var(scope, x.Graph(), name)))
	}
	sum := part("re")
	if a.Im != nil {
		sum = graph.Add(sum, part("im"))
	}
	some := graph.GreaterThan(sum, graph.ZerosLike(sum))
	return graph.Where(some, graph.Sqrt(graph.Where(some, sum, graph.OnesLike(sum))), graph.ZerosLike(sum))
}
