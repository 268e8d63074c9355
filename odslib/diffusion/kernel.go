package diffusion

import (
	"math"

	"odslab/odslib"
)

// Kernel is one reverse step from t to s<t given x̂0: x_s ~ N(a·x_t + b·x̂0, std²·I). The mean and the variance are
// the transition density that particle methods and trajectory balance need.
type Kernel interface {
	Coefficients(sch odslib.Schedule, t, s float64) (a, b, std float64)
}

// between returns α_{t|s} = α_t/α_s and σ²_{t|s} = σ_t² − α²_{t|s}σ_s² of the forward step s→t.
func between(sch odslib.Schedule, t, s float64) (alpha, variance float64) {
	alpha = sch.Alpha(t) / sch.Alpha(s)
	ss, st := sch.Sigma(s), sch.Sigma(t)
	return alpha, math.Max(0, st*st-alpha*alpha*ss*ss)
}

// Ancestral samples q(x_s|x_t, x_0=x̂0) (Ho et al. 2020): variance σ²_{t|s}σ_s²/σ_t², which is 0 at the last step.
type Ancestral struct{}

// Coefficients implements Kernel.
func (Ancestral) Coefficients(sch odslib.Schedule, t, s float64) (a, b, std float64) {
	alpha, v := between(sch, t, s)
	st, ss := sch.Sigma(t), sch.Sigma(s)
	return alpha * ss * ss / (st * st), sch.Alpha(s) * v / (st * st), math.Sqrt(v) * ss / st
}

// Matched has the variance of the true reverse step where the data have variance Variance in every direction: that of
// Ancestral and B² times that of x_0 given x_t (Bao et al. 2022, 2201.06503). For N(m, Variance·I) the chain is exact,
// whatever the number of steps, and every step has a density: the default kernel.
type Matched struct {
	Variance float64 // of the data; 0 means that of the prior, 1 where it does not know
}

// Coefficients implements Kernel.
func (k Matched) Coefficients(sch odslib.Schedule, t, s float64) (a, b, std float64) {
	a, b, std = Ancestral{}.Coefficients(sch, t, s)
	v, at, st := or(k.Variance, 1), sch.Alpha(t), sch.Sigma(t)
	return a, b, math.Sqrt(std*std + b*b*v*st*st/(at*at*v+st*st))
}

// Noisy is Ancestral with the larger variance σ²_{t|s} at its last step, so that every step has a density: the first
// edition's kernel of trajectory balance, which its checkpoints name.
type Noisy struct{}

// Coefficients implements Kernel.
func (Noisy) Coefficients(sch odslib.Schedule, t, s float64) (a, b, std float64) {
	a, b, std = Ancestral{}.Coefficients(sch, t, s)
	if _, v := between(sch, t, s); std == 0 {
		std = math.Sqrt(v)
	}
	return a, b, std
}

// DDIM is the family of Song et al. (2010.02502): Eta=0 is deterministic, Eta=1 equals Ancestral.
type DDIM struct {
	Eta   float64
	EtaAt odslib.Curve `json:"-"` // Eta over time, replaces it; a file cannot keep it
}

// Coefficients implements Kernel.
func (k DDIM) Coefficients(sch odslib.Schedule, t, s float64) (a, b, std float64) {
	_, v := between(sch, t, s)
	at, st, as, ss := sch.Alpha(t), sch.Sigma(t), sch.Alpha(s), sch.Sigma(s)
	std = k.at(t) * ss / st * math.Sqrt(v)
	a = math.Sqrt(math.Max(0, ss*ss-std*std)) / st
	return a, as - a*at, std
}

func (k DDIM) at(t float64) float64 {
	if k.EtaAt != nil {
		return k.EtaAt(t)
	}
	return k.Eta
}

// EulerMaruyama discretises the reverse SDE dx = (f·x − g²·score)dt + g dw of Song et al. (2011.13456).
type EulerMaruyama struct{}

// Coefficients implements Kernel.
func (EulerMaruyama) Coefficients(sch odslib.Schedule, t, s float64) (a, b, std float64) {
	f, g2 := Rates(sch, t)
	d, st := t-s, sch.Sigma(t)
	k := g2 * d / (st * st)
	return 1 - f*d - k, k * sch.Alpha(t), math.Sqrt(g2 * d)
}

// Euler discretises the probability-flow ODE dx = (f·x − ½g²·score)dt.
type Euler struct{}

// Coefficients implements Kernel.
func (Euler) Coefficients(sch odslib.Schedule, t, s float64) (a, b, std float64) {
	u, v := velocity(sch, t)
	d := t - s
	return 1 - d*u, -d * v, 0
}

// Heun is the second-order method for the probability-flow ODE: an Euler step, then the mean of the velocities at both
// ends (Karras et al. 2022). Two network evaluations a step, one at the last.
type Heun struct{ Euler }

// velocity returns u, v with dx/dt = u·x + v·x̂0 of the probability flow.
func velocity(sch odslib.Schedule, t float64) (u, v float64) {
	f, g2 := Rates(sch, t)
	st := sch.Sigma(t)
	k := .5 * g2 / (st * st)
	return f + k, -k * sch.Alpha(t)
}
