// Package guide holds samplers that steer a diffusion prior's reverse process by the gradient of the constraint, with
// no training: fast, simple, and biased. How biased is measured against closed forms in odslab/odslib/compare.
//
//	dps, err := guide.DPS{}.Sample(ctx, post, 2000, 1)
//
// A [Guide] gives x̂0 under the measurement from one evaluation of the prior's denoiser. The prior it guides is a
// diffusion prior like any other ([Guided]), which diffusion.Chain runs: any kernel and schedule, each stage of Heun
// too. A gradient g ≈ ∇_{x_t} log p(y|x_t) enters as x̂0 ← x̂0 + (σ²/α)·g; DPS with its published "norm" scaling divides
// by the weight of x̂0 in the step instead, which is its published subtraction after the step.
//
// [DPS], [LGD], [PiGDM] and [TMPD] follow the gradient of a twist. [DiffPIR] and [SplitGibbs] are plug-and-play methods, which
// differentiate no network: the one moves x̂0 to the best point near it, the other draws. [ReSample] does the former in the latent
// of a decoder.
//
// With Check a Result of a hundred draws or more says how far they are from the posterior, and warns, before anybody knows the answer: by
// the weights of the paths, or else by moves that leave the posterior as it is.
package guide
