package rtb

import (
	"odslab/odslib"
	"odslab/odslib/constraint"
)

// Reference is a prior that a density without one is sampled from: a diffusion prior that knows its density, such as
// priors.Gaussian(mean, std) wide enough to see all of it.
type Reference interface {
	odslib.Diffusion
	odslib.Density
}

// Unnormalised is a density as a posterior, p/p_ref under the reference: RTB is then a sampler of densities by trajectory balance from a
// Gaussian (Zhang & Chen 2022, 2111.15141; Sendera et al. 2024, 2402.05098), and log Z is the log of the density's own integral.
func Unnormalised(reference Reference, density odslib.Constraint) odslib.Posterior {
	return odslib.Given(reference, constraint.All{density, constraint.Power{Of: constraint.LogDensity{Of: reference}, To: -1}})
}
