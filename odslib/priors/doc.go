// Package priors holds distributions over arrays to put under a constraint: Gaussian mixtures that are exact at every
// noise level, diffusion models, and generators x = f(z).
//
//	p := priors.Grid25()                 // 25 Gaussians, the field's standard test
//	x, err := p.Sample(ctx, 1000, 1)     // [1000, 2]
//	d := priors.Load("digits")           // a trained diffusion prior kept in the repository
//	t, err := priors.Training{}.Train(ctx, data, odslib.Budget{Steps: 2000}, 1) // a diffusion prior of one's own
//	g, err := priors.VAE{}.Train(ctx, data, odslib.Budget{Steps: 2000}, 1)      // a generator: also GAN, RealNVP, Flow
package priors
