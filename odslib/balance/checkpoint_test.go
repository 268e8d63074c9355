package balance

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/exact"
	"odslab/odslib/nn"
	"odslab/odslib/priors"
	"odslab/odslib/twist"
)

// flaky is a reward on the host, which fails when it is told to.
type flaky struct{ fail func() error }

func (f flaky) LogRHost(_ context.Context, x odslib.Array) ([]float64, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	out := make([]float64, x.Len())
	for i := range out {
		out[i] = -math.Abs(float64(x.Row(i)[0]))
	}
	return out, nil
}

// bits is the whole state of a trainer to the bit.
func bits(t *testing.T, tr *Trainer) string {
	t.Helper()
	p, err := tr.snapshot()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, w := range p.Weights {
		fmt.Fprintf(&b, "%b ", w.Value.Data)
	}
	k := tr.buffer.kept
	fmt.Fprintf(&b, "%b %b %b %b %d %b %d\n", tr.logZ, tr.beta, tr.first, k.X.Data, tr.buffer.next, k.LogR, k.Cond)
	for _, it := range p.Trace {
		fmt.Fprintf(&b, "%b %b %b %b %b %b %v\n", it.Loss, it.LogZ, it.ELBO, it.Beta, it.Reward, it.ESS, it.Replay)
	}
	return b.String()
}

// TestResumes: 50+50 iterations are 100 to the bit, whether 50 were all that was asked for, the run was interrupted, or
// its reward failed in the middle of an iteration. The run uses all that has a state: replay, pool, exploration,
// annealing, local search, and a buffer that goes round. One trainer is started over and over, so that its programs compile once.
func TestResumes(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	ctx, calls := context.Background(), 1000
	broken := errors.New("the simulator has stopped")
	post := odslib.Given(priors.Grid25(), flaky{func() error {
		if calls++; calls == 10 {
			return broken
		}
		return nil
	}})
	s := Settings{Net: nn.MLP{Hidden: 16, Layers: 2}, Steps: 10, Paths: 16, Buffer: 45, Pool: 32, Explore: .5, Horizon: 100, Local: 7, Drift: Drift{Variances: true}}
	tr, err := NewTrainer(ctx, "RTB", s, post, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
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
		if err := tr.resume(ctx); err != nil {
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

	// The policy of a training state opens too.
	p, err := Open(tr.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Sample(ctx, post, 10, 1); err != nil {
		t.Error(err)
	}
}

// TestResumesTheFirstEdition: testdata/first is a training state that the first edition wrote (8 iterations of RTB on T6 with the
// settings below); training goes on from it, under the kernel that was the default then, and Open says why it cannot sample.
func TestResumesTheFirstEdition(t *testing.T) {
	dir := t.TempDir()
	for _, end := range []string{".safetensors", ".json"} {
		data, err := os.ReadFile("testdata/first" + end)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "first"+end), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := Settings{Net: nn.MLP{Hidden: 8, Layers: 1}, Paths: 16, Pool: -1, GradSteps: 2, Horizon: 12, Checkpoint: filepath.Join(dir, "first")}
	s.Chain.Steps, s.Chain.Kernel = 5, diffusion.Noisy{}
	if _, err := Open(s.Checkpoint); err == nil || !strings.Contains(err.Error(), "first edition") || strings.Contains(err.Error(), "\n") {
		t.Errorf("it opened: %v", err)
	}
	p, err := Train(context.Background(), "RTB", s, exact.T6().Post, odslib.Budget{Steps: 12}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Trace) != 12 || p.Trace[7].Loss == 0 {
		t.Errorf("%d iterations, %v", len(p.Trace), p)
	}
	if p, err = Open(s.Checkpoint); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Sample(context.Background(), exact.T6().Post, 10, 1); err != nil {
		t.Error(err)
	}
}

// TestSaveAndOpen: an opened policy draws what the saved one does, to the bit, and refuses another posterior in one line:
// another number of the constraint or of the prior, another constraint, another host function.
func TestSaveAndOpen(t *testing.T) {
	ctx := context.Background()
	s := small()
	s.Chain.Kernel = diffusion.EulerMaruyama{}
	normal := odslib.Normal{Dims: []int{2}}
	rising, falling := host(func(x float64) float64 { return x }), host(func(x float64) float64 { return -x })
	for name, c := range map[string]struct {
		post   odslib.Posterior
		others []odslib.Posterior
	}{
		"guided": {odslib.Given(normal, rising), []odslib.Posterior{odslib.Given(normal, falling)}},
		"numbers": {odslib.Given(normal, constraint.Tilt{Linear: []float64{1, 0}}), []odslib.Posterior{
			odslib.Given(normal, constraint.Tilt{Linear: []float64{1, 1e-6}}),
			odslib.Given(odslib.Normal{Dims: []int{3}}, constraint.Tilt{Linear: []float64{1, 0, 0}}),
			odslib.Given(priors.Gaussian([]float64{0, 0}, 1), constraint.Tilt{Linear: []float64{1, 0}}),
			odslib.Given(normal, rising), odslib.Given(normal, nil),
		}},
		"a function": {odslib.Given(normal, rising), []odslib.Posterior{odslib.Given(normal, falling)}},
		"tokens":     {exact.Infilling().Post, []odslib.Posterior{odslib.Given(exact.Infilling().Post.Prior, host(func(x float64) float64 { return x }))}},
	} {
		t.Run(name, func(t *testing.T) {
			s := s
			switch name {
			case "tokens":
				s.Chain.Kernel = nil
			case "guided":
				s.Drift = Drift{Guide: twist.Kernel{Draws: 64}, Variances: true}
			}
			p, err := Train(ctx, "test", s, c.post, odslib.Budget{Steps: 3}, 1)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "policy")
			if err := p.Save(path); err != nil {
				t.Fatal(err)
			}
			q, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			p.Seconds = q.Seconds // to a tenth
			if q.String() != p.String() && !math.IsNaN(p.LogZ) {
				t.Errorf("%v, saved %v", q, p)
			}
			want, err := p.Sample(ctx, c.post, 50, 2)
			if err != nil {
				t.Fatal(err)
			}
			got, err := q.Sample(ctx, c.post, 50, 2)
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got.Samples.Data) != fmt.Sprint(want.Samples.Data) || fmt.Sprint(got.Particles.LogWeights) != fmt.Sprint(want.Particles.LogWeights) {
				t.Error("the opened policy draws something else")
			}
			if want.NetworkEvals != 50*int64(len(p.Chain.Grid)-1) && name != "tokens" || want.ConstraintEvals != 50 {
				t.Errorf("%d evaluations of the network, %d of the constraint", want.NetworkEvals, want.ConstraintEvals)
			}
			for i, other := range c.others {
				if _, err := q.Sample(ctx, other, 50, 2); err == nil || !strings.Contains(err.Error(), "another posterior") || strings.Contains(err.Error(), "\n") {
					t.Errorf("posterior %d: want a refusal in one line, got %v", i, err)
				}
			}
		})
	}
}
