package guide_test

import (
	"math"
	"testing"

	"odslab/odslib/diffusion"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
)

// TestOrderOfGuidance: on T13 ΠGDM is right up to time discretisation, whose error of the variance falls as 1/T from T=400 to 1600. A
// deterministic chain is a linear map of its start here, so that the map is read off a few draws and chance has no part.
func TestOrderOfGuidance(t *testing.T) {
	if testing.Short() {
		t.Skip("1600 steps")
	}
	const n = 100
	_, along, _ := t13(1)
	off := map[int]float64{}
	for _, k := range []int{100, 200, 400, 800, 1600} {
		r := sample(t, guide.PiGDM{Steps: k, Chain: diffusion.Chain{Kernel: diffusion.DDIM{}, Observe: []int{0}}}, exact.T13(1).Post, n, 1)
		from, to := make([]float64, n), make([]float64, n)
		for i := range n {
			a, b := r.States[0].Row(i), r.Samples.Row(i)
			from[i], to[i] = (float64(a[0])+.5*float64(a[1]))/math.Sqrt(1.25), (float64(b[0])+.5*float64(b[1]))/math.Sqrt(1.25)
		}
		_, start := moments(from)
		_, end := moments(to)
		off[k] = end/start/along - 1 // x_T has variance 1
		t.Logf("T=%d: variance along the measurement off by %.5f", k, off[k])
	}
	for _, k := range []int{400, 800} {
		if slope := math.Log2(math.Abs(off[2*k] / off[k])); math.Abs(slope+1) > .1 {
			t.Errorf("from T=%d to %d the error falls with T to the %.3f, want −1", k, 2*k, slope)
		}
	}
}
