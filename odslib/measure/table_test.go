package measure_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/exact"
	"odslab/odslib/measure"
	"odslab/odslib/priors"
)

// The exact sampler stands at the floor, the prior far above it; without a closed form the table says so.
func TestTable(t *testing.T) {
	c := exact.T6()
	ctx := context.Background()
	truth, err := exact.Sampler{}.Sample(ctx, c.Post, 800, 5)
	if err != nil {
		t.Fatal(err)
	}
	x, err := c.Post.Prior.Sample(ctx, 800, 6)
	if err != nil {
		t.Fatal(err)
	}
	prior := odslib.NewResult(odslib.Posterior{}, "prior", nil, 6)
	prior.Samples = x
	table := measure.Table(c.Post, truth, nil, prior)
	if table.Err != nil || len(table.Rows) != 2 || math.Abs(table.Exact-c.LogZ) > 1e-6 {
		t.Fatalf("%d rows, log Z %g, error %v", len(table.Rows), table.Exact, table.Err)
	}
	a, b := table.Rows[0], table.Rows[1]
	if a.Distance > 2.5*a.Floor || a.DeltaLogZ != 0 {
		t.Errorf("exact: distance %.3f at floor %.3f, Δ log Z %g", a.Distance, a.Floor, a.DeltaLogZ)
	}
	if b.Distance < 5*b.Floor || !math.IsNaN(b.DeltaLogZ) {
		t.Errorf("prior: distance %.3f at floor %.3f, Δ log Z %g", b.Distance, b.Floor, b.DeltaLogZ)
	}
	bundle, err := table.MIMEBundle()
	if err != nil || !strings.Contains(bundle["text/html"].(string), "<td") || !strings.Contains(bundle["text/plain"].(string), "prior") {
		t.Errorf("bundle %v, %v", bundle, err)
	}
	blind := measure.Table(odslib.Given(priors.Grid25(), constraint.StudentT{A: constraint.Identity{}, Y: []float64{0, 0}, Nu: 3, Scale: 1}), truth)
	if blind.Err == nil || !math.IsNaN(blind.Rows[0].Distance) || !strings.Contains(blind.String(), "no distance") {
		t.Errorf("a table without a closed form: %v\n%s", blind.Err, blind)
	}
}
