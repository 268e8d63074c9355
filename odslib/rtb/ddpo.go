package rtb

import (
	"context"
	"math"

	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/balance"
)

// DDPO trains for log r alone, by its advantage in standard deviations of the batch (Black et al. 2023, 2305.13301; the score-function
// form: one update a batch, where the clipped ratio of the other form is 1). Nothing holds it at the prior but the end of training.
type DDPO struct{ balance.Settings }

// Train implements odslib.Trainer.
func (s DDPO) Train(ctx context.Context, post odslib.Posterior, budget odslib.Budget, seed uint64) (*balance.Policy, error) {
	s.Objective = balance.Pull{Name: "DDPO", Of: func(_, logr []float64) []float64 {
		return ascent(logr, 1/math.Max(stat.PopStdDev(logr, nil), 1e-8))
	}}
	return balance.Train(ctx, "DDPO", s.Settings, post, budget, seed)
}
