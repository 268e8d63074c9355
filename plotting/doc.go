// Package plotting draws posteriors, samplers and training for a notebook page or a paper.
//
// A plot is one call; what it returns is a [Figure], which a notebook shows by itself and Save writes as PDF, SVG and PNG:
//
//	f := plotting.Pair(dps, tds, plotting.Prior(p), plotting.Truth(exact), plotting.Names("x_1", "x_2"))
//	f.Size(plotting.Column).Save("figures/pair")
//
// Arguments are samples (a *odslib.Result, whose weights are honoured, an odslib.Array, numbers, an odslib.Prior, an
// odslib.Posterior with a closed form, or a [Series] made by [Prior], [Truth] or [As]) and [Option] values, in any order. Parts have fixed colours everywhere: the prior is grey, the truth
// black and dashed, and a method has one colour of the Okabe–Ito palette in all figures. Bad input gives a Figure whose Err says what is
// wrong; it shows as that one line.
//
// # What there is
//
// [Pair], [Marginals], [Intervals] and [Density2D] show distributions; [Images] and [Recoveries] pictures; [Trajectories] the
// way from noise to data; [ESS] and [Genealogy] a particle sampler's health; [RankHistogram], [RankECDF], [Coverage] and
// [Calibration] whether posteriors are right; [Predictive] what they predict; [Training] losses; [Cost], [Bars], [Table] and
// [HeatMap] accuracy against price and against its floor; [Infilled] texts and [Backbone] molecules; [Lines] anything else.
// [Grid] and [Beside] compose them, [Figure.Animate] moves them, [Figure.Interactive] links panels in JupyterLab, and [Watch]
// draws a sampler while it runs. docs/plots.md sets them beside what other libraries draw.
//
// # What is right about them
//
// Contours and bars hold what they claim of fresh samples: their levels are quantiles of the density at each sample without
// the sample's own share of it. Densities end where a variable does. Samples far outside the bulk, which would leave no room
// for it, are off the page, and whatever is off the page is counted below the figure. Few samples, counts and ties are drawn
// as points and bars, without regions.
//
// # How it is made
//
// The command odslab/plotting/gallery draws every kind of plot, odslab/plotting/bench measures them beside corner, GetDist and
// matplotlib.
//
// Figures are laid out at their final size in millimetres ([Column], [TwoColumn], [Notebook]…) and never scaled. Output
// depends on the data alone, byte for byte. Clouds of more than 1,500 points are pictures inside the vector frame. In a cell
// a figure has no ground of its own and inks that can be read on white and on black; saved at the width of a journal it is
// black on white. Densities are diffusion kernel estimates with a plug-in bandwidth that keeps modes apart.
//
// The canvas is gonum/plot's. References: M. Okabe, K. Ito, "Color universal design" (2008); Z. Botev et al., "Kernel
// density estimation via diffusion" (2010); E. Tufte, "The visual display of quantitative information" (2001).
package plotting
