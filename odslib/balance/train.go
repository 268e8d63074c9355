package balance

import (
	"context"
	"fmt"
	"math"
	"time"

	"odslab/odslib"
)

// Train trains a policy for the posterior within the budget, which counts the iterations and minutes of the checkpoint
// too. When ctx ends the policy so far comes back with the error.
func Train(ctx context.Context, name string, s Settings, post odslib.Posterior, budget odslib.Budget, seed uint64) (*Policy, error) {
	if budget.Steps < 0 || budget.Minutes < 0 {
		return nil, fmt.Errorf("%s: a budget cannot be negative, got %d steps, %g minutes", name, budget.Steps, budget.Minutes)
	}
	if budget.Steps == 0 && budget.Minutes == 0 {
		budget.Steps = 1000
	}
	t, err := NewTrainer(ctx, name, s, post, seed)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	err = t.run(ctx, budget)
	if t.phi == nil { // the device failed, and the state with it
		return nil, err
	}
	if t.Checkpoint != "" {
		if e := t.save(); err == nil {
			err = e
		}
	}
	policy, lost := t.Policy()
	if lost != nil {
		return nil, lost
	}
	if err != nil {
		policy.note("stopped after %d iterations: %v", len(t.trace), err)
	}
	return policy, err
}

func (t *Trainer) run(ctx context.Context, budget odslib.Budget) error {
	start, before, saved := time.Now(), t.seconds, time.Now()
	horizon := or(t.Horizon, budget.Steps)
	if n := len(t.trace); n > 0 && horizon != t.horizon {
		t.note("annealing and rates laid out anew after %d iterations: for %d, before for %d", n, horizon, t.horizon)
	}
	t.horizon = horizon
	for i := len(t.trace); ; i++ {
		t.seconds = before + time.Since(start).Seconds()
		if budget.Steps > 0 && i >= budget.Steps || budget.Minutes > 0 && t.seconds/60 >= budget.Minutes || t.health.stop != "" {
			return nil
		}
		it, err := t.step(ctx, t.progress(t.seconds/60/math.Max(budget.Minutes, 1e-9)))
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		steps := budget.Steps
		if steps == 0 {
			steps = int(float64(i+1) / math.Max(t.seconds/60/budget.Minutes, 1e-9))
		}
		odslib.Notify(ctx, odslib.Progress{What: t.name + " training", Step: i + 1, Steps: max(steps, i+1), LogZ: it.LogZ, Loss: it.Loss})
		if t.Checkpoint != "" && time.Since(saved) > saveEvery {
			t.seconds = before + time.Since(start).Seconds()
			if err := t.save(); err != nil {
				return err
			}
			saved = time.Now()
		}
	}
}

// progress is the share of the horizon that is done; elapsed stands for it where the horizon is a time.
func (t *Trainer) progress(elapsed float64) float64 {
	if t.horizon > 0 {
		return math.Min(1, float64(len(t.trace))/float64(t.horizon))
	}
	return elapsed
}
