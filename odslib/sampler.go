package odslib

import "context"

// Sampler draws from posteriors. Implementations are small structs of settings whose zero value works.
type Sampler interface {
	// Sample returns n equally weighted draws. The same seed gives the same draws on the same backend. When ctx ends,
	// the partial Result comes back beside the error.
	Sample(ctx context.Context, post Posterior, n int, seed uint64) (*Result, error)
}

// Progress is what an observer is told between steps.
type Progress struct {
	What        string // "DPS", "RTB training"
	Step, Steps int
	ESS         float64 // as a share of the particles; 0 when it has no meaning
	LogZ, Loss  float64 // NaN when they have no meaning
	Samples     func() (Array, error)
}

// Observer is told how work goes on. It never changes the numbers.
type Observer func(Progress)

type observerKey struct{}

// WithObserver returns a context whose samplers and trainers report to the observer.
func WithObserver(ctx context.Context, o Observer) context.Context {
	return context.WithValue(ctx, observerKey{}, o)
}

// Notify tells the context's observer of progress, if there is one.
func Notify(ctx context.Context, p Progress) {
	if o, ok := ctx.Value(observerKey{}).(Observer); ok && o != nil {
		o(p)
	}
}

// Budget bounds training: by steps, which is reproducible, or by minutes, which stops at a step boundary and says where.
type Budget struct {
	Steps   int
	Minutes float64
}

// Trainer makes something from an input within a budget: a prior from data, a sampler from a posterior. Its zero value
// works. When ctx ends, what there is so far comes back beside the error.
type Trainer[In, Out any] interface {
	Train(ctx context.Context, in In, budget Budget, seed uint64) (Out, error)
}
