// Package outsource is outsourced diffusion sampling (Venkatraman et al. 2025, 2502.06999): for a prior x = f(z) that is a
// generator or has a latent, the posterior of z is sampled by a diffusion policy that trajectory balance has trained against the
// chain of z's own prior, and x = f(z) follows.
//
//	policy, err := outsource.Sampler{Steps: 50}.Train(ctx, post, odslib.Budget{Minutes: 2}, 1)
//	draws, err := policy.Sample(ctx, post, 2000, 2)
//
// [Exact] puts a policy right by chains that jump to its draws.
//
// For noise z ~ N(0, I) the default chain is exact, whatever its number of steps, and so log Ẑ estimates log Z itself.
package outsource
