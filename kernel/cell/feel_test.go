package cell

import (
	"strings"
	"testing"
)

// TestLibrary runs the library from cells, by name alone: priors, constraints
// and Results live on, interface values inside them too.
func TestLibrary(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.env = append(b.env, "ODSLAB_ENGINE=go")
	b.want("p := priors.Grid25()\npost := odslib.Given(p, constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{1}, Sigma: .5})", "")
	o := b.run("dps := draw(guide.DPS{Steps: 5}, post, 20)\ndps")
	if o.err != nil || o.status != 0 || !strings.HasPrefix(o.out, "DPS: 20 samples of shape [2]") {
		t.Errorf("draw: %+v %v", o, o.err)
	}
	b.want("dps.Samples.Len(), len(dps.Mean())"[:17], "20")
	b.want("post.Prior == odslib.Prior(p)", "true") // still one prior
	b.want("seed := 7", "")
	o = b.run("d2 := draw(guide.DPS{Steps: 5}, post, 20)\nd2.Seed == dps.Seed")
	if strings.TrimSpace(o.out) != "false" {
		t.Errorf("seed: %+v %v", o, o.err)
	}
	b.want("if ctx.Err() != nil { panic(1) }", "")
	o = b.run("bad := draw(guide.DPS{}, post, 0)")
	if o.status != 1 || o.fail.Ename != "error" || o.fail.Line != 1 || !strings.Contains(o.fail.Evalue, "0 samples") {
		t.Errorf("an error of draw: %+v %v", o, o.err)
	}
	b.run("type cut struct{}\nfunc (cut) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {\n\tr := odslib.NewResult(post, \"cut\", 1, seed)\n\tr.Samples = odslib.Array{Shape: []int{2, 1}, Data: []float32{1, 2}}\n\treturn r, errors.New(\"the power went\")\n}")
	o = b.run("part := draw(cut{}, post, 5)\nafterwards := 1")
	if o.status != 1 || !strings.Contains(o.fail.Evalue, "the power went; 2 samples are kept in part") {
		t.Errorf("partial: %+v %v", o, o.err)
	}
	b.want("part.Samples.Len()", "2")
	b.bad("afterwards", 1, 1, "undefined: afterwards: cell 10 ended before it was set")
	b.bad("draw(guide.DPS{}, 3, 5)", 1, 19, "cannot use 3")
	b.bad("x := draw(guide.DPS{}, post)", 1, 28, "not enough arguments in call to draw")
}
