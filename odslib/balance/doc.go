// Package balance trains samplers by trajectory balance against a reference path law.
//
// The reference is the prior's own reverse chain, p_ref(τ), an odslib.Process; the policy p_φ(τ) is the same process with its
// guess corrected by a network ([Correction]): the same start law and the same noise. For a path τ that ends in x
//
//	δ(τ) = log Z_φ + log p_φ(τ) − log p_ref(τ) − β·log r(x)
//
// is zero for every τ when p_φ samples the posterior under r^β. The loss is the mean of δ² over paths from any source of full
// support: the policy itself, with extra exploration noise, or kept samples noised back. No gradient flows through the
// drawing of a path.
//
// The loss is blunted to 2c²(√(1+δ²/c²) − 1), which has the same minimum: a few paths that end where r is next to nothing
// have a δ² of thousands, and would leave nothing of the gradient for the balance between the modes. So r may be 0, too.
//
// Annealing takes β from 0 to 1, as fast as the policy's own paths bear it: a step of β leaves 98 % of their effective size, and
// 99.8 % while few of them count under their weights. log Z moves with β by their mean of r^Δβ (thermodynamic integration) and
// is learned around that. A run whose loss explodes stops with a note and its best weights; in what else it fell short stands in
// Policy.Notes.
//
// Conditions (odslib.Posterior.Given) reach network and reward row by row. Where they differ each one has 16 paths of a batch and
// the batch's own log Z: one policy for every measurement, trained on those of odslib.Family.
//
// A policy may start at a guided prior and set its own variances ([Drift]), adapt the prior's own network ([LoRA], [Copy]), search
// locally from kept samples (Settings.Local), be put at one condition ([Policy.At]), be judged from the posterior's side
// ([Policy.Bounds]), and be distilled to one evaluation ([Distillation]). What its start law or fixed variances keep from it is in its
// Notes. Other losses over the same paths are an [Objective].
//
// Packages rtb and outsource are the two samplers that stand on it.
//
// References: Malkin et al. 2022 (trajectory balance), Zhang et al. 2023 (VarGrad), Venkatraman et al. 2024
// (2405.20971), Sendera et al. 2024 (exploration, local search), Richter et al. 2020 (VarGrad), Charbonnier et al. 1997
// (the blunted square).
package balance
