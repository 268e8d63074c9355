package priors

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/datasets"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/nn"
)

// crescent is a two-dimensional set that no Gaussian fits.
func crescent(n int, seed uint64) odslib.Array {
	a, rng := odslib.Array(engine.NewArray(n, 2)), engine.RNG(seed, "priors.test")
	for i := range n {
		phi := math.Pi * rng.Float64()
		a.Row(i)[0] = float32(1.4*math.Cos(phi) + .05*rng.NormFloat64())
		a.Row(i)[1] = float32(2*math.Sin(phi) - 1.3 + .05*rng.NormFloat64())
	}
	return a
}

func small() Training {
	return Training{Net: nn.MLP{Hidden: 32, Layers: 2, Time: 16, NoResidual: true}, Batch: 64, Chunk: 7}
}

// sameBits fails unless the two sets of weights are equal to the bit.
func sameBits(t *testing.T, what string, a, b odslib.Params) {
	t.Helper()
	for i := range a {
		for j, v := range a[i].Value.Data {
			if w := b[i].Value.Data[j]; math.Float32bits(v) != math.Float32bits(w) {
				t.Fatalf("%s: %s[%d] is %v, and %v without the break", what, a[i].Name, j, v, w)
			}
		}
	}
}

func TestResumeToTheBit(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	data, ctx := crescent(500, 1), context.Background()
	whole, err := small().Train(ctx, data, odslib.Budget{Steps: 100}, 3)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("50+50", func(t *testing.T) {
		tr := small()
		tr.Checkpoint = filepath.Join(t.TempDir(), "deep", "crescent")
		half, err := tr.Train(ctx, data, odslib.Budget{Steps: 50}, 3)
		if err != nil {
			t.Fatal(err)
		}
		if half.Log.Steps != 50 || len(half.Log.Loss) != 50 {
			t.Fatalf("half of it: %d steps, %d losses", half.Log.Steps, len(half.Log.Loss))
		}
		p, err := tr.Train(ctx, data, odslib.Budget{Steps: 100}, 3)
		if err != nil {
			t.Fatal(err)
		}
		sameBits(t, "50+50 steps", p.Weights, whole.Weights)
		if !slices.Equal(p.Log.Loss, whole.Log.Loss) {
			t.Error("the trace of losses is another")
		}
		kept, err := Open(tr.Checkpoint)
		if err != nil {
			t.Fatal(err)
		}
		sameBits(t, "the checkpoint read as a prior", kept.(*Diffusion).Weights, whole.Weights)
		if p, err = tr.Train(ctx, data, odslib.Budget{Steps: 60}, 3); err != nil || p.Log.Steps != 100 {
			t.Errorf("a budget that is spent already: %v, %v", p, err)
		}

		tr.Batch = 32
		if _, err := tr.Train(ctx, data, odslib.Budget{Steps: 200}, 3); err == nil || !strings.Contains(err.Error(), "another batch (64 there, 32 here)") {
			t.Errorf("a checkpoint of other settings: %v", err)
		}
	})

	t.Run("interrupted", func(t *testing.T) {
		tr := small()
		tr.Checkpoint = filepath.Join(t.TempDir(), "crescent")
		stop, cancel := context.WithCancel(ctx)
		stop = odslib.WithObserver(stop, func(p odslib.Progress) {
			if p.Step >= 40 {
				cancel()
			}
		})
		part, err := tr.Train(stop, data, odslib.Budget{Steps: 100}, 3)
		if !errors.Is(err, context.Canceled) || part == nil {
			t.Fatalf("interrupted: %v, %v", part, err)
		}
		if part.Log.Steps != 42 { // the end of the chunk
			t.Errorf("stopped after %d steps, want 42", part.Log.Steps)
		}
		if _, err := part.Sample(ctx, 10, 1); err != nil {
			t.Errorf("the partial prior: %v", err)
		}
		p, err := tr.Train(ctx, data, odslib.Budget{Steps: 100}, 3)
		if err != nil {
			t.Fatal(err)
		}
		sameBits(t, "42+58 steps", p.Weights, whole.Weights)
	})
}

func TestMinutesStopAtAChunk(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	p, err := small().Train(context.Background(), crescent(100, 1), odslib.Budget{Minutes: 1e-9, Steps: 1000}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if p.Log.Steps != 7 || len(p.Log.Notes) != 1 || !strings.Contains(p.Log.Notes[0], "after step 7") {
		t.Errorf("%d steps, notes %q", p.Log.Steps, p.Log.Notes)
	}
}

// TestTrainedCrescent: the loss on new data falls well below that of the best Gaussian, and samples lie on the set.
func TestTrainedCrescent(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	steps := 1500
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	if e.Name == "go" {
		steps = 600
	}
	p, err := Training{Net: nn.MLP{Hidden: 64, Layers: 3}}.Train(context.Background(), crescent(2000, 1), odslib.Budget{Steps: steps}, 1)
	if err != nil {
		t.Fatal(err)
	}
	loss, err := HeldOutLoss(p, crescent(500, 2), 1)
	if err != nil {
		t.Fatal(err)
	}
	gauss := Gaussian([]float64{0, 0}, 1).On(p.Schedule())
	base, err := HeldOutLoss(gauss, crescent(500, 2), 1)
	if err != nil {
		t.Fatal(err)
	}
	if loss > .85*base {
		t.Errorf("held-out loss %.3f, the best Gaussian has %.3f", loss, base)
	}
	x, err := p.Sample(context.Background(), 500, 1)
	if err != nil {
		t.Fatal(err)
	}
	near := onCrescent(x)
	if near < 425 {
		t.Errorf("%d of 500 samples lie on the crescent; loss %.3f", near, loss)
	}
	t.Logf("loss %.3f (Gaussian %.3f), %d of 500 on the set, %s", loss, base, near, p)
}

// TestAnyScale: data far from unit scale and mean train and sample as the same data at unit scale do, also from a checkpoint;
// data of unit scale are left as they are.
func TestAnyScale(t *testing.T) {
	if mean, scale := standard(crescent(500, 1)); mean != nil || scale != 0 {
		t.Errorf("data of unit scale are standardised by %v and %g", mean, scale)
	}
	if testing.Short() {
		t.Skip("trains")
	}
	ctx, unit := context.Background(), crescent(2000, 1)
	tr := Training{Net: nn.MLP{Hidden: 64, Layers: 3}, Rate: nn.Rate{Peak: 3e-3}, EMA: .99}
	for _, c := range []struct {
		scale float64
		mean  [2]float64
	}{{30, [2]float64{1e3, -200}}} {
		data := unit.Clone()
		for i := range data.Len() {
			for j := range 2 {
				data.Row(i)[j] = float32(c.scale*float64(data.Row(i)[j]) + c.mean[j])
			}
		}
		p, err := tr.Train(ctx, data, odslib.Budget{Steps: 400}, 1)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "p")
		if err := p.Save(path); err != nil {
			t.Fatal(err)
		}
		q, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		p = q.(*Diffusion)
		x, err := p.Sample(ctx, 500, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i := range x.Len() {
			for j := range 2 {
				x.Row(i)[j] = float32((float64(x.Row(i)[j]) - c.mean[j]) / c.scale)
			}
		}
		loss, err := HeldOutLoss(p, data, 1)
		if err != nil {
			t.Fatal(err)
		}
		if near := onCrescent(x); near < 400 || !(loss < 1) {
			t.Errorf("scale %g, mean %v: %d of 500 samples lie on the crescent, held-out loss %.3f", c.scale, c.mean, near, loss)
		} else {
			t.Logf("scale %g, mean %v: %d of 500 samples, held-out loss %.3f", c.scale, c.mean, near, loss)
		}
	}
	same := odslib.Array{Shape: []int{3, 1}, Data: []float32{7, 7, 7}}
	p, err := small().Train(ctx, same, odslib.Budget{Steps: 100}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if x, err := p.Sample(ctx, 5, 1); err != nil || math.Abs(float64(x.Data[0])-7) > 1 {
		t.Errorf("one sample over and over: %v, %v", x, err)
	}
}

// TestParametrisations: every one of them, with its weighting, learns to draw the set.
func TestParametrisations(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	data := crescent(1000, 1)
	for _, c := range []struct {
		predicts diffusion.Parametrisation
		weights  diffusion.Weighting
		schedule odslib.Schedule
	}{
		{diffusion.V, diffusion.WeightNoise, diffusion.VPLinear{}},
		{diffusion.Epsilon, diffusion.WeightOutput, diffusion.VPLinear{}},
		{diffusion.X0, diffusion.WeightClean, diffusion.VPLinear{}},
		{diffusion.Score, diffusion.WeightNoise, diffusion.VPLinear{}},
		{diffusion.Velocity, diffusion.WeightMinSNR, diffusion.Flow{}},
		{diffusion.V, diffusion.WeightOutput, diffusion.EDM{SigmaMin: .02, SigmaMax: 20}},
	} {
		tr := Training{Net: nn.MLP{Hidden: 64, Layers: 3, NoResidual: true}, Schedule: c.schedule, Predicts: c.predicts, Weighting: c.weights, Batch: 128, Rate: nn.Rate{Peak: 3e-3}, EMA: .99}
		p, err := tr.Train(context.Background(), data, odslib.Budget{Steps: 400}, 1)
		if err != nil {
			t.Fatal(err)
		}
		x, err := p.Sample(context.Background(), 500, 1)
		if err != nil {
			t.Fatal(err)
		}
		if near := onCrescent(x); near < 400 {
			t.Errorf("%s on %T: %d of 500 samples lie on the crescent", c.predicts, c.schedule, near)
		} else {
			t.Logf("%s on %T: %d of 500 samples", c.predicts, c.schedule, near)
		}
	}
}

// onCrescent counts the samples near the set. Of a Gaussian of its mean and variance a quarter are.
func onCrescent(x odslib.Array) (near int) {
	for i := range x.Len() {
		u, v := float64(x.Row(i)[0])/1.4, (float64(x.Row(i)[1])+1.3)/2
		if math.Abs(math.Hypot(u, v)-1) < .2 && v > -.15 {
			near++
		}
	}
	return near
}

func TestTrainingMistakes(t *testing.T) {
	nan := crescent(10, 1)
	nan.Data[3] = float32(math.NaN())
	for _, c := range []struct {
		tr     Training
		data   odslib.Array
		budget odslib.Budget
		want   string
	}{
		{small(), odslib.Array(engine.NewArray(0, 2)), odslib.Budget{}, "at least one sample"},
		{small(), nan, odslib.Budget{}, "1 of 20 values"},
		{small(), crescent(10, 1), odslib.Budget{Steps: -1}, "cannot be negative"},
		{Training{Net: nn.UNet{}}, crescent(10, 1), odslib.Budget{}, "use nn.MLP"},
		{Training{EMA: 1}, crescent(10, 1), odslib.Budget{}, "below 1"},
		{Training{Net: nn.MLP{Hidden: 8}, Rate: nn.Rate{Peak: 1e30, Warmup: -1}, Clip: -1}, crescent(10, 1), odslib.Budget{Steps: 100}, "not finite; lower Rate.Peak"},
	} {
		_, err := c.tr.Train(context.Background(), c.data, c.budget, 1)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want an error of one line with %q", err, c.want)
		}
	}
}

func TestSaveAndOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p")
	p, err := small().Train(context.Background(), crescent(100, 1), odslib.Budget{Steps: 20}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	q, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	sameBits(t, "read back", q.(*Diffusion).Weights, p.Weights)
	x, err := p.Sample(context.Background(), 20, 5)
	if err != nil {
		t.Fatal(err)
	}
	y, err := q.Sample(context.Background(), 20, 5)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x.Data, y.Data) {
		t.Error("the prior that was read draws other samples")
	}
	file, err := os.ReadFile(path + ".safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".safetensors", file[:len(file)-5], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Error("a truncated file was read")
	}
	if _, err := (&Diffusion{}).Sample(context.Background(), 1, 1); err == nil || !strings.Contains(err.Error(), "not trained") {
		t.Errorf("an empty prior: %v", err)
	}
}

func TestLoad(t *testing.T) {
	d, ok := Load("digits").(*Diffusion)
	if !ok {
		t.Fatal(Load("digits"))
	}
	x, err := d.Sample(context.Background(), 50, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x.Shape, []int{50, 8, 8, 1}) {
		t.Fatalf("shape %v", x.Shape)
	}
	// Every digit is ink on an empty margin, and lies near one that a person wrote: nearer than digits lie to each other.
	real := datasets.Digits()
	nearest := func(row []float32, from int) float64 {
		best := math.Inf(1)
		for i := from; i < real.Len(); i++ {
			sum := 0.
			for j, v := range real.X.Row(i) {
				sum += float64(v-row[j]) * float64(v-row[j])
			}
			best = min(best, math.Sqrt(sum))
		}
		return best
	}
	drawn, written, beyond := 0., 0., 0
	for i := range 50 {
		drawn += nearest(x.Row(i), 0) / 50
		written += nearest(real.X.Row(i), i+1) / 50
		for _, v := range x.Row(i) {
			if v < -1.2 || v > 1.2 {
				beyond++
			}
		}
	}
	if drawn > 1.25*written || drawn < .5*written {
		t.Errorf("drawn digits lie %.2f from the nearest written one, written ones %.2f from each other", drawn, written)
	}
	if beyond > 96 {
		t.Errorf("%d of 3200 pixels lie beyond ±1.2; the data are -1 to 1", beyond)
	}
	t.Logf("nearest written digit at %.2f, %.2f among themselves; %d pixels beyond ±1.2", drawn, written, beyond)

	missing := Load("cats")
	post := odslib.Given(missing, nil)
	if err := post.Check(); err == nil || !strings.Contains(err.Error(), `no prior "cats" is kept; there are digits`) {
		t.Errorf("an unknown name: %v", err)
	}
}

// The whole of training a prior, as a notebook has it.
func ExampleTraining() {
	moons := datasets.TwoMoons(1000, 1)
	p, err := Training{Net: nn.MLP{Hidden: 32}}.Train(context.Background(), moons, odslib.Budget{Steps: 50}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	x, err := p.Sample(context.Background(), 100, 1)
	fmt.Println(x.Shape, p.Log.Steps, err)
	// Output: [100 2] 50 <nil>
}

// TestDriversAgree: a U-Net takes the same first steps in a Go loop, where it convolves by the backend, and in a While
// program, where it does by matrix products.
func TestDriversAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	drivers := []engine.Driver{engine.Host, engine.While}
	if !e.Loops() {
		drivers = drivers[:1]
	}
	var first []float32
	for _, d := range drivers {
		tr := Training{Net: nn.UNet{Channels: 4, Multiply: []int{1}, Time: 8}, Batch: 8, Driver: d}
		p, err := tr.Train(context.Background(), datasets.Digits().X.Slice(0, 50), odslib.Budget{Steps: 12}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = p.Log.Loss
		}
		for i, l := range p.Log.Loss {
			if !(math.Abs(float64(l/first[i])-1) < 1e-4) {
				t.Errorf("step %d: loss %v, %v in a Go loop", i+1, l, first[i])
			}
		}
	}
}
