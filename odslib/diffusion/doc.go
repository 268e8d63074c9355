// Package diffusion holds what all diffusion priors share: noise schedules, parametrisations of a network, reverse
// kernels with their transition densities, and training.
//
// A [odslib.Schedule] gives α(t) and σ(t) of x_t = α(t)·x_0 + σ(t)·ε. A [Kernel] says how one reverse step from t to s
// goes when x̂0 = E[x_0|x_t] is known: x_s = a·x_t + b·x̂0 + std·ε, so that its mean and variance, and with them its
// density, are at hand. A [Chain] is a schedule, a time grid and a kernel: the table that drives a loop.
//
//	chain := diffusion.Chain{Schedule: diffusion.VPLinear{}, Grid: diffusion.Uniform(diffusion.VPLinear{}, 100), Kernel: diffusion.DDIM{Eta: 1}}
//	rows, err := chain.Table()
//
// References: Ho et al. 2020 (DDPM), Song et al. 2021 (DDIM, 2010.02502; SDE, 2011.13456), Nichol & Dhariwal 2021
// (cosine), Karras et al. 2022 (EDM), Lipman et al. 2023 and Liu et al. 2023 (flows), Kingma et al. 2021 (λ).
package diffusion
