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

// The score of prior and constraint is the slope of the exact posterior's log-density, by float64 differences; that of
// the exact posterior, a prior without constraint, is the same.
func TestScore(t *testing.T) {
	ctx, post := context.Background(), exact.T6().Post
	truth, _, err := post.Exact()
	if err != nil {
		t.Fatal(err)
	}
	x, err := post.Prior.Sample(ctx, 20, 3)
	if err != nil {
		t.Fatal(err)
	}
	for name, post := range map[string]odslib.Posterior{"under the reward": post, "closed form": odslib.Given(truth, nil)} {
		s, err := measure.Score(ctx, post, x)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			for j := range 2 {
				at := func(step float64) float64 {
					v := []float64{float64(x.Row(i)[0]), float64(x.Row(i)[1])}
					v[j] += step
					return truth.(*priors.Mixture).LogDensityHost(v, 1, 0)
				}
				want := (at(1e-4) - at(-1e-4)) / 2e-4
				if got := float64(s.Row(i)[j]); math.Abs(got-want) > 1e-3*(1+math.Abs(want)) {
					t.Errorf("%s: sample %d, coordinate %d: %v, want %v", name, i, j, got, want)
				}
			}
		}
	}
	for word, f := range map[string]func() (odslib.Array, error){
		"InverseCDF": func() (odslib.Array, error) {
			return measure.Score(ctx, exact.T11(2).Post, x)
		},
		"HostReward": func() (odslib.Array, error) {
			return measure.Score(ctx, odslib.Given(post.Prior, constraint.HostReward{F: func([]float32) float64 { return 0 }}), x)
		},
		"[20 1]": func() (odslib.Array, error) {
			return measure.Score(ctx, post, odslib.Array{Shape: []int{20, 1}, Data: x.Data[:20]})
		},
	} {
		if _, err := f(); err == nil || !strings.HasPrefix(err.Error(), "measure: ") || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v; want one line with %q", err, word)
		}
	}
}
