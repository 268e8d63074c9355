package priors_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/priors"
)

var twoHills = priors.InverseCDF{Weights: []float64{.3, .7}, Means: []float64{-2, 1.5}, Variances: []float64{.25, .64}, Dim: 2}

func hillsCDF(x float64) float64 {
	phi := func(u float64) float64 { return .5 * math.Erfc(-u/math.Sqrt2) }
	return .3*phi((x+2)/.5) + .7*phi((x-1.5)/.8)
}

func TestInverseCDFInverts(t *testing.T) {
	z := engine.NewArray(2001, 2)
	for i := range z.Data {
		z.Data[i] = float32(-6.5 + 13*float64(i)/float64(len(z.Data)-1))
	}
	host, err := twoHills.GenerateHost(context.Background(), z)
	if err != nil {
		t.Fatal(err)
	}
	x, grad := generate(t, twoHills, z)
	for i, v := range z.Data {
		// By symmetry of neither side: the lower tail by F, the upper by its complement where F rounds to 1.
		if v < 4 {
			got, want := hillsCDF(float64(host.Data[i])), .5*math.Erfc(-float64(v)/math.Sqrt2)
			near(t, "F(x)/Φ(z)", got/want, 1, 1e-4*(1+math.Abs(float64(v))))
		}
		near(t, "graph", float64(x.Data[i]), float64(host.Data[i]), 2e-5)
		if i > 0 && x.Data[i] < x.Data[i-1]-1e-5 {
			t.Fatalf("not monotone at z=%g: %g after %g", v, x.Data[i], x.Data[i-1])
		}
	}
	// Gradient φ(z)/f(x) against differences of the exact map.
	for _, i := range []int{300, 1000, 1500, 1733, 2000, 2500, 3600} {
		h := engine.NewArray(2, 2)
		h.Data[0], h.Data[1] = z.Data[i]-.01, z.Data[i]+.01
		ends, err := twoHills.GenerateHost(context.Background(), h)
		if err != nil {
			t.Fatal(err)
		}
		want := float64(ends.Data[1]-ends.Data[0]) / float64(h.Data[1]-h.Data[0])
		near(t, "gradient", float64(grad.Data[i]), want, 2e-3*(1+want))
	}
}

func TestInverseCDFBeyondTheTable(t *testing.T) {
	z := engine.NewArray(4, 1)
	copy(z.Data, []float32{-9, -8, 8, 9})
	g := twoHills
	g.Dim = 1
	x, grad := generate(t, g, z)
	if x.NonFinite() > 0 || !(x.Data[0] < x.Data[1] && x.Data[2] < x.Data[3]) {
		t.Errorf("x = %v", x.Data)
	}
	near(t, "slope below", float64(grad.Data[0]), float64(grad.Data[1]), 1e-4)
	near(t, "slope above", float64(grad.Data[3]), float64(grad.Data[2]), 1e-4)
}

// TestInverseCDFSample: the mixture itself and the map of normals have one law.
func TestInverseCDFSample(t *testing.T) {
	const n = 20000
	a, err := twoHills.Sample(context.Background(), n, 1)
	if err != nil {
		t.Fatal(err)
	}
	x := a.Column(1)
	slices.Sort(x)
	d := 0.
	for i, v := range x {
		d = max(d, math.Abs(hillsCDF(v)-(float64(i)+.5)/n))
	}
	if d > 1.95/math.Sqrt(n) { // Kolmogorov–Smirnov at .001; the seed is fixed
		t.Errorf("distance to F is %.4f", d)
	}
}

// TestInverseCDFGap: hills far apart make a cliff, which the table must climb without overshooting.
func TestInverseCDFGap(t *testing.T) {
	g := priors.InverseCDF{Means: []float64{-50, 50}, Variances: []float64{.01, .01}}
	z := engine.NewArray(40001, 1)
	for i := range z.Data {
		z.Data[i] = -.2 + .4*float32(i)/40000
	}
	x, grad := generate(t, g, z)
	if grad.NonFinite()+x.NonFinite() > 0 || !slices.IsSorted(x.Data) {
		t.Errorf("%d values are not finite, sorted %v", grad.NonFinite()+x.NonFinite(), slices.IsSorted(x.Data))
	}
}

func TestInverseCDFRefusals(t *testing.T) {
	for _, bad := range []priors.InverseCDF{{}, {Means: []float64{1}}, {Means: []float64{1}, Variances: []float64{-1}}, {Means: []float64{1}, Variances: []float64{1}, Dim: -1}} {
		if odslib.Given(bad, nil).Check() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}
