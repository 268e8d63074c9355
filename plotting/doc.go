// Package plotting draws posteriors, samplers and training for a notebook page or a paper.
//
// A plot is one call; what it returns is a [Figure], which a notebook shows by itself and Save writes as PDF, SVG and PNG:
//
//	f := plotting.Pair(dps, tds, plotting.Prior(p), plotting.Truth(exact), plotting.Names("x_1", "x_2"))
//	f.Size(plotting.Column).Save("figures/pair")
//
// Arguments are samples (a *odslib.Result, whose weights are honoured, an odslib.Array, an odslib.Prior, an
// odslib.Posterior with a closed form, or a [Series] made by [Prior], [Truth] or [As]) and [Option] values, in any order. Parts have fixed colours everywhere: the prior is grey, the truth
// black and dashed, samplers take the Okabe–Ito palette in their order. Bad input gives a Figure whose Err says what is
// wrong; it shows as that one line.
//
// # What there is
//
// [Pair], [Marginals] and [Density2D] show distributions; [Images] and [Recoveries] pictures; [Trajectories] the way
// from noise to data; [ESS] a particle sampler's health; [Training] losses; [Cost] and [Bars] accuracy against price and
// against its floor; [Lines] anything else.
//
// # How it is made
//
// The command odslab/plotting/gallery draws every kind of plot.
//
// Figures are laid out at their final size in millimetres ([Column], [TwoColumn], [Notebook]…) and never scaled. Output
// depends on the data alone, byte for byte. Clouds of more than 1,500 points are pictures inside the vector frame.
// Densities are diffusion kernel estimates with a plug-in bandwidth that keeps modes apart, and contours enclose stated
// shares of the probability mass.
//
// The canvas is gonum/plot's. References: M. Okabe, K. Ito, "Color universal design" (2008); Z. Botev et al., "Kernel
// density estimation via diffusion" (2010); E. Tufte, "The visual display of quantitative information" (2001).
package plotting
