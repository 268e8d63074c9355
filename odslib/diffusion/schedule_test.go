package diffusion

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"odslab/odslib"
)

var everySchedule = []odslib.Schedule{VPLinear{}, VPLinear{BetaMin: .5, BetaMax: 12}, VPDiscrete{}, VPDiscrete{N: 50}, VPCosine{}, VE{}, EDM{}, Flow{}}

func close(a, b, tol float64) bool { return math.Abs(a-b) <= tol*(1+math.Abs(b)) }

func TestSchedules(t *testing.T) {
	for _, s := range everySchedule {
		if s.Alpha(0) != 1 || s.Sigma(0) != 0 {
			t.Errorf("%#v is not clean at 0: α=%g σ=%g", s, s.Alpha(0), s.Sigma(0))
		}
		last := math.Inf(1)
		for i := 1; i <= 200; i++ {
			time := float64(i) / 200
			a, sig := s.Alpha(time), s.Sigma(time)
			switch s.(type) {
			case VPLinear, VPDiscrete, VPCosine:
				if !close(a*a+sig*sig, 1, 1e-12) {
					t.Errorf("%#v at %g: α²+σ²=%g", s, time, a*a+sig*sig)
				}
			}
			l := LogSNR(s, time)
			if !(l < last) {
				t.Errorf("%#v: λ does not fall at %g", s, time)
			}
			last = l
			if back := TimeAt(s, l); a > 0 && !close(back, time, 1e-9) {
				t.Errorf("%#v: TimeAt(LogSNR(%g)) = %g", s, time, back)
			}
		}
		if top := Start(s); s.Alpha(top) < MinAlpha*(1-1e-9) || top < .9 {
			t.Errorf("%#v starts at %g with α=%g", s, top, s.Alpha(top))
		}
	}
}

// TestAgainstTheirPapers: values that the papers give or that follow from their formulas by hand.
func TestAgainstTheirPapers(t *testing.T) {
	product := 1.
	for k := range 1000 {
		product *= 1 - (1e-4 + (.02-1e-4)*float64(k)/999)
	}
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"ᾱ of 1000 steps (Ho et al.)", math.Pow(VPDiscrete{}.Alpha(1), 2), product},
		{"ᾱ after one step", math.Pow(VPDiscrete{}.Alpha(.001), 2), 1 - 1e-4},
		{"∫β of the VP SDE is 10.05 (Song et al.)", -2 * math.Log(VPLinear{}.Alpha(1)), 10.05},
		{"cosine at ½", math.Pow(VPCosine{}.Alpha(.5), 2), math.Pow(math.Cos(math.Pi/2*.508/1.008)/math.Cos(math.Pi/2*.008/1.008), 2)},
		{"VE is geometric", VE{}.Sigma(.5), math.Sqrt(.01 * 50)},
		{"EDM's noisiest", EDM{}.Sigma(1), 80},
		{"EDM in the middle", EDM{}.Sigma(.5), math.Pow((math.Pow(80, 1./7)+math.Pow(.002, 1./7))/2, 7)},
		{"flow", Flow{}.Alpha(.3) + Flow{}.Sigma(.3), 1},
	} {
		if !close(c.got, c.want, 1e-9) {
			t.Errorf("%s: %g, want %g", c.name, c.got, c.want)
		}
	}
	for _, time := range []float64{.1, .5, .9} {
		f, g2 := Rates(VPLinear{}, time)
		if beta := .1 + 19.9*time; !close(f, -beta/2, 1e-6) || !close(g2, beta, 1e-6) {
			t.Errorf("rates at %g: f=%g g²=%g, want −β/2 and β=%g", time, f, g2, beta)
		}
	}
}

func TestGrids(t *testing.T) {
	for _, s := range everySchedule {
		g := Power(s, 30, 2)
		if err := CheckGrid(g); err != nil || len(g) != 31 || g[0] != Start(s) || g[30] != 0 {
			t.Errorf("%#v: grid %v, %v", s, g, err)
		}
	}
	for want, grid := range map[string][]float64{
		"at least one step":         {1},
		"grid[2]=0.5 after grid[1]": {1, .5, .5, 0},
		"lie in [0, 1]":             {1.5, 0},
		"ends at t=0.5":             {1, .5},
		"ends at t=0.001":           {.9, .3, .001},
	} {
		if err := CheckGrid(grid); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("grid %v: %v, want %q", grid, err, want)
		}
	}
	for want, c := range map[string]Chain{
		"-3 steps":             {Schedule: Flow{}, Steps: -3},
		"start the grid later": {Schedule: Flow{}, Grid: []float64{1, .5, 0}, Kernel: EulerMaruyama{}},
		"starts at t=0.3":      {Grid: []float64{.3, .1, 0}},
		"starts at t=0.6":      {Schedule: Flow{}, Grid: []float64{.6, .1, 0}},
		"DDIM's Eta is 1.5":    {Kernel: DDIM{Eta: 1.5}},
		"DDIM's Eta is -1":     {Kernel: DDIM{Eta: -1}},
		"DDIM's Eta is 2":      {Kernel: DDIM{EtaAt: func(float64) float64 { return 2 }}},
	} {
		if _, err := c.Of(odslib.Normal{Dims: []int{2}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("chain %+v: %v, want %q", c, err, want)
		}
	}
}

func TestScheduleSettings(t *testing.T) {
	for _, s := range everySchedule {
		data, err := EncodeSchedule(s)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeSchedule(data); err != nil || !reflect.DeepEqual(back, s) {
			t.Errorf("%#v came back as %#v, %v", s, back, err)
		}
	}
	if _, err := DecodeSchedule([]byte(`{"kind":"Sigmoid"}`)); err == nil || !strings.Contains(err.Error(), "there are EDM, Flow, VE") {
		t.Errorf("an unknown schedule: %v", err)
	}
}
