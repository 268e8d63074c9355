package rtb

import (
	"context"

	"odslab/odslib"
	"odslab/odslib/balance"
)

// AdjointMatching matches each step's drift to the lean adjoint of log r (Domingo-Enrich et al. 2024, 2409.08861). It needs ∇log r, and a
// prior that can be differentiated.
type AdjointMatching struct{ balance.Settings }

// Train implements odslib.Trainer.
func (s AdjointMatching) Train(ctx context.Context, post odslib.Posterior, budget odslib.Budget, seed uint64) (*balance.Policy, error) {
	s.Objective = balance.Adjoint{}
	return balance.Train(ctx, "adjoint matching", s.Settings, post, budget, seed)
}

// OnPolicy is RTB on the policy's own paths alone: no replay, no samples of the prior, no annealing.
type OnPolicy struct{ balance.Settings }

// Train implements odslib.Trainer.
func (s OnPolicy) Train(ctx context.Context, post odslib.Posterior, budget odslib.Budget, seed uint64) (*balance.Policy, error) {
	s.Replay, s.Pool, s.Anneal = -1, -1, -1
	return balance.Train(ctx, "on-policy RTB", s.Settings, post, budget, seed)
}
