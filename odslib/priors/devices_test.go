package priors

import (
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// The same seed trains the same weights on one, two and four devices, for every family: after ten steps none is farther off than a
// thousandth of how far the weights have moved at most. A process has its devices for life, so a child runs with four.
func TestDevices(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	if os.Getenv(engine.EnvDevices) == "" {
		e, err := engine.Open()
		if err != nil {
			t.Fatal(err)
		}
		if e.Name != "xla-cpu" {
			t.Skipf("%s cannot be divided", e.Name)
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestDevices$", "-test.v")
		cmd.Env = append(os.Environ(), engine.EnvDevices+"=4", engine.EnvEngine+"=xla-cpu")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "PASS: TestDevices") {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Logf("%s", out)
		return
	}
	labelled, given := islands(200, 1)
	small := nn.Tower{Hidden: 16, Layers: 1}
	settings := func(devices int) Fit {
		return Fit{Batch: 28, Rate: nn.Rate{Peak: 3e-3, Warmup: -1}, Chunk: 5, Devices: devices, Bin: .01, EMA: -1}
	}
	train := func(f Fit, name string, steps int) (odslib.Params, []float32, error) {
		budget := odslib.Budget{Steps: steps}
		switch name {
		case "diffusion":
			p, err := Training{Net: nn.MLP{Hidden: 16, Layers: 1}, Given: given, Batch: f.Batch, Rate: f.Rate, Chunk: f.Chunk, Devices: f.Devices, Bin: f.Bin, EMA: f.EMA}.Train(t.Context(), labelled.X, budget, 1)
			if err != nil {
				return nil, nil, err
			}
			return p.Weights, p.Log.Loss, nil
		case "VAE":
			p, err := VAE{Latents: []int{2, 2}, Encoder: small, Decoder: small, Fit: f}.Train(t.Context(), labelled.X, budget, 1)
			if err != nil {
				return nil, nil, err
			}
			return p.Weights, p.Log.Loss, nil
		case "GAN":
			p, err := GAN{Latent: 2, Generator: small, Critic: small, Fit: f}.Train(t.Context(), labelled.X, budget, 1)
			if err != nil {
				return nil, nil, err
			}
			return p.Weights, p.Log.Loss, nil
		case "RealNVP":
			p, err := RealNVP{Couplings: 2, Net: small, Fit: f}.Train(t.Context(), labelled.X, budget, 1)
			if err != nil {
				return nil, nil, err
			}
			return p.Weights, p.Log.Loss, nil
		}
		p, err := Classifier{Net: small, Features: 8, Fit: f}.Train(t.Context(), labelled, budget, 1)
		if err != nil {
			return nil, nil, err
		}
		return p.Weights, p.Log.Loss, nil
	}
	apart := func(a, b odslib.Params) (worst float64) {
		for i := range a {
			for j, v := range a[i].Value.Data {
				worst = math.Max(worst, math.Abs(float64(v-b[i].Value.Data[j])))
			}
		}
		return worst
	}
	for name, on := range map[string][]int{"diffusion": {2, 4}, "VAE": {4}, "GAN": {4}, "RealNVP": {4}, "classifier": {4}} {
		first, _, err := train(settings(1), name, 1)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want, losses, err := train(settings(1), name, 10)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, devices := range on {
			got, lossesOf, err := train(settings(devices), name, 10)
			if err != nil {
				t.Fatalf("%s, %d devices: %v", name, devices, err)
			}
			moved, off, worst := apart(first, want), apart(got, want), 0.
			for i, l := range losses {
				worst = math.Max(worst, math.Abs(float64(lossesOf[i]-l))/math.Abs(float64(l)))
			}
			t.Logf("%s, %d devices: weights off by %.1e of %.1e, losses by %.1e", name, devices, off, moved, worst)
			if !(off <= 1e-3*moved) || !(worst <= 1e-4) || moved == 0 || len(losses) != 10 {
				t.Errorf("%s, %d devices: weights off by %.1e of %.1e, losses by %.1e", name, devices, off, moved, worst)
			}
		}
	}
	for devices, want := range map[int]string{3: "28 rows do not divide among 3 devices", 5: engine.EnvDevices} {
		if _, _, err := train(settings(devices), "VAE", 1); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%d devices: %v", devices, err)
		}
	}
}
