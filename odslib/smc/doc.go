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
// [Product] is a prior for them: powers and products of diffusion priors, by the masses of its chain's steps. Control adds a drift that levels
// weights, fitted to the cloud step by step; it is what makes products cheap. Islands are several clouds in one batch that have nothing to do with each other:
// their spread is the error of log Ẑ, beside what the genealogy says.
//
//	both := odslib.Given(smc.Product{{Prior: p, Power: 1}, {Prior: q, Power: .5}}, nil)   // ∝ p·√q; a constraint may come on top
//	res, err := smc.Bootstrap{Control: true, Islands: 8}.Sample(ctx, both, 1000, 1)
//
// [Tempering] is another family: from the prior to the posterior by powers of r, with moves of package mcmc and without a chain.
//
// The prior is a diffusion prior, or any [odslib.Process]: tokens that are unmasked one by one move as Gaussian steps do. A
// sampler's Open gives a [Run] that is stepped by hand. Where the posterior has conditions, each run of equal rows
// has particles, weights and evidence of its own (Result.Islands).
//
// With p the reference chain, q the proposal, ψ_t the twist (ψ_0 = r) and G_t the potentials, a particle's weight is
//
//	w = ∏_t p(x_s|x_t)/q(x_s|x_t) · ∏_t G_t,   ∏_t G_t = r(x_0),
//
// so that E[Ẑ] = Z_T, the evidence of the reference chain of T steps, which differs from the evidence of continuous time
// by the error of discretisation.
//
// References: Gordon et al. 1993; Del Moral 2004; Chopin & Papaspiliopoulos 2020; Wu et al. 2023 (TDS, 2306.17775);
// Singhal et al. 2025 (Feynman–Kac steering, 2501.06848); Skreta et al. 2025 (correctors, 2503.02819); Ren et al. 2025 (control, 2509.21655);
// Chan & Lai 2013 and Lee & Whiteley 2018 (error of Ẑ).
package smc
