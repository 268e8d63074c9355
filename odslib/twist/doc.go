// Package twist holds guesses log ψ_t(x_t) of log p(y|x_t): what guides follow and particles are weighed by.
//
//	guide.Gradient{Twist: twist.Isotropic{}}                 // ΠGDM
//	smc.TDS{Twist: twist.Covariance{}, Particles: 4000}      // the same words for particles
//
// A [Twist] is a small struct of settings. Bind puts it to a posterior once: it checks what it needs in one line, and puts
// numbers and random draws into parameters, so that another y, A or σ compiles nothing. What it binds to is graph code,
// a function of x_t and of x̂0(x_t), which its caller evaluates once for all.
//
// With the exact covariance of x_0 given x_t a twist is exact for Gaussian priors and linear Gaussian measurements; the
// others replace that covariance by something that is cheaper to have.
package twist
