// Package mcmc holds Markov chains on the noise of a generator x = f(z), z ~ N(0, I): their target is
//
//	R(z) ∝ N(z; 0, I)·r(f(z)),
//
// whose image under f is the posterior. f needs no inverse and r no gradient; both may run on the host.
//
// Its central type is [EllipticalSlice], which has nothing to tune. Many chains run at once as the rows of a batch. A
// [odslib.Result] carries the bulk ESS of the draws and a note with R̂, which says whether the chains agree; draws are
// correlated, so ESS is less than their number.
//
//	res, err := mcmc.EllipticalSlice{}.Sample(ctx, odslib.Given(generator, measurement), 2000, 1)
//
// References: Murray, Adams & MacKay 2010 (1001.0175); Vehtari et al. 2021 (1903.08008).
package mcmc
