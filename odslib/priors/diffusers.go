package priors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

// diffusersConfig is config.json of a UNet2DModel; what is not here must have its default.
type diffusersConfig struct {
	Class      string   `json:"_class_name"`
	Size       any      `json:"sample_size"` // a number, or height and width
	In         int      `json:"in_channels"`
	Out        int      `json:"out_channels"`
	Centre     bool     `json:"center_input_sample"`
	TimeKind   string   `json:"time_embedding_type"`
	TimeWidth  *int     `json:"time_embedding_dim"`
	Shift      float64  `json:"freq_shift"`
	CosFirst   *bool    `json:"flip_sin_to_cos"`
	Down       []string `json:"down_block_types"`
	Mid        *string  `json:"mid_block_type"`
	Up         []string `json:"up_block_types"`
	Channels   []int    `json:"block_out_channels"`
	Blocks     *int     `json:"layers_per_block"`
	MidScale   *float64 `json:"mid_block_scale_factor"`
	Padding    *int     `json:"downsample_padding"`
	DownKind   string   `json:"downsample_type"`
	UpKind     string   `json:"upsample_type"`
	Activation string   `json:"act_fn"`
	Head       *int     `json:"attention_head_dim"`
	Groups     *int     `json:"norm_num_groups"`
	AttnGroups *int     `json:"attn_norm_num_groups"`
	Epsilon    *float64 `json:"norm_eps"`
	TimeShift  string   `json:"resnet_time_scale_shift"`
	Attention  *bool    `json:"add_attention"`
	ClassKind  *string  `json:"class_embed_type"`
	Classes    *int     `json:"num_class_embeds"`
	TrainSteps *int     `json:"num_train_timesteps"`
}

// diffusersSchedule is scheduler_config.json.
type diffusersSchedule struct {
	Steps    int       `json:"num_train_timesteps"`
	Min      float64   `json:"beta_start"`
	Max      float64   `json:"beta_end"`
	Betas    string    `json:"beta_schedule"`
	Table    []float64 `json:"trained_betas"`
	Predicts string    `json:"prediction_type"`
	Rescaled bool      `json:"rescale_betas_zero_snr"`
}

// Diffusers reads a denoising diffusion model that the diffusers library saved (DDPMPipeline or UNet2DModel, save_pretrained with
// safetensors): a folder with config.json and diffusion_pytorch_model.safetensors, or one with both in its folder unet. The noise is that
// of scheduler_config.json, in the folder itself or in its folder scheduler; without one it is the DDPM table of 1000 steps. Samples are
// images [h, w, c], where diffusers has [c, h, w], of values between -1 and 1. The prior is like one that was trained here: it has gradients, every
// sampler takes it, and Save keeps it.
func Diffusers(folder string) (*Diffusion, error) {
	d, err := readDiffusers(folder)
	if err != nil {
		return nil, fmt.Errorf("diffusers model %s: %w", filepath.Base(folder), err)
	}
	return d, nil
}

func readDiffusers(folder string) (*Diffusion, error) {
	unet := folder
	if _, err := os.Stat(filepath.Join(folder, "unet", "config.json")); err == nil {
		unet = filepath.Join(folder, "unet")
	}
	var c diffusersConfig
	if err := readJSON(filepath.Join(unet, "config.json"), &c); err != nil {
		return nil, err
	}
	net, dims, err := c.net()
	if err != nil {
		return nil, err
	}
	s := diffusersSchedule{Steps: 1000, Min: 1e-4, Max: .02, Betas: "linear", Predicts: "epsilon"}
	for _, path := range []string{filepath.Join(folder, "scheduler", "scheduler_config.json"), filepath.Join(folder, "scheduler_config.json")} {
		if err := readJSON(path, &s); err == nil {
			break
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	d := &Diffusion{Dims: dims}
	if d.Noising, d.Predicts, err = s.process(); err != nil {
		return nil, err
	}
	net.Entries = s.Steps
	d.Net = net
	f, err := safetensors.ReadFile(filepath.Join(unet, "diffusion_pytorch_model.safetensors"))
	if err != nil {
		return nil, err
	}
	d.Weights, err = diffusersWeights(f, net, dims)
	return d, err
}

func readJSON(path string, v any) error {
	b, err := readBounded(path, 1<<20)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s is not what diffusers writes: %w", filepath.Base(path), err)
	}
	return nil
}

// net is the network of a configuration, and the shape of its images.
func (c diffusersConfig) net() (net nn.DDPMUNet, dims []int, err error) {
	fail := func(format string, args ...any) (nn.DDPMUNet, []int, error) {
		return nn.DDPMUNet{}, nil, fmt.Errorf("config.json: "+format, args...)
	}
	is := func(name, have string, want ...string) error {
		if have == "" || slices.Contains(want, have) {
			return nil
		}
		return fmt.Errorf("config.json: %s is %.40q; %s is read", name, have, strings.Join(want, " or "))
	}
	if c.Class != "UNet2DModel" {
		return fail("it is of a %.40q; UNet2DModel is read", c.Class)
	}
	side := func(v any) int { n, _ := v.(float64); return int(n) }
	h, w := side(c.Size), side(c.Size)
	if both, ok := c.Size.([]any); ok && len(both) == 2 {
		h, w = side(both[0]), side(both[1])
	}
	levels := len(c.Channels)
	if h < 1 || w < 1 || h > 1<<13 || w > 1<<13 || c.In < 1 || c.In != c.Out || c.In > 1<<10 {
		return fail("images of sample_size %v with %d channels in and %d out; both are positive, and the channels alike", c.Size, c.In, c.Out)
	}
	if levels < 1 || levels > 8 || len(c.Down) != levels || len(c.Up) != levels {
		return fail("%d block_out_channels, %d down_block_types and %d up_block_types; there are as many of each, up to 8", levels, len(c.Down), len(c.Up))
	}
	net = nn.DDPMUNet{Channels: c.Channels, Middle: true, Shift: c.Shift, Centre: c.Centre, CosFirst: true}
	for l := range levels {
		if err := is("down_block_types", c.Down[l], "DownBlock2D", "AttnDownBlock2D"); err != nil {
			return net, nil, err
		}
		if err := is("up_block_types", c.Up[l], "UpBlock2D", "AttnUpBlock2D"); err != nil {
			return net, nil, err
		}
		net.Attention = append(net.Attention, c.Down[l] == "AttnDownBlock2D")
		net.UpAttention = append(net.UpAttention, c.Up[levels-1-l] == "AttnUpBlock2D")
	}
	mid, class := "UNetMidBlock2D", ""
	if c.Mid != nil {
		mid = *c.Mid
	}
	if c.ClassKind != nil {
		class = *c.ClassKind
	}
	for _, e := range []error{
		is("mid_block_type", mid, "UNetMidBlock2D"), is("time_embedding_type", c.TimeKind, "positional"), is("downsample_type", c.DownKind, "conv"),
		is("upsample_type", c.UpKind, "conv"), is("act_fn", c.Activation, "silu", "swish"), is("resnet_time_scale_shift", c.TimeShift, "default", "scale_shift"),
		is("class_embed_type", class, "null"),
	} {
		if e != nil {
			return net, nil, e
		}
	}
	if c.Classes != nil || c.AttnGroups != nil || c.TimeWidth != nil {
		return fail("num_class_embeds, attn_norm_num_groups and time_embedding_dim are not read; they must be null")
	}
	net.Middle = c.Attention == nil || *c.Attention
	net.ScaleShift = c.TimeShift == "scale_shift"
	number := func(name string, v *int, def, most int) int {
		if v == nil {
			return def
		}
		if (*v < 1 || *v > most) && err == nil {
			err = fmt.Errorf("config.json: %s is %d; it is read from 1 to %d", name, *v, most)
		}
		return *v
	}
	net.Blocks, net.Groups = number("layers_per_block", c.Blocks, 2, 16), number("norm_num_groups", c.Groups, 32, 1<<12)
	net.Head = number("attention_head_dim", c.Head, 0, 1<<12)
	for _, ch := range c.Channels {
		if ch = number("block_out_channels", &ch, 0, 1<<12); err == nil && (ch%net.Groups != 0 || ch%2 != 0) {
			err = fmt.Errorf("config.json: %d channels are not even, or not divided by %d groups", ch, net.Groups)
		}
	}
	if c.CosFirst != nil {
		net.CosFirst = *c.CosFirst
	}
	net.Corner = c.Padding != nil && *c.Padding == 0
	if c.Padding != nil && *c.Padding != 0 && *c.Padding != 1 {
		return fail("downsample_padding is %d; 0 or 1 is read", *c.Padding)
	}
	if c.MidScale != nil {
		net.MidScale = *c.MidScale
	}
	if c.Epsilon != nil {
		net.Epsilon = *c.Epsilon
	}
	return net, []int{h, w, c.In}, err
}

// process is the noise and what the network predicts.
func (s diffusersSchedule) process() (odslib.Schedule, diffusion.Parametrisation, error) {
	kinds := map[string]diffusion.Parametrisation{"epsilon": diffusion.Epsilon, "sample": diffusion.X0, "v_prediction": diffusion.V}
	predicts, ok := kinds[s.Predicts]
	switch {
	case !ok:
		return nil, 0, fmt.Errorf("scheduler_config.json: prediction_type is %.40q; epsilon, sample and v_prediction are read", s.Predicts)
	case s.Betas != "linear" || s.Table != nil || s.Rescaled:
		return nil, 0, fmt.Errorf("scheduler_config.json: beta_schedule is %.40q; linear is read, without trained_betas and rescale_betas_zero_snr", s.Betas)
	case s.Steps < 2 || s.Steps > 1<<20 || !(s.Min > 0 && s.Min <= s.Max && s.Max < 1):
		return nil, 0, fmt.Errorf("scheduler_config.json: %d steps of β from %g to %g", s.Steps, s.Min, s.Max)
	}
	return diffusion.VPDiscrete{N: s.Steps, BetaMin: s.Min, BetaMax: s.Max}, predicts, nil
}

// older are names of attention's layers in files of before 2023.
var older = map[string]string{"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}

// diffusersWeights are a file's tensors as the network has them: inputs before outputs.
func diffusersWeights(f *safetensors.File, net nn.DDPMUNet, dims []int) (odslib.Params, error) {
	like, err := nn.Initial(net, dims, 0)
	if err != nil {
		return nil, err
	}
	out := make(odslib.Params, len(like))
	used := map[string]bool{}
	for i, p := range like {
		layer, last := strings.ReplaceAll(p.Name[:strings.LastIndex(p.Name, "/")], "/", "."), p.Name[strings.LastIndex(p.Name, "/")+1:]
		last = map[string]string{"w": "weight", "b": "bias", "scale": "weight", "shift": "bias"}[last]
		name := layer + "." + last
		t, ok := f.Lookup(name)
		for now, before := range older {
			if from, of := strings.CutSuffix(layer, "."+now); of && !ok {
				if t, ok = f.Lookup(from + "." + before + "." + last); ok {
					name = from + "." + before + "." + last
				}
			}
		}
		if !ok {
			return nil, fmt.Errorf("the file lacks %q, which config.json calls for", name)
		}
		used[name] = true
		want := slices.Clone(p.Value.Shape)
		if n := len(want); n >= 2 { // inputs and outputs change places, a kernel's sides go last
			want = append([]int{want[n-1], want[n-2]}, want[:n-2]...)
		}
		if !slices.Equal(t.Shape, want) {
			return nil, fmt.Errorf("%q has shape %v, config.json calls for %v", name, t.Shape, want)
		}
		data, err := t.Float32s()
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		out[i] = engine.Param{Name: p.Name, Value: inputsFirst(odslib.Array{Shape: want, Data: data})}
		if bad := out[i].Value.NonFinite(); bad > 0 {
			return nil, fmt.Errorf("%q has %d values that are not finite", name, bad)
		}
	}
	for _, t := range f.Tensors {
		if !used[t.Name] {
			return nil, fmt.Errorf("the file has %q, which config.json does not call for", t.Name)
		}
	}
	return out, nil
}

// inputsFirst takes [out, in] to [in, out], and [out, in, h, w] to [h, w, in, out].
func inputsFirst(w odslib.Array) odslib.Array {
	if len(w.Shape) < 2 {
		return w
	}
	rows, cols := w.Shape[0], w.Shape[1]
	space := len(w.Data) / (rows * cols)
	out := engine.NewArray(append(slices.Clone(w.Shape[2:]), cols, rows)...)
	for o := range rows {
		for i := range cols {
			for k := range space {
				out.Data[(k*cols+i)*rows+o] = w.Data[(o*cols+i)*space+k]
			}
		}
	}
	return out
}
