package priors

import (
	"context"
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// islands are three clouds in the plane, their classes and one-hot conditions.
func islands(n int, seed uint64) (data Labelled, given odslib.Array) {
	rng := engine.RNG(seed, "priors.test.islands")
	data.X, given = engine.NewArray(n, 2), engine.NewArray(n, 3)
	data.Names = []string{"east", "north", "west"}
	for i := range n {
		k := rng.IntN(3)
		phi := math.Pi / 2 * float64(k)
		data.X.Row(i)[0] = float32(2*math.Cos(phi) + .4*rng.NormFloat64())
		data.X.Row(i)[1] = float32(2*math.Sin(phi) + .4*rng.NormFloat64())
		data.Labels = append(data.Labels, uint8(k))
		given.Row(i)[k] = 1
	}
	return data, given
}

// TestClassConditional: a prior trained with classes draws the class it is given and all of them without; guidance draws it in; the
// flow of a class is that class; a classifier agrees, at the noise levels that it has seen too.
func TestClassConditional(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	ctx := context.Background()
	data, given := islands(3000, 1)
	held, _ := islands(1000, 2)
	classifier, err := Classifier{Net: nn.Tower{Hidden: 32, Layers: 1}, Features: 16, Fit: Fit{Rate: nn.Rate{Peak: 3e-3}}}.Train(ctx, data, odslib.Budget{Steps: 400}, 1)
	if err != nil {
		t.Fatal(err)
	}
	classifier, err = classifier.Calibrate(ctx, held, 1)
	if err != nil {
		t.Fatal(err)
	}
	accuracy, err := classifier.Accuracy(ctx, held)
	if err != nil || accuracy < .98 { // the clouds lie seven standard deviations apart
		t.Fatalf("accuracy %.3f, %v", accuracy, err)
	}
	off, err := classifier.CalibrationError(ctx, held)
	t.Logf("accuracy %.3f, calibration error %.4f, temperature %.3g", accuracy, off, classifier.Temperature)
	if err != nil || off > .02 {
		t.Errorf("calibration error %.4f, %v", off, err)
	}

	tr := Training{Net: nn.MLP{Hidden: 48, Layers: 2}, Given: given, Schedule: diffusion.Flow{}, Predicts: diffusion.Velocity, Rate: nn.Rate{Peak: 3e-3}}
	d, err := tr.Train(ctx, data.X, odslib.Budget{Steps: 1500}, 1)
	if err != nil {
		t.Fatal(err)
	}
	share := func(x odslib.Array, k int) float64 {
		p, err := classifier.Probabilities(ctx, x)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.
		for _, v := range p.Column(k) {
			sum += v / float64(x.Len())
		}
		return sum
	}
	rows := func(n, k int) *odslib.Array {
		a := odslib.Array(engine.NewArray(n, 3))
		for i := range n {
			a.Row(i)[k] = 1
		}
		return &a
	}
	spread := map[float64]float64{}
	for _, w := range []float64{0, 2} {
		d.Guidance = w
		drawn, err := diffusion.Chain{Steps: 30}.Draw(ctx, "test", d, rows(400, 1), 400, 1)
		if err != nil {
			t.Fatal(err)
		}
		if s := share(drawn.X, 1); s < .95 {
			t.Errorf("guidance %g: %.3f of the draws are of the class", w, s)
		}
		for _, v := range drawn.X.Column(0) {
			spread[w] += v * v / 400
		}
	}
	if !(spread[2] < spread[0]) {
		t.Errorf("guidance widens the class: variance %.3f, %.3f without", spread[2], spread[0])
	}
	d.Guidance = 0
	x, err := d.Sample(ctx, 600, 2)
	if err != nil {
		t.Fatal(err)
	}
	if s := share(x, 1); math.Abs(s-1./3) > .08 { // four standard errors of 600 draws
		t.Errorf("without conditions %.3f of the draws are of one class of three", s)
	}
	f, err := (&Flow{Of: d}).Class(2)
	if err != nil {
		t.Fatal(err)
	}
	if x, err = f.Sample(ctx, 400, 1); err != nil || share(x, 2) < .95 {
		t.Errorf("the flow of a class: %.3f, %v", share(x, 2), err)
	}
	if _, err := f.Class(3); err == nil || !strings.Contains(err.Error(), "no class 3") {
		t.Errorf("a fourth class of three: %v", err)
	}
	tr.Given = given.Slice(0, 7)
	if _, err := tr.Train(ctx, data.X, odslib.Budget{Steps: 1}, 1); err == nil || !strings.Contains(err.Error(), "3000 samples") {
		t.Errorf("conditions of other samples: %v", err)
	}
	data.Labels[5] = 3
	if _, err := (Classifier{}).Train(ctx, data, odslib.Budget{Steps: 1}, 1); err == nil || !strings.Contains(err.Error(), "label 3 of sample 5") {
		t.Errorf("a label of no class: %v", err)
	}
}

// TestUnrolled: the chain as a generator of its noise draws what the chain draws.
func TestUnrolled(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	m := &Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-4, 1}, {3, 0}}, Variances: [][]float64{{.5, .5}, {1.5, 1.5}}}
	u := Unrolled{Of: m, Chain: diffusion.Chain{Steps: 24}}
	if got := u.NoiseShape(); len(got) != 2 || got[0] != 25 || got[1] != 2 {
		t.Fatalf("noise of shape %v", got)
	}
	x, err := u.Sample(context.Background(), 4000, 1)
	if err != nil {
		t.Fatal(err)
	}
	y, err := diffusion.Chain{Steps: 24}.Run(context.Background(), m, 4000, 1)
	if err != nil {
		t.Fatal(err)
	}
	moments := func(x odslib.Array) (left, mean, square float64) {
		for i := range x.Len() {
			if v := float64(x.Row(i)[0]); v < -1 {
				left++
			} else {
				mean, square = mean+v, square+v*v
			}
		}
		n := 4000 - left
		return left / 4000, mean / n, square/n - mean*mean/n/n
	}
	l1, m1, v1 := moments(x)
	l2, m2, v2 := moments(y)
	// Four standard errors of a difference: .041, .13, .15.
	if math.Abs(l1-l2) > .041 || math.Abs(m1-m2) > .13 || math.Abs(v1-v2) > .2 {
		t.Errorf("unrolled: %.3f of the draws on the left, the others' mean %.3f, variance %.3f; the chain: %.3f, %.3f, %.3f", l1, m1, v1, l2, m2, v2)
	}
	if err := (Unrolled{Of: m, Chain: diffusion.Chain{Kernel: diffusion.Heun{}}}).Err(); err == nil {
		t.Error("Heun's method has no noise to generate from")
	}
	if err := (Unrolled{}).Err(); err == nil {
		t.Error("a generator of nothing")
	}
}
