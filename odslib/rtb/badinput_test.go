package rtb_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
	"odslab/odslib/priors"
	"odslab/odslib/rtb"
)

// TestHostRewardFails: a reward on the host that fails once, hangs once, or panics once ends training with one line and what was learned;
// the same call goes on from the checkpoint and ends where a run without a failure does, to the bit.
func TestHostRewardFails(t *testing.T) {
	ctx := context.Background()
	s := rtb.Sampler{Net: nn.MLP{Hidden: 8, Layers: 1}, Chain: diffusion.Chain{Steps: 5, Driver: engine.Host}, GradSteps: 2, Paths: 16, Pool: 64, Local: 3, Horizon: 12}
	train := func(fail func(ctx context.Context, x odslib.Array) error, checkpoint string) (string, int, error) {
		calls := 0
		r := constraint.Batched{Timeout: time.Second, F: func(ctx context.Context, x odslib.Array) ([]float64, error) {
			if calls++; calls == 8 && fail != nil {
				if err := fail(ctx, x); err != nil {
					return nil, err
				}
			}
			out := make([]float64, x.Len())
			for i := range out {
				out[i] = float64(x.Row(i)[0])
			}
			return out, nil
		}}
		post := odslib.Given(odslib.Normal{Dims: []int{1}}, r)
		s.Checkpoint = checkpoint
		p, err := s.Train(ctx, post, odslib.Budget{Steps: 12}, 1)
		if p == nil {
			t.Fatalf("nothing is left: %v", err)
		}
		return engine.CheckSum(p.Weights.Values()...), p.Iterations, err
	}
	whole, _, err := train(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		fail func(ctx context.Context, x odslib.Array) error
		says string
	}{
		"fails": {func(context.Context, odslib.Array) error { return errors.New("the service is away") }, "the service is away"},
		"hangs": {func(ctx context.Context, _ odslib.Array) error {
			<-ctx.Done()
			time.Sleep(50 * time.Millisecond)
			return ctx.Err()
		}, "no answer within 1s"},
		"panics": {func(context.Context, odslib.Array) error { panic("index out of range") }, "panicked"},
	} {
		path := filepath.Join(t.TempDir(), "policy")
		_, done, err := train(c.fail, path)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") || done == 0 || done == 12 {
			t.Errorf("%s: after %d iterations: %v", name, done, err)
		}
		again, done, err := train(nil, path)
		if err != nil || done != 12 || again != whole {
			t.Errorf("%s: goes on to %d iterations, other weights %v, %v", name, done, again != whole, err)
		}
	}
}

// TestRefusals: one line for what does not go together, before anything is trained.
func TestRefusals(t *testing.T) {
	ctx := context.Background()
	x, err := odslib.Normal{Dims: []int{2}}.Sample(ctx, 64, 1)
	if err != nil {
		t.Fatal(err)
	}
	prior, err := priors.Training{Net: nn.MLP{Hidden: 8, Layers: 1, Time: 8}, Schedule: diffusion.VPCosine{}}.Train(ctx, x, odslib.Budget{Steps: 2}, 1)
	if err != nil {
		t.Fatal(err)
	}
	post := odslib.Given(prior, constraint.Tilt{Linear: []float64{1, 0}})
	s := rtb.Sampler{Net: nn.MLP{Hidden: 8, Layers: 1}, Chain: diffusion.Chain{Steps: 5, Driver: engine.Host}, GradSteps: 2, Paths: 16, Pool: -1}
	s.Checkpoint = filepath.Join(t.TempDir(), "policy")
	p, err := s.Train(ctx, post, odslib.Budget{Steps: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	other, wide := s, s
	other.Checkpoint, other.Chain.Schedule = "", diffusion.VPLinear{}
	wide.Net = nn.MLP{Hidden: 16, Layers: 1}
	for want, s := range map[string]rtb.Sampler{"shares its prior's": other, "another net": wide} {
		if _, err := s.Train(ctx, post, odslib.Budget{Steps: 2}, 1); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
	if _, err := p.At(1, 2).Sample(ctx, post, 10, 1); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a policy without conditions at one: %v", err)
	}
}
