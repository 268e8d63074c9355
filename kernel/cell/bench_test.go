package cell

import (
	"fmt"
	"testing"
)

// BenchmarkCompile is the time from the text of a changed cell to its program.
func BenchmarkCompile(b *testing.B) {
	for name, src := range map[string]string{
		"print":   "fmt.Println(\"changed\", %d)",
		"library": "p := priors.Grid25()\npost := odslib.Given(p, constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{%d}, Sigma: .5})",
		"gomlx":   "func f(x *graph.Node) *graph.Node { return graph.Add(x, graph.Mul(x, x)) }\nn := %d",
	} {
		b.Run(name, func(b *testing.B) {
			s := newSession(b)
			for i := 0; b.Loop(); i++ {
				if _, err := s.Compile(i, fmt.Sprintf(src, i)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
