package rtb

import (
	"context"

	"odslab/odslib"
	"odslab/odslib/balance"
)

// TiltMatching moves the prior's denoiser to the posterior's by regressions along r^β (Potaptchik et al. 2025, 2512.21829), see
// [balance.Tilting]. It needs no gradient of r.
type TiltMatching balance.Tilting

var _ odslib.Trainer[odslib.Posterior, *balance.Policy] = TiltMatching{}

// Train implements odslib.Trainer.
func (s TiltMatching) Train(ctx context.Context, post odslib.Posterior, budget odslib.Budget, seed uint64) (*balance.Policy, error) {
	return balance.Tilting(s).Train(ctx, post, budget, seed)
}
