package outsource_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
	"odslab/odslib/outsource"
	"odslab/odslib/priors"
)

// One policy for every measurement of a family, in the noise: its means follow y where one policy of the mean y would give none
// of it, and an interrupted run that goes on gives the same bits as one that was left alone, replay and buffer included.
func TestConditionalAndResumed(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	steps := 160
	if !e.Loops() {
		steps = 30
	}
	prior := priors.Affine{W: [][]float64{{2, 0}, {1, 1}}, B: []float64{1, 0}}
	family, err := odslib.FamilyOf(odslib.Given(prior, constraint.Gaussian{A: constraint.Matrix{{1, 0}}, Y: []float64{0}, Sigma: 1}))
	if err != nil {
		t.Fatal(err)
	}
	x, err := prior.Sample(context.Background(), 200, 1)
	if err != nil {
		t.Fatal(err)
	}
	y, err := family.Y(context.Background(), x, 2)
	if err != nil {
		t.Fatal(err)
	}
	train := func(path string, iterations int) *outsource.Policy {
		s := outsource.Sampler{Net: nn.MLP{Hidden: 32, Layers: 2}, Steps: 15, Paths: 128, Horizon: steps, LR: 5e-3, Checkpoint: path}
		p, err := s.Train(context.Background(), family.Rows(y), odslib.Budget{Steps: iterations}, 3)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	straight := train("", steps)
	path := filepath.Join(t.TempDir(), "state")
	train(path, steps/2)
	resumed := train(path, steps)
	for i, w := range straight.Weights {
		if !slices.Equal(w.Value.Data, resumed.Weights[i].Value.Data) {
			t.Fatalf("%s differs after the run was resumed", w.Name)
		}
	}
	if !e.Loops() {
		return
	}
	// y ~ N(1, 5): E[x_1|y] = 1 + .8(y − 1), E[x_2|y] is half of the shift.
	const n = 2000
	rows := engine.NewArray(2*n, 1)
	for i := range rows.Data {
		rows.Data[i] = []float32{-2, 4}[i/n]
	}
	r, err := resumed.Sample(context.Background(), family.Rows(rows), 2*n, 4)
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []float64{1 - .8*3, 1 + .8*3} {
		part := odslib.Result{Samples: r.Samples.Slice(k*n, (k+1)*n)}
		m := part.Mean()
		t.Log(m, want)
		if math.Abs(m[0]-want) > .35 || math.Abs(m[1]-.5*(want-1)) > .35 { // training is short; the two means lie 4.8 apart
			t.Errorf("y = %g: mean %.3f, want [%.3f %.3f]", rows.Data[k*n], m, want, .5*(want-1))
		}
	}
}
