// Package rtb is relative trajectory balance (Venkatraman et al. 2024, 2405.20971): a sampler in data space, trained
// against a diffusion prior's own reverse chain, that needs no gradient of the reward.
//
//	policy, err := rtb.Sampler{}.Train(ctx, post, odslib.Budget{Steps: 1000}, 1)
//	draws, err := policy.Sample(ctx, post, 2000, 2)
package rtb
