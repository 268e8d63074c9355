// Package rtb is relative trajectory balance (Venkatraman et al. 2024, 2405.20971): a sampler in data space, trained
// against a diffusion prior's own reverse chain, that needs no gradient of the reward.
//
//	policy, err := rtb.Sampler{}.Train(ctx, post, odslib.Budget{Steps: 1000}, 1)
//	draws, err := policy.Sample(ctx, post, 2000, 2)
//
// What most helps a hard posterior, modes far apart or a sharp measurement, is a guide to start from and variances of the policy's own:
//
//	rtb.Sampler{Drift: balance.Drift{Guide: twist.Kernel{}, Variances: true}}
//
// Its rivals train on the same posterior, over the same paths: [OnPolicy], [PolicyGradient], [DDPO], [AdjointMatching];
// [TiltMatching] regresses along r^β, [ClassifierGuidance] trains a classifier instead. [Unnormalised] makes a posterior of a density, for RTB as a plain sampler.
package rtb
