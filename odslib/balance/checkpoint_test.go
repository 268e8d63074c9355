package balance

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/nn"
	"odslab/odslib/priors"
)

// flaky is a reward on the host, which fails when it is told to.
type flaky struct{ fail func() error }

func (f flaky) LogRHost(x odslib.Array) ([]float64, error) {
	out := make([]float64, x.Len())
	for i := range out {
		out[i] = -math.Abs(float64(x.Row(i)[0]))
	}
	return out, f.fail()
}

// bits is the whole state of a trainer to the bit.
func bits(t *testing.T, tr *trainer) string {
	t.Helper()
	p, err := tr.policy()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, w := range p.Weights {
		fmt.Fprintf(&b, "%b ", w.Value.Data)
	}
	fmt.Fprintf(&b, "%b %b %d %b\n", tr.logZ, tr.buffer.x.Data, tr.buffer.next, tr.buffer.logr)
	for _, it := range p.Trace {
		fmt.Fprintf(&b, "%b %b %b %b %b %v\n", it.Loss, it.LogZ, it.ELBO, it.Beta, it.Reward, it.Replay)
	}
	return b.String()
}

// TestResumes: 50+50 iterations are 100 to the bit, whether 50 were all that was asked for, the run was interrupted, or
// its reward failed in the middle of an iteration. The run uses all that has a state: replay, pool, exploration,
// annealing, and a buffer that goes round. One trainer is started over and over, so that its programs compile once.
func TestResumes(t *testing.T) {
	ctx, calls := context.Background(), 1000
	broken := errors.New("the simulator has stopped")
	post := odslib.Given(priors.Grid25(), flaky{func() error {
		if calls++; calls == 10 {
			return broken
		}
		return nil
	}})
	s, err := Settings{Net: nn.MLP{Hidden: 16, Layers: 2}, Chain: diffusion.Chain{Steps: 10}, Batch: 16, Buffer: 45, Pool: 32, Explore: .5, Horizon: 100}.resolve(post)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := newTrainer(ctx, "RTB", s, post, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.close()
	run := func(ctx context.Context, steps int, want error) {
		t.Helper()
		if err := tr.run(ctx, odslib.Budget{Steps: steps}); !errors.Is(err, want) {
			t.Fatalf("%v, want %v", err, want)
		}
	}
	// restart is a new process: nothing is left but the file.
	restart := func() {
		t.Helper()
		if err := tr.save(); err != nil {
			t.Fatal(err)
		}
		tr.free()
		tr.start()
		if err := tr.resume(); err != nil {
			t.Fatal(err)
		}
	}
	run(ctx, 100, nil)
	whole := bits(t, tr)
	replays := strings.Count(whole, " true\n")
	if replays < 20 || replays > 80 || tr.buffer.next == 0 {
		t.Fatalf("%d of 100 iterations were replay, the buffer stands at %d: the run does not use what it is to keep", replays, tr.buffer.next)
	}
	same := func(what string) {
		t.Helper()
		if bits(t, tr) != whole {
			t.Errorf("%s: the run ends elsewhere", what)
		}
		if len(tr.notes) != 0 {
			t.Errorf("%s: notes %q", what, tr.notes)
		}
	}

	tr.Checkpoint = filepath.Join(t.TempDir(), "deep", "policy")
	tr.free()
	tr.start()
	run(ctx, 50, nil)
	restart()
	run(ctx, 100, nil)
	same("50+50")
	restart()
	run(ctx, 60, nil)
	same("a budget that is spent already")

	tr.free()
	tr.start()
	stop, cancel := context.WithCancel(ctx)
	run(odslib.WithObserver(stop, func(p odslib.Progress) {
		if p.Step == 37 {
			cancel()
		}
	}), 100, context.Canceled)
	if len(tr.trace) != 37 {
		t.Errorf("stopped after %d iterations", len(tr.trace))
	}
	restart()
	calls = 0
	run(ctx, 100, broken)
	if n := len(tr.trace); n <= 37 || n == 100 {
		t.Errorf("stopped after %d iterations", n)
	}
	restart()
	run(ctx, 100, nil)
	same("interrupted twice")
}
