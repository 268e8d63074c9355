// Package balance trains samplers by trajectory balance against a reference path law.
//
// The reference is the prior's own reverse chain, p_ref(τ); the policy p_φ(τ) has the same start law and the same
// variances, so that each step's log-ratio is a difference of squared residuals to two means. For a path τ that ends in x
//
//	δ(τ) = log Z_φ + log p_φ(τ) − log p_ref(τ) − log r(x)
//
// is zero for every τ when p_φ samples the posterior. The loss is the mean of δ² over paths from any source of full
// support: the policy itself, with extra exploration noise, or kept samples noised back. No gradient flows through the
// drawing of a path.
//
// The loss is blunted to 2c²(√(1+δ²/c²) − 1), which has the same minimum: a few paths that end where r is next to nothing
// have a δ² of thousands, and would leave nothing of the gradient for the balance between the modes.
//
// Packages rtb and outsource are the two samplers that stand on it.
//
// References: Malkin et al. 2022 (trajectory balance), Zhang et al. 2023 (VarGrad), Venkatraman et al. 2024
// (2405.20971), Sendera et al. 2024 (exploration, local search), Richter et al. 2020 (VarGrad), Charbonnier et al. 1997
// (the blunted square).
package balance
