// Package odslib is the vocabulary of odslab: the words that a person types and the contracts that methods meet.
//
// A [Prior] is a distribution over arrays. A [Constraint] is log r(x), the likelihood of a measurement or a reward.
// A [Posterior] is the two together, p(x|y) = p(x)·r(x,y)/Z. A [Sampler] turns a posterior into a [Result]: samples,
// weights, evidence and what they cost.
//
//	prior := priors.Grid25()
//	post := odslib.Given(prior, constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5})
//	truth, err := exact.Sampler{}.Sample(ctx, post, 2000, 1)
//	dps, err := guide.DPS{}.Sample(ctx, post, 2000, 1)
//
// Some priors can do more than be sampled: a [Diffusion] gives its denoiser at every noise level, a [Generator] the
// map from noise to samples. Methods ask for the richer kind and say in one line what is missing.
//
// # Conventions
//
// Noise process: x_t = α(t)·x_0 + σ(t)·ε, ε ~ N(0, I), t in [0, 1], clean at 0. Samples have shape [n, shape…]; graph
// code sees batches [B, shape…] and returns one value for each, [B]. Error models are normalised densities, rewards are
// raw log r. Randomness is always a seed that the caller passes.
package odslib
