// Package baseline holds what posterior samplers are measured against. [Rejection] is exact and slow: an oracle. [BestOf] and
// [Optimise] are what people use in place of a posterior, and are none, which their Results say.
//
//	oracle, err := baseline.Rejection{}.Sample(ctx, post, 2000, 1) // draws, log Z and the acceptance, in Figures
//
// All three work for any prior; where it is a generator x = f(z) they keep the noise, and Optimise moves it.
package baseline
