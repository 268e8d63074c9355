package balance

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/exact"
	"odslab/odslib/measure"
	"odslab/odslib/nn"
)

// TestDistillation: the student of a policy that is still the prior, nine Gaussians, draws them in one evaluation, within two floors
// of sliced W1, and so in four; the noise it starts from is twenty-five floors away.
func TestDistillation(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	ctx, post := context.Background(), exact.T6().Post
	s := small()
	p, err := Train(ctx, "test", s, post, odslib.Budget{Steps: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	d := Distillation{Net: nn.MLP{Hidden: 96, Layers: 3}, Pairs: 3000, Batch: 256, Steps: 30}
	student, err := d.Train(ctx, p, post, odslib.Budget{Steps: 600}, 2)
	if err != nil {
		t.Fatal(err)
	}
	const n = 4000
	draw := func(sampler interface {
		Sample(context.Context, int, uint64) (odslib.Array, error)
	}, seed uint64,
	) odslib.Array {
		x, err := sampler.Sample(ctx, n, seed)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	w1 := func(a, b odslib.Array) float64 {
		w, err := measure.SlicedW1{Projections: 100}.Distance(a, b)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	truth := draw(post.Prior, 3)
	floor, noise := w1(draw(post.Prior, 4), truth), w1(draw(odslib.Normal{Dims: []int{2}}, 5), truth)
	for _, steps := range []int{1, 4} {
		student.Steps = steps
		r, err := student.Sample(ctx, post, n, 6)
		if err != nil {
			t.Fatal(err)
		}
		off := w1(r.Samples, truth)
		t.Logf("%d evaluations: sliced W1 %.3f, floor %.3f, noise %.3f; %d evaluations of the network; last loss %.3g", steps, off, floor, noise, r.NetworkEvals, student.Losses[len(student.Losses)-1])
		if off > 2*floor || r.NetworkEvals != int64(steps*n) {
			t.Errorf("%d evaluations: sliced W1 %.3f at floor %.3f", steps, off, floor)
		}
	}
	path := filepath.Join(t.TempDir(), "student")
	if err := student.Save(path); err != nil {
		t.Fatal(err)
	}
	kept, err := OpenStudent(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := student.Sample(ctx, post, 50, 7)
	if err != nil {
		t.Fatal(err)
	}
	got, err := kept.Sample(ctx, post, 50, 7)
	if err != nil || !slices.Equal(got.Samples.Data, want.Samples.Data) || !slices.Equal(kept.Losses, student.Losses) {
		t.Errorf("the opened student draws something else: %v", err)
	}
	if _, err := kept.Sample(ctx, exact.T1().Post, 50, 7); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("for another posterior: %v", err)
	}
	if _, err := Open(path); err == nil {
		t.Error("a student is opened as a policy")
	}
}
