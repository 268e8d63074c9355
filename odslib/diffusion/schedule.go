package diffusion

import (
	"fmt"
	"math"
	"sync"

	"odslab/odslib"
)

var (
	_ odslib.Schedule = VPLinear{}
	_ odslib.Schedule = VPDiscrete{}
	_ odslib.Schedule = VPCosine{}
	_ odslib.Schedule = VE{}
	_ odslib.Schedule = EDM{}
	_ odslib.Schedule = Flow{}
)

func or[T float64 | int](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// VPLinear is the variance-preserving process with β(t) linear from BetaMin (0 means .1) to BetaMax (0 means 20).
type VPLinear = odslib.VPLinear

// Scaled is another process for data of standard deviation By: the same α, and σ By times as large, so that its steps see
// such data as the process itself sees data of unit variance.
type Scaled struct {
	Of odslib.Schedule // nil means VPLinear{}
	By float64         // 0 means 1
}

func (s Scaled) of() odslib.Schedule {
	if s.Of == nil {
		return VPLinear{}
	}
	return s.Of
}

// Alpha is that of the process.
func (s Scaled) Alpha(t float64) float64 { return s.of().Alpha(t) }

// Sigma is By times that of the process.
func (s Scaled) Sigma(t float64) float64 { return or(s.By, 1) * s.of().Sigma(t) }

// VPDiscrete is the DDPM table of N steps (0 means 1000) with β linear from BetaMin (1e-4) to BetaMax (.02), log ᾱ
// interpolated between the entries; t = k/N is entry k.
type VPDiscrete struct {
	N                int
	BetaMin, BetaMax float64
}

// cumulative keeps the sums Σ log(1−β_k) of each table that was asked for.
var cumulative sync.Map // VPDiscrete → []float64

func (s VPDiscrete) logAlphaBar(t float64) float64 {
	table, ok := cumulative.Load(s)
	if !ok {
		n := or(s.N, 1000)
		b0, b1 := or(s.BetaMin, 1e-4), or(s.BetaMax, .02)
		sums := make([]float64, n+1)
		for k := range n {
			sums[k+1] = sums[k] + math.Log1p(-(b0 + (b1-b0)*float64(k)/float64(max(1, n-1))))
		}
		table, _ = cumulative.LoadOrStore(s, sums)
	}
	sums := table.([]float64)
	x := math.Max(0, t) * float64(len(sums)-1)
	k := min(int(x), len(sums)-2)
	return sums[k] + (x-float64(k))*(sums[k+1]-sums[k])
}

// Alpha is √ᾱ.
func (s VPDiscrete) Alpha(t float64) float64 { return math.Exp(.5 * s.logAlphaBar(t)) }

// Sigma is √(1−ᾱ).
func (s VPDiscrete) Sigma(t float64) float64 { return math.Sqrt(-math.Expm1(s.logAlphaBar(t))) }

// Entries is how many steps a schedule has that is a table, 0 for those of continuous time.
func Entries(s odslib.Schedule) int {
	switch s := s.(type) {
	case VPDiscrete:
		return or(s.N, 1000)
	case Scaled:
		return Entries(s.Of)
	}
	return 0
}

// VPCosine is the cosine schedule of Nichol & Dhariwal with offset S (0 means .008).
type VPCosine struct{ S float64 }

// Alpha is cos(½π(t+S)/(1+S)) over its value at 0; 0 at t=1.
func (s VPCosine) Alpha(t float64) float64 {
	o := or(s.S, .008)
	a := math.Cos(.5*math.Pi*(t+o)/(1+o)) / math.Cos(.5*math.Pi*o/(1+o))
	return math.Max(0, math.Min(1, a))
}

// Sigma is √(1−α²).
func (s VPCosine) Sigma(t float64) float64 {
	a := s.Alpha(t)
	return math.Sqrt((1 - a) * (1 + a))
}

// VE is the variance-exploding process: α=1, σ geometric from SigmaMin (0 means .01) to SigmaMax (0 means 50), and
// clean at t=0.
type VE struct{ SigmaMin, SigmaMax float64 }

// Alpha is 1.
func (s VE) Alpha(float64) float64 { return 1 }

// Sigma is SigmaMin·(SigmaMax/SigmaMin)^t, 0 at t=0.
func (s VE) Sigma(t float64) float64 {
	if t <= 0 {
		return 0
	}
	lo, hi := or(s.SigmaMin, .01), or(s.SigmaMax, 50)
	return lo * math.Pow(hi/lo, t)
}

// EDM is the schedule of Karras et al.: α=1, σ^(1/Rho) linear from SigmaMin (.002) to SigmaMax (80), Rho 7; clean at t=0.
type EDM struct{ SigmaMin, SigmaMax, Rho float64 }

// Alpha is 1.
func (s EDM) Alpha(float64) float64 { return 1 }

// Sigma is (σ_min^{1/ρ} + t(σ_max^{1/ρ}−σ_min^{1/ρ}))^ρ, 0 at t=0.
func (s EDM) Sigma(t float64) float64 {
	if t <= 0 {
		return 0
	}
	rho := or(s.Rho, 7)
	lo, hi := math.Pow(or(s.SigmaMin, .002), 1/rho), math.Pow(or(s.SigmaMax, 80), 1/rho)
	return math.Pow(lo+t*(hi-lo), rho)
}

// Flow is the straight path of rectified flow and flow matching: α=1−t, σ=t.
type Flow struct{}

// Alpha is 1−t.
func (Flow) Alpha(t float64) float64 { return 1 - t }

// Sigma is t.
func (Flow) Sigma(t float64) float64 { return t }

// LogSNR is λ(t) = log(α²/σ²).
func LogSNR(s odslib.Schedule, t float64) float64 {
	return 2 * (math.Log(s.Alpha(t)) - math.Log(s.Sigma(t)))
}

// TimeAt inverts the log signal-to-noise ratio: the t with λ(t)=lambda, by bisection (λ falls with t).
func TimeAt(s odslib.Schedule, lambda float64) float64 {
	lo, hi := 0., 1.
	for range 80 {
		mid := .5 * (lo + hi)
		if LogSNR(s, mid) > lambda {
			lo = mid
		} else {
			hi = mid
		}
	}
	return .5 * (lo + hi)
}

// Rates returns f = d log α/dt and g² = dσ²/dt − 2fσ² of dx = f·x dt + g dw, by central differences.
func Rates(s odslib.Schedule, t float64) (f, g2 float64) {
	const h = 1e-5
	lo, hi := math.Max(t-h, 1e-9), math.Min(t+h, 1)
	f = (math.Log(s.Alpha(hi)) - math.Log(s.Alpha(lo))) / (hi - lo)
	sig, a, b := s.Sigma(t), s.Sigma(hi), s.Sigma(lo)
	g2 = (a*a-b*b)/(hi-lo) - 2*f*sig*sig
	return f, g2
}

// MinAlpha is the least signal that a grid starts from: x̂0 of guidance divides by α, which is 0 at t=1 for the cosine
// schedule and for flows.
const MinAlpha = 1e-3

// Start is the noisiest time of a grid: 1, or the time where α falls to MinAlpha.
func Start(s odslib.Schedule) float64 {
	if s.Alpha(1) >= MinAlpha {
		return 1
	}
	lo, hi := 0., 1.
	for range 60 {
		mid := .5 * (lo + hi)
		if s.Alpha(mid) >= MinAlpha {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// Uniform is the grid of steps+1 times from Start to 0, evenly spaced.
func Uniform(s odslib.Schedule, steps int) []float64 { return Power(s, steps, 1) }

// Power is the grid t_i = Start·(1−i/steps)^p: p>1 spends more steps near the data.
func Power(s odslib.Schedule, steps int, p float64) []float64 {
	grid, top := make([]float64, steps+1), Start(s)
	for i := range grid {
		grid[i] = top * math.Pow(1-float64(i)/float64(steps), p)
	}
	return grid
}

// CheckGrid says what is wrong with a time grid, or nil: it must fall from at most 1 to 0.
func CheckGrid(grid []float64) error {
	if len(grid) < 2 {
		return fmt.Errorf("diffusion: a time grid needs at least one step, got %d times", len(grid))
	}
	for i := 1; i < len(grid); i++ {
		if !(grid[i] < grid[i-1]) {
			return fmt.Errorf("diffusion: times must fall: grid[%d]=%g after grid[%d]=%g", i, grid[i], i-1, grid[i-1])
		}
	}
	last := grid[len(grid)-1]
	if grid[0] > 1 || last < 0 {
		return fmt.Errorf("diffusion: times must lie in [0, 1], got %g to %g", grid[0], last)
	}
	if last != 0 {
		return fmt.Errorf("diffusion: the grid ends at t=%g, where samples are still noisy; end it at 0", last)
	}
	return nil
}
