package session

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"time"

	"odslab/kernel/runtime/live"
	"odslab/odslib"
	"odslab/odslib/engine"
)

// Draw is draw in a cell: the sampler's n samples of the posterior with the cell's context, the notebook's seed and a
// progress bar. On an interrupt or an error the partial Result is kept under the variable's name and the cell ends.
func Draw(s odslib.Sampler, post odslib.Posterior, n int) *odslib.Result {
	bar := newBar()
	ctx := odslib.WithObserver(live.Context(), bar.observe)
	r, err := s.Sample(ctx, post, n, split(s))
	bar.done()
	if r != nil {
		say(r.Sampler, r)
	}
	if err != nil {
		if r == nil || r.Samples.Len() == 0 {
			live.Raise(reason(ctx, err, ""))
		}
		live.Partial(live.Target(), r, reason(ctx, err, fmt.Sprintf("%d samples are kept in %s", r.Samples.Len(), live.Target())))
	}
	return r
}

// Train is train in a cell: what the trainer makes of the input within the budget (none given: the trainer's own). On an
// interrupt or an error the unfinished result is kept under the variable's name and the cell ends.
func Train[In, Out any](t odslib.Trainer[In, Out], in In, budget ...odslib.Budget) Out {
	var b odslib.Budget
	if len(budget) > 0 {
		b = budget[0]
	}
	bar := newBar()
	bar.limit = time.Duration(b.Minutes * float64(time.Minute))
	ctx := odslib.WithObserver(live.Context(), bar.observe)
	out, err := t.Train(ctx, in, b, split(t))
	bar.done()
	say(fmt.Sprintf("%T", t), out)
	if err != nil {
		if v := reflect.ValueOf(out); !v.IsValid() || v.IsZero() {
			live.Raise(reason(ctx, err, ""))
		}
		live.Partial(live.Target(), out, reason(ctx, err, "the training so far is kept in "+live.Target()))
	}
	return out
}

// say prints what the outcome has to say of itself, before anybody asks.
func say(who string, outcome any) {
	if v := reflect.ValueOf(outcome); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return
	}
	if o, ok := outcome.(interface{ Noted() []string }); ok {
		for _, line := range o.Noted() {
			fmt.Fprintf(os.Stderr, "%s: %s\n", who, line)
		}
	}
}

// split is the seed of one use: the notebook's, split by the method and the variable it defines, never by cell number.
func split(method any) uint64 {
	if w, ok := method.(interface{ Unwrap() any }); ok { // watched: the same numbers as without
		method = w.Unwrap()
	}
	return engine.Split(live.Seed(), fmt.Sprintf("%T.%s", method, live.Target()))
}

func reason(ctx context.Context, err error, kept string) error {
	if ctx.Err() != nil {
		err = fmt.Errorf("interrupted")
	}
	if kept != "" {
		return fmt.Errorf("%w; %s", err, kept)
	}
	return err
}
