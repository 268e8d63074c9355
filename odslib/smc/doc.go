// Package smc holds particle methods: a cloud of weighted particles moves down a prior's reverse chain to the posterior, and
// is resampled where the weights have become uneven. Unlike guidance they are right in the limit of many particles, and
// they estimate the evidence without bias for any number of them.
//
// [Bootstrap] moves particles by the prior's own steps, [TDS] along the gradient of a twist, [FK] steers by a reward to a power.
// They share one core and what tells such methods apart: a [Proposal] moves particles, a twist (package twist) guesses log r
// ahead of the end, and a [Potential] turns twists into weights. [Resampling] is how the cloud is renewed.
//
//	tds, err := smc.TDS{Twist: twist.Covariance{}, Particles: 4000}.Sample(ctx, post, 1000, 1)
//	fmt.Println(tds.LogZ, tds.LogZError, tds.ESS)
//
// [Tempering] is another family: from the prior to the posterior by powers of r, with moves of package mcmc and without a chain.
//
// The prior is a diffusion prior, or any [odslib.Process]: tokens that are unmasked one by one move as Gaussian steps do. A
// sampler's Open gives a [Run] that is stepped by hand. Where the posterior has conditions, each run of equal rows is an
// island with particles, weights and evidence of its own (Result.Islands).
//
// With p the reference chain, q the proposal, ψ_t the twist (ψ_0 = r) and G_t the potentials, a particle's weight is
//
//	w = ∏_t p(x_s|x_t)/q(x_s|x_t) · ∏_t G_t,   ∏_t G_t = r(x_0),
//
// so that E[Ẑ] = Z_T, the evidence of the reference chain of T steps, which differs from the evidence of continuous time
// by the error of discretisation.
//
// References: Gordon et al. 1993; Del Moral 2004; Chopin & Papaspiliopoulos 2020; Wu et al. 2023 (TDS, 2306.17775);
// Singhal et al. 2025 (Feynman–Kac steering, 2501.06848); Chan & Lai 2013 and Lee & Whiteley 2018 (error of Ẑ).
package smc
