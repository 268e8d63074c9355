// Package exact draws from posteriors that are known in closed form, and holds the cases that every sampler is measured
// against: prior, constraint and answer together.
//
//	truth, err := exact.Sampler{}.Sample(ctx, post, 2000, 1)   // fails, saying why, when there is no closed form
//	c := exact.T1()                                            // 25 Gaussians → 9
package exact
