package measure_test

import (
	"context"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
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

// A weighted result counts by its weights: prior draws with the posterior's weights come near the floor, without them, with
// weights that are none, or without draws they do not.
func TestTableOfWeighted(t *testing.T) {
	c, ctx := exact.T6(), context.Background()
	x, err := c.Post.Prior.Sample(ctx, 4000, 6)
	if err != nil {
		t.Fatal(err)
	}
	logr, err := c.Post.Rewards(ctx, x)
	if err != nil {
		t.Fatal(err)
	}
	made := func(w []float64) *odslib.Result {
		r := odslib.NewResult(c.Post, "prior", nil, 6)
		r.Samples, r.LogWeights = x, w
		return r
	}
	lost := make([]float64, 4000)
	for i := range lost {
		lost[i] = math.Inf(-1)
	}
	empty := odslib.NewResult(c.Post, "none", nil, 1)
	table := measure.Table(c.Post, made(nil), made(logr), made(lost), made(logr[:7]), empty)
	if table.Err != nil || len(table.Rows) != 5 {
		t.Fatal(table.Err, len(table.Rows))
	}
	if plain, weighted := table.Rows[0], table.Rows[1]; weighted.Distance > .2*plain.Distance || !strings.Contains(weighted.Sampler, "weighted") {
		t.Errorf("distance %.3f with weights (%s), %.3f without, floor %.3f", weighted.Distance, weighted.Sampler, plain.Distance, plain.Floor)
	}
	for _, r := range table.Rows[2:] {
		if !math.IsNaN(r.Distance) {
			t.Errorf("%s has distance %.3f", r.Sampler, r.Distance)
		}
	}
	// A user who knows the posterior tells the table.
	truth, _, err := c.Post.Exact()
	if err != nil {
		t.Fatal(err)
	}
	host := constraint.Known{Constraint: constraint.HostReward{F: func(x []float32) float64 { return -float64(x[0]*x[0]/100 + x[1]*x[1]) }}, Is: truth, LogZ: c.LogZ}
	if table := measure.Table(odslib.Given(c.Post.Prior, host), made(logr)); table.Err != nil || table.Exact != c.LogZ || !(table.Rows[0].Distance < .3) {
		t.Errorf("%v, log Z %g, distance %.3f", table.Err, table.Exact, table.Rows[0].Distance)
	}
}

// TestTableSaysWhatIsTheChains: a Δ log Z that the Result knows to be its chain's own is said to be that, one in its noise is not.
func TestTableSaysWhatIsTheChains(t *testing.T) {
	row := measure.Row{Sampler: "Bootstrap", DeltaLogZ: .14, LogZErr: .04, Shift: .11, ShiftErr: .01}
	table := &measure.TableOf{Rows: []measure.Row{row}}
	bundle, err := table.MIMEBundle()
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]any{"text": table.String(), "page": bundle["text/html"]} {
		if !strings.Contains(html.UnescapeString(fmt.Sprint(text)), "Bootstrap: about +0.110 ± 0.010 of Δ log Z is its discretised chain's own") {
			t.Errorf("%s: %s", what, text)
		}
	}
	for _, shift := range []float64{.01, math.NaN()} {
		table.Rows[0].Shift = shift
		if strings.Contains(table.String(), "discretised") {
			t.Errorf("shift %g: %s", shift, table)
		}
	}
}

// The CSV has all digits, and nothing where there is no number.
func TestWriteCSV(t *testing.T) {
	table := &measure.TableOf{Rows: []measure.Row{{Sampler: "SMC, \"K\"", N: 3, Distance: 1. / 3, Floor: math.NaN(), DeltaLogZ: math.NaN(), LogZErr: .25, NetworkEvals: 12}}}
	path := filepath.Join(t.TempDir(), "t.csv")
	if err := table.WriteCSV(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if want := "\"SMC, \"\"K\"\"\",3,0.3333333333333333,,,0.25,0,12,0,0,0\n"; err != nil || !strings.HasSuffix(string(text), want) {
		t.Errorf("%v: %s", err, text)
	}
}
