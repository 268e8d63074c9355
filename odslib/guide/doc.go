// Package guide holds samplers that steer a diffusion prior's reverse process by the gradient of the constraint, with
// no training: fast, simple, and biased. How biased is measured against closed forms in odslab/odslib/compare.
//
//	dps, err := guide.DPS{}.Sample(ctx, post, 2000, 1)
//
// A guide returns g ≈ ∇_{x_t} log p(y|x_t) in score units, and it enters as x̂0 ← x̂0 + (σ²/α)·g before any reverse
// kernel; only DPS with its published "norm" scaling subtracts after the step. Score and guidance share one network
// evaluation a step.
package guide
