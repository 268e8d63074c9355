package diffusion

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"odslab/odslib"
)

func TestDDIMOneIsAncestral(t *testing.T) {
	for _, s := range everySchedule {
		grid := Uniform(s, 40)
		for i := range 40 {
			a, b, std := Ancestral{}.Coefficients(s, grid[i], grid[i+1])
			c, d, e := DDIM{Eta: 1}.Coefficients(s, grid[i], grid[i+1])
			if !close(c, a, 1e-9) || !close(d, b, 1e-9) || !close(e, std, 1e-9) {
				t.Errorf("%#v, %g→%g: DDIM(1) %g %g %g, ancestral %g %g %g", s, grid[i], grid[i+1], c, d, e, a, b, std)
			}
		}
	}
}

// TestMatchedIsExactForAGaussian: N(0, v) data with their exact denoiser stay N(0, α²v+σ²) at every step, however few steps,
// and every step has a density; mean coefficients are those of Ancestral.
func TestMatchedIsExactForAGaussian(t *testing.T) {
	for _, s := range append(everySchedule, Scaled{By: 30}) {
		for _, variance := range []float64{0, 1e-3, 1, 400} {
			for _, steps := range []int{1, 7, 100} {
				k, grid := Matched{Variance: variance}, Uniform(s, steps)
				data := or(variance, 1)
				total := func(t float64) float64 { a, b := s.Alpha(t), s.Sigma(t); return a*a*data + b*b }
				v := total(grid[0])
				for i := range steps {
					a, b, std := k.Coefficients(s, grid[i], grid[i+1])
					c, d, least := Ancestral{}.Coefficients(s, grid[i], grid[i+1])
					if a != c || b != d || !(std > 0) || std < least {
						t.Errorf("%#v step %d: %g %g %g, ancestral %g %g %g", s, i, a, b, std, c, d, least)
					}
					gain := a + b*s.Alpha(grid[i])*data/total(grid[i])
					if v = gain*gain*v + std*std; !close(v/total(grid[i+1]), 1, 1e-7) {
						t.Errorf("%#v, v=%g, step %d of %d: variance %g, want %g", s, variance, i+1, steps, v, total(grid[i+1]))
					}
				}
			}
		}
	}
}

// TestKernelsMeet: for short steps Ancestral becomes Euler–Maruyama and DDIM(0) becomes Euler; what is left falls with
// the square of the step.
func TestKernelsMeet(t *testing.T) {
	for _, s := range []odslib.Schedule{VPLinear{}, VPCosine{}, VE{}, EDM{}, Flow{}} {
		for name, pair := range map[string][2]Kernel{"SDE": {Ancestral{}, EulerMaruyama{}}, "ODE": {DDIM{}, Euler{}}} {
			for _, time := range []float64{.2, .5, .8} {
				miss := func(d float64) (m float64) {
					a, b, std := pair[0].Coefficients(s, time, time-d)
					c, e, std2 := pair[1].Coefficients(s, time, time-d)
					return math.Abs(a-c) + math.Abs(b-e) + math.Abs(std*std-std2*std2)/math.Pow(s.Sigma(time), 2)
				}
				long, short := miss(.004), miss(.002)
				if ratio := long / short; !(ratio > 3.5 && ratio < 4.5) && long > 1e-7 {
					t.Errorf("%s on %#v at %g: the difference goes from %.3g to %.3g when the step is halved, want a quarter", name, s, time, long, short)
				}
			}
		}
	}
}

// TestVarianceIsKept: N(0, 1) data with its exact denoiser stay N(0, α²+σ²) at every step, up to an error of the
// discretisation that halves with the step.
func TestVarianceIsKept(t *testing.T) {
	for _, s := range []odslib.Schedule{VPLinear{}, VPDiscrete{}, VPCosine{}, VE{}, Flow{}} {
		for _, k := range []Kernel{Ancestral{}, DDIM{}, DDIM{Eta: .5}} {
			worst := func(steps int) (w float64) {
				grid := Power(s, steps, 2)
				a0, s0 := s.Alpha(grid[0]), s.Sigma(grid[0])
				v := a0*a0 + s0*s0
				for i := range steps {
					at, st := s.Alpha(grid[i]), s.Sigma(grid[i])
					a, b, std := k.Coefficients(s, grid[i], grid[i+1])
					gain := a + b*at/(at*at+st*st)
					v = gain*gain*v + std*std
					as, ss := s.Alpha(grid[i+1]), s.Sigma(grid[i+1])
					w = math.Max(w, math.Abs(v/(as*as+ss*ss)-1))
				}
				return w
			}
			coarse, fine := worst(400), worst(800)
			if fine > .03 || coarse > 1e-6 && !(fine < .65*coarse) {
				t.Errorf("%T%+v on %#v: the variance is off by %.3g with 400 steps, %.3g with 800", k, k, s, coarse, fine)
			}
		}
	}
}

// Kernels come back from a file as they were; a function of the user's cannot be kept, and that is said.
func TestKernelSettings(t *testing.T) {
	for _, k := range []Kernel{Ancestral{}, Matched{Variance: 3}, Noisy{}, DDIM{Eta: .5}, EulerMaruyama{}, Euler{}, Heun{}} {
		data, err := EncodeKernel(k)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeKernel(data); err != nil || !reflect.DeepEqual(back, k) {
			t.Errorf("%#v came back as %#v, %v", k, back, err)
		}
	}
	if _, err := EncodeKernel(DDIM{EtaAt: math.Sqrt}); err == nil || !strings.Contains(err.Error(), "EtaAt") {
		t.Errorf("a function was kept: %v", err)
	}
}
