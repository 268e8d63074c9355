// Package smc holds particle methods: a cloud of weighted particles moves through a sequence of distributions that ends
// at the posterior, and is resampled where the weights have become uneven. Unlike guidance they are right in the limit
// of many particles, and they estimate the evidence without bias for any number of them.
//
// Its central types are [Bootstrap], sequential Monte Carlo on a diffusion prior's reverse chain, and the three things
// that tell such methods apart: a [Proposal] moves particles, a [Twist] guesses log r ahead of the end, and a
// [Potential] turns twists into weights. [Resampling] is how the cloud is renewed.
//
//	tds, err := smc.Bootstrap{Particles: 4000}.Sample(ctx, post, 1000, 1)
//	fmt.Println(tds.LogZ, tds.LogZError, tds.ESS)
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
