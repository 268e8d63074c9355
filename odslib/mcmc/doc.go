// Package mcmc holds Markov chains, first of all on the noise of a generator x = f(z), z ~ N(0, I): their target is
//
//	R(z) ∝ N(z; 0, I)·r(f(z)),
//
// whose image under f is the posterior. f needs no inverse and r no gradient; both may run on the host.
//
// [EllipticalSlice] has nothing to tune and needs no gradient. [RandomWalk], [PCN], [MALA], [HMC] and [NUTS] are
// Metropolis moves, which also work where the prior knows its density, on p(x)·r(x); their step sizes are adapted in the burn-in. [Independence] jumps to
// draws of another sampler and takes its error back. An [Ensemble] lends
// them to methods that raise the power of r. Many chains run at once as the rows of a batch. A
// [odslib.Result] carries the bulk ESS of the draws and a note with R̂, which says whether the chains agree; draws are
// correlated, so ESS is less than their number.
//
//	res, err := mcmc.EllipticalSlice{}.Sample(ctx, odslib.Given(generator, measurement), 2000, 1)
//
// References: Murray, Adams & MacKay 2010 (1001.0175); Vehtari et al. 2021 (1903.08008).
package mcmc
