package plotting

import (
	"context"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"odslab/kernel/runtime/live"
	"odslab/odslib"
)

// Watch makes a sampler draw itself while it runs: in a cell a figure of what it reports (effective share of the particles,
// log Ẑ, loss, samples) is redrawn in place, at most twice a second, and its last state stays. The numbers do not change.
//
//	smcs := draw(plotting.Watch(smc.Bootstrap{}), post, 2000)
func Watch(s odslib.Sampler) odslib.Sampler { return watched{s} }

type watched struct{ odslib.Sampler }

// Unwrap is the sampler itself, of which the seed of a cell is made.
func (w watched) Unwrap() any { return w.Sampler }

// Sample implements odslib.Sampler.
func (w watched) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	r := newRecorder()
	defer r.close()
	return w.Sampler.Sample(r.join(ctx), post, n, seed)
}

// WatchTraining does the same for a trainer.
//
//	policy := train(plotting.WatchTraining(rtb.Sampler{}), post)
func WatchTraining[In, Out any](t odslib.Trainer[In, Out]) odslib.Trainer[In, Out] {
	return watchedTraining[In, Out]{t}
}

type watchedTraining[In, Out any] struct{ odslib.Trainer[In, Out] }

// Unwrap is the trainer itself.
func (w watchedTraining[In, Out]) Unwrap() any { return w.Trainer }

// Train implements odslib.Trainer.
func (w watchedTraining[In, Out]) Train(ctx context.Context, in In, budget odslib.Budget, seed uint64) (Out, error) {
	r := newRecorder()
	defer r.close()
	return w.Trainer.Train(r.join(ctx), in, budget, seed)
}

// redraw is the least time between two pictures.
const redraw = 500 * time.Millisecond

// recorder keeps what an observer is told and shows it.
type recorder struct {
	mu              sync.Mutex
	id              string
	last            time.Time
	shown           bool
	now             odslib.Progress
	step            []float64
	ess, logZ, loss []float64
	samples         odslib.Array
	display         func(f *Figure, id string, again bool) // a notebook's, replaced in tests
}

var watches struct {
	sync.Mutex
	n int
}

func newRecorder() *recorder {
	watches.Lock()
	defer watches.Unlock()
	watches.n++
	return &recorder{id: fmt.Sprintf("odslab-watch-%d-%d-%d", os.Getpid(), time.Now().UnixNano(), watches.n), last: time.Now(), display: func(f *Figure, id string, again bool) {
		if !live.Notebook() {
			return
		}
		if again {
			_ = live.Update(f, id) // a picture that can't be shown is no reason to stop the work
		} else {
			_ = live.Display(f, id)
		}
	}}
}

// join tells the recorder and whoever listened before.
func (r *recorder) join(ctx context.Context) context.Context {
	return odslib.WithObserver(ctx, func(p odslib.Progress) {
		odslib.Notify(ctx, p)
		r.observe(p)
	})
}

func (r *recorder) observe(p odslib.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = p
	ess := math.NaN()
	if p.ESS > 0 {
		ess = p.ESS
	}
	r.step, r.ess, r.logZ, r.loss = append(r.step, float64(p.Step)), append(r.ess, ess), append(r.logZ, p.LogZ), append(r.loss, p.Loss)
	if time.Since(r.last) < redraw {
		return
	}
	r.show()
	r.last = time.Now()
}

// close shows the last state, if there was anything to see.
func (r *recorder) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.step) > 0 {
		r.show()
	}
}

func (r *recorder) show() {
	if r.now.Samples != nil {
		if a, err := r.now.Samples(); err == nil {
			r.samples = a
		}
	}
	if f := r.figure(); f.err == nil {
		r.display(f, r.id, r.shown)
		r.shown = true
	}
}

// figure draws what there is so far.
func (r *recorder) figure() *Figure {
	var all []*Figure
	for _, q := range []struct {
		name string
		y    []float64
		opts []any
	}{{"loss", r.loss, nil}, {"ESS / N", r.ess, []any{YLimits(0, 1.02)}}, {"log Ẑ", r.logZ, nil}} {
		low, some := math.Inf(1), false
		for _, v := range q.y {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				low, some = min(low, v), true
			}
		}
		if !some {
			continue
		}
		args := append([]any{Line(r.now.What, r.step, q.y), XLabel("step"), YLabel(q.name)}, q.opts...)
		if q.name == "loss" && low > 0 {
			args = append(args, LogY())
		}
		all = append(all, Lines(args...))
	}
	if a := r.samples; a.Len() > 0 && a.Dim() > 0 {
		switch {
		case a.Dim() == 1:
			all = append(all, Marginals(As(r.now.What, a)).Legend(LegendOff))
		case a.Dim() > 12 && len(a.Shape) > 1:
			if _, err := rasterOf(a.Shape[1:]); err == nil {
				all = append(all, Images(As(r.now.What, a), Count(12), Columns(4)))
			}
		default:
			x, y := draw(500, equal(a.Len()), a.Column(0), a.Column(1))
			all = append(all, Lines(Points(r.now.What, x, y), XLabel("x_1"), YLabel("x_2")))
		}
	}
	if len(all) == 0 {
		return failed("Watch", fmt.Errorf("%s reports nothing that can be drawn", r.now.What))
	}
	return Grid(min(3, len(all)), all...).Title(fmt.Sprintf("%s, step %d of %d", r.now.What, r.now.Step, r.now.Steps))
}
