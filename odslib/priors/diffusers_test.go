package priors

import (
	"context"
	"encoding/json"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/safetensors"
)

// agreesWithDiffusers fails unless the network gives what PyTorch gave, to 1e-4.
func agreesWithDiffusers(t *testing.T, folder string) {
	t.Helper()
	d, err := Diffusers(folder)
	if err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.ReadFile(filepath.Join(folder, "check.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	check, err := checkpoint.Under(f, "")
	if err != nil {
		t.Fatal(err)
	}
	value := func(name string) odslib.Array { return check[slices.Index(check.Names(), name)].Value }
	x, want, times := value("x"), value("y"), engine.NewArray(value("step").Len())
	for i, step := range value("step").Data {
		times.Data[i] = (step + 1) / 500
	}
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	p, err := engine.NewProgram(e, d.Weights, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{d.Net.Apply(scope, in[0], odslib.Level{T: in[1]})}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got, err := p.Call1(x.Tensor(), times.Tensor())
	if err != nil {
		t.Fatal(err)
	}
	worst, size := 0., 0.
	for i, v := range got.Data {
		worst, size = math.Max(worst, math.Abs(float64(v-want.Data[i]))), math.Max(size, math.Abs(float64(v)))
	}
	t.Logf("%d weights: off PyTorch's by %.2g, of values up to %.2g", d.Weights.Size(), worst, size)
	if !(worst < 1e-4) || size < .1 {
		t.Errorf("off PyTorch's by %.2g, of values up to %.2g", worst, size)
	}
}

// TestDiffusers: a U-Net that diffusers saved gives what it gave there, and is a prior: of its table's noise, saved and read again.
func TestDiffusers(t *testing.T) {
	folder := filepath.Join("testdata", "diffusers")
	agreesWithDiffusers(t, folder)
	d, err := Diffusers(folder)
	if err != nil {
		t.Fatal(err)
	}
	// ᾱ of the scheduler's entry 249, by its definition.
	bar := 1.
	for k := range 250 {
		bar *= 1 - (2e-4 + (.03-2e-4)*float64(k)/499)
	}
	if a := d.Schedule().Alpha(.5); math.Abs(a*a/bar-1) > 1e-9 || d.Predicts != diffusion.Epsilon {
		t.Errorf("ᾱ of entry 249 is %g, not %g; it predicts %s", a*a, bar, d.Predicts)
	}
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	d.Sampling.Steps = 5
	x, err := d.Sample(context.Background(), 3, 1)
	if err != nil || x.NonFinite() > 0 {
		t.Fatal(x, err)
	}
	path := filepath.Join(t.TempDir(), "kept")
	if err := d.Save(path); err != nil {
		t.Fatal(err)
	}
	kept, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	sameBits(t, "saved and read", kept.(*Diffusion).Weights, d.Weights)
	if k := kept.(*Diffusion); !reflect.DeepEqual(k.Net, d.Net) || k.Noising != d.Noising || k.Predicts != d.Predicts {
		t.Errorf("saved and read it is %v", k)
	}
}

// TestDiffusersLive: other shapes of the U-Net, saved now by the diffusers library where ODSLAB_DIFFUSERS names a Python that has it.
func TestDiffusersLive(t *testing.T) {
	python := os.Getenv("ODSLAB_DIFFUSERS")
	if python == "" {
		t.Skip("ODSLAB_DIFFUSERS names no Python that has torch and diffusers")
	}
	for _, name := range []string{"small", "corner", "shift"} {
		folder := t.TempDir()
		if out, err := exec.Command(python, filepath.Join("testdata", "diffusers", "make.py"), folder, name).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Run(name, func(t *testing.T) { agreesWithDiffusers(t, folder) })
	}
}

// TestDiffusersMistakes: what is not read, or lacks something, is refused in one line that names it.
func TestDiffusersMistakes(t *testing.T) {
	from := filepath.Join("testdata", "diffusers")
	set := func(key string, v any) func(map[string]any) { return func(m map[string]any) { m[key] = v } }
	type tensors = []safetensors.Tensor
	for _, c := range []struct {
		config, noise func(map[string]any)
		weights       func(tensors) tensors
		want          string
	}{
		{config: set("_class_name", "UNet2DConditionModel"), want: `of a "UNet2DConditionModel"`},
		{config: set("down_block_types", []string{"DownBlock2D", "SkipDownBlock2D"}), want: `down_block_types is "SkipDownBlock2D"`},
		{config: set("up_block_types", []string{"UpBlock2D"}), want: "1 up_block_types"},
		{config: set("mid_block_type", "UNetMidBlock2DCrossAttn"), want: "mid_block_type"},
		{config: set("time_embedding_type", "fourier"), want: `time_embedding_type is "fourier"`},
		{config: set("class_embed_type", "timestep"), want: "class_embed_type"},
		{config: set("num_class_embeds", 10), want: "num_class_embeds"},
		{config: set("act_fn", "gelu"), want: "act_fn"},
		{config: set("upsample_type", "resnet"), want: "upsample_type"},
		{config: set("norm_num_groups", 3), want: "3 groups"},
		{config: set("norm_num_groups", 0), want: "norm_num_groups is 0"},
		{config: set("layers_per_block", 2), want: `the file lacks "down_blocks.0.resnets.1`},
		{config: set("attention_head_dim", 3), want: "heads of width 3"},
		{config: set("sample_size", 7), want: "divisible by 2"},
		{config: set("sample_size", nil), want: "sample_size"},
		{config: set("in_channels", 3), want: "3 channels in and 1 out"},
		{config: set("block_out_channels", "many"), want: "config.json is not what diffusers writes"},
		{noise: set("beta_schedule", "squaredcos_cap_v2"), want: `beta_schedule is "squaredcos_cap_v2"`},
		{noise: set("prediction_type", "flow"), want: `prediction_type is "flow"`},
		{noise: set("num_train_timesteps", 0), want: "0 steps"},
		{weights: func(ts tensors) tensors { return ts[1:] }, want: "the file lacks"},
		{weights: func(ts tensors) tensors { return append(ts, safetensors.Float32("extra", []int{1}, []float32{1})) }, want: `the file has "extra"`},
		{weights: func(ts tensors) tensors {
			ts[0] = safetensors.Float32(ts[0].Name, []int{1}, []float32{1})
			return ts
		}, want: "has shape [1], config.json calls for"},
		{weights: func(ts tensors) tensors {
			ts[0].Data.([]float32)[0] = float32(math.NaN())
			return ts
		}, want: "not finite"},
	} {
		folder := t.TempDir()
		for name, edit := range map[string]func(map[string]any){"config.json": c.config, "scheduler_config.json": c.noise} {
			b, err := os.ReadFile(filepath.Join(from, name))
			if err != nil {
				t.Fatal(err)
			}
			m := map[string]any{}
			if err := json.Unmarshal(b, &m); err != nil {
				t.Fatal(err)
			}
			if m = maps.Clone(m); edit != nil {
				edit(m)
			}
			if b, err = json.Marshal(m); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		f, err := safetensors.ReadFile(filepath.Join(from, "diffusion_pytorch_model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if c.weights != nil {
			f.Tensors = c.weights(f.Tensors)
		}
		if err := safetensors.WriteFile(filepath.Join(folder, "diffusion_pytorch_model.safetensors"), f); err != nil {
			t.Fatal(err)
		}
		if d, err := Diffusers(folder); err == nil || d != nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", c.want, err)
		}
	}
	for _, folder := range []string{t.TempDir(), "none"} {
		if _, err := Diffusers(folder); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", folder, err)
		}
	}
}
