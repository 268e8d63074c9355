package serve

import (
	"fmt"
	"regexp"
	"testing"
)

// A cell's new measurement finds the program that an earlier cell has compiled; one that a closure captures does not, and the
// cell is told where.
func TestNewMeasurementCompilesNothing(t *testing.T) {
	f, _ := withXLA(t)
	const after = "\nfmt.Sprint(engine.Compilations())"
	post := func(y, sigma float64) string {
		return fmt.Sprintf("post := odslib.Given(priors.Grid25(), constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{%g}, Sigma: %g})\n", y, sigma)
	}
	for _, sampler := range []string{"guide.DPS{}", "smc.Bootstrap{}"} {
		draw := "r := draw(" + sampler + ", post, 100)"
		var programs int
		if n, err := fmt.Sscanf(f.value(post(3, .5)+draw+after), `"%d 0"`, &programs); n != 1 || err != nil || programs == 0 {
			t.Errorf("%s compiles %d programs, %v", sampler, programs, err)
		}
		f.prints(post(4, .5)+draw+after, fmt.Sprintf(`"0 %d"`, programs))
		f.prints(post(4, .7)+draw+after, fmt.Sprintf(`"0 %d"`, programs))
	}

	const capture = `func() string {
	e, err := engine.Open()
	if err != nil {
		return err.Error()
	}
	p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{graph.Add(in[0], graph.Const(in[0].Graph(), []float32{%d}))}
	})
	if err != nil {
		return err.Error()
	}
	defer p.Close()
	if _, err := p.Call1([]float32{1}); err != nil {
		return err.Error()
	}
	return p.Note()
}()`
	f.prints(fmt.Sprintf(capture, 1), `""`)
	note := f.value(fmt.Sprintf(capture, 2))
	if want := regexp.MustCompile(`^"compiled anew, 2 times by now,.*\(a number at cell\[\d+\]:7\).*engine\.Var reads it`); !want.MatchString(note) {
		t.Errorf("the note is %s", note)
	}
	f.prints(fmt.Sprintf(capture, 1), `""`)
}
