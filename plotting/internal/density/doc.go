// Package density estimates densities from weighted samples on a grid, and cuts them by probability mass.
//
// [Estimate1] and [Estimate2] are Gaussian kernel estimates by diffusion on a cosine basis, whose bandwidth comes from a
// plug-in rule that does not assume one mode: Scott's and Silverman's rules merge the modes of a mixture. Edges at which
// the samples stop short (a variable with bounds) reflect, so that the curve does not fall off there.
//
// [Grid.Levels] turns shares of probability mass into levels, and [Grid.Contour] draws a level.
//
// References: Z. Botev, J. Grotowski, D. Kroese, "Kernel density estimation via diffusion", Annals of Statistics 38
// (2010) 2916–2957. M. Jones, "Simple boundary correction for kernel density estimation", Statistics and Computing 3
// (1993) 135–146.
package density
