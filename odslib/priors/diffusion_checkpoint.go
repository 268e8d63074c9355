package priors

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

// description is the JSON beside the weights of a prior: all of it but the numbers of the network.
type description struct {
	Shape    []int           `json:"shape"`
	Net      json.RawMessage `json:"net"`
	Schedule json.RawMessage `json:"schedule"`
	Predicts string          `json:"predicts"`
	Steps    int             `json:"steps"`
	Seed     uint64          `json:"seed"`
	Engine   string          `json:"engine"`
	Seconds  float64         `json:"seconds"`
	Notes    []string        `json:"notes,omitempty"`
	Loss     []float32       `json:"loss,omitempty"` // of the first steps
	HeldOut  float64         `json:"held_out_loss,omitempty"`
	Training json.RawMessage `json:"training,omitempty"` // settings of the training
}

// keptLosses is how many losses of the beginning the JSON keeps: enough to compare a new run with.
const keptLosses = 200

func (d *Diffusion) describe() (out description, err error) {
	out = description{Shape: d.Dims, Predicts: d.Predicts.String(), Steps: d.Log.Steps, Seed: d.Log.Seed, Engine: d.Log.Engine,
		Seconds: math.Round(d.Log.Seconds*10) / 10, Notes: d.Log.Notes, HeldOut: d.Log.HeldOut}
	for _, l := range d.Log.Loss[:min(keptLosses, len(d.Log.Loss))] {
		if l-l != 0 {
			break
		}
		out.Loss = append(out.Loss, l)
	}
	if d.Log.Settings != "" {
		out.Training = json.RawMessage(d.Log.Settings)
	}
	if out.Net, err = nn.Encode(d.Net); err != nil {
		return out, err
	}
	out.Schedule, err = diffusion.EncodeSchedule(d.Process)
	return out, err
}

// Save writes the prior to path.safetensors (weights, and all that Open needs) and path.json (the same for people).
func (d *Diffusion) Save(path string) error {
	if err := d.Err(); err != nil {
		return err
	}
	about, err := d.describe()
	if err != nil {
		return err
	}
	return write(path, about, tensorsOf("", d.Weights))
}

// Open reads a prior that Save wrote; path is without ending.
func Open(path string) (*Diffusion, error) {
	f, err := safetensors.ReadFile(strings.TrimSuffix(path, ".safetensors") + ".safetensors")
	if err != nil {
		return nil, err
	}
	return decode(f)
}

func decode(f *safetensors.File) (*Diffusion, error) {
	var about description
	if err := json.Unmarshal([]byte(f.Metadata["odslab"]), &about); err != nil {
		return nil, fmt.Errorf("the file has weights, but not the settings of an odslab prior")
	}
	d := &Diffusion{Dims: about.Shape, Log: Log{Steps: about.Steps, Seed: about.Seed, Engine: about.Engine, Seconds: about.Seconds, Notes: about.Notes, HeldOut: about.HeldOut,
		Loss: about.Loss, Settings: string(about.Training)}}
	var err error
	if d.Net, err = nn.Decode(about.Net); err != nil {
		return nil, err
	}
	if d.Process, err = diffusion.DecodeSchedule(about.Schedule); err != nil {
		return nil, err
	}
	if d.Predicts, err = diffusion.ParseParametrisation(about.Predicts); err != nil {
		return nil, err
	}
	// The architecture says which weights there must be, and in which order.
	like, err := nn.Initial(d.Net, d.Dims, 0)
	if err != nil {
		return nil, err
	}
	prefix := ""
	if _, training := f.Metadata["training"]; training {
		prefix = "average/"
	}
	d.Weights, err = paramsOf(f, prefix, like)
	return d, err
}

// write puts tensors and description into one file, which appears whole or not at all, and the description beside it.
func write(path string, about description, ts []safetensors.Tensor, metadata ...string) error {
	text, err := json.Marshal(about)
	if err != nil {
		return err
	}
	meta := map[string]string{"odslab": string(text)}
	for i := 0; i+1 < len(metadata); i += 2 {
		meta[metadata[i]] = metadata[i+1]
	}
	if dir := filepath.Dir(path); dir != "." {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := safetensors.WriteFile(path+".safetensors", &safetensors.File{Metadata: meta, Tensors: ts}); err != nil {
		return err
	}
	text, err = json.MarshalIndent(about, "", "\t")
	if err != nil {
		return err
	}
	tmp := path + ".json.tmp"
	if err := os.WriteFile(tmp, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path+".json")
}

func tensorsOf(prefix string, params odslib.Params) []safetensors.Tensor {
	out := make([]safetensors.Tensor, len(params))
	for i, p := range params {
		out[i] = safetensors.Float32(prefix+p.Name, p.Value.Shape, p.Value.Data)
	}
	return out
}

// paramsOf reads the parameters called for, in order.
func paramsOf(f *safetensors.File, prefix string, like odslib.Params) (odslib.Params, error) {
	out := make(odslib.Params, len(like))
	for i, p := range like {
		t, ok := f.Lookup(prefix + p.Name)
		if !ok {
			return nil, fmt.Errorf("the file lacks %q, which its network has", prefix+p.Name)
		}
		data, err := t.Float32s()
		if err != nil {
			return nil, err
		}
		if len(data) != len(p.Value.Data) {
			return nil, fmt.Errorf("%q has shape %v, its network wants %v", prefix+p.Name, t.Shape, p.Value.Shape)
		}
		out[i] = engine.Param{Name: p.Name, Value: odslib.Array{Shape: p.Value.Shape, Data: data}}
	}
	return out, nil
}

// fingerprint is what must be the same for training to go on.
type fingerprint struct {
	Net       json.RawMessage `json:"net"`
	Schedule  json.RawMessage `json:"schedule"`
	Predicts  string          `json:"predicts"`
	Weighting string          `json:"weighting"`
	Batch     int             `json:"batch"`
	Rate      nn.Rate         `json:"rate"`
	Adam      nn.Adam         `json:"adam"`
	Clip      float64         `json:"clip"`
	EMA       float64         `json:"ema"`
	Seed      uint64          `json:"seed"`
	Data      string          `json:"data"`
}

// fingerprint is the settings of the run as JSON.
func (r *run) fingerprint() (string, error) {
	f := fingerprint{Predicts: r.Predicts.String(), Weighting: r.Weighting.String(), Batch: r.Batch, Rate: r.Rate, Adam: r.Adam,
		Clip: r.Clip, EMA: r.EMA, Seed: r.seed, Data: fmt.Sprintf("%v, crc32 %08x", r.data.Shape, checksum(r.data.Data))}
	var err error
	if f.Net, err = nn.Encode(r.Net); err != nil {
		return "", err
	}
	if f.Schedule, err = diffusion.EncodeSchedule(r.Schedule); err != nil {
		return "", err
	}
	text, err := json.Marshal(f)
	return string(text), err
}

func checksum(v []float32) uint32 {
	if len(v) == 0 {
		return 0
	}
	return crc32.ChecksumIEEE(unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), 4*len(v)))
}

// stateNames are the prefixes under which the parts of the training state are kept, from stateWeights on.
var stateNames = [...]string{"weights/", "moment1/", "moment2/", "average/"}

// save writes the whole training state.
func (r *run) save() error {
	var ts []safetensors.Tensor
	for k, prefix := range stateNames {
		part, err := r.part(stateWeights + k)
		if err != nil {
			return err
		}
		ts = append(ts, tensorsOf(prefix, part)...)
	}
	rng, err := tensors.CopyFlatData[uint64](r.state[stateRNG])
	if err != nil {
		return err
	}
	bits := make([]int64, len(rng))
	for i, v := range rng {
		bits[i] = int64(v)
	}
	log := &r.prior.Log
	ts = append(ts, safetensors.Tensor{Name: "rng", DType: safetensors.I64, Shape: []int{len(bits)}, Data: bits},
		safetensors.Float32("loss", []int{len(log.Loss)}, log.Loss))
	r.prior.Log.Seconds = r.spent()
	about, err := r.prior.describe()
	if err != nil {
		return err
	}
	if err := write(r.Checkpoint, about, ts, "training", log.Settings); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// resume goes on from the checkpoint, if there is one.
func (r *run) resume() error {
	path := r.Checkpoint + ".safetensors"
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil
	}
	f, err := safetensors.ReadFile(path)
	if err != nil {
		return fmt.Errorf("checkpoint: %w; remove the file to begin anew", err)
	}
	var have, want fingerprint
	if err := json.Unmarshal([]byte(f.Metadata["training"]), &have); err != nil {
		return fmt.Errorf("checkpoint: %s is a finished prior, not a training state; choose another name", path)
	}
	if err := json.Unmarshal([]byte(r.prior.Log.Settings), &want); err != nil {
		return err
	}
	if diff := have.difference(want); diff != "" {
		return fmt.Errorf("checkpoint: %s was made with another %s; choose another name, or remove it to begin anew", path, diff)
	}
	kept, err := decode(f)
	if err != nil {
		return fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	state := r.state[:1:1]
	t, ok := f.Lookup("rng")
	bits, isInt := t.Data.([]int64)
	if !ok || !isInt || len(bits) != 3 {
		return fmt.Errorf("checkpoint: %s has no random state; remove it to begin anew", path)
	}
	state = append(state, tensors.FromFlatDataAndDimensions([]uint64{uint64(bits[0]), uint64(bits[1]), uint64(bits[2])}, 3))
	for _, prefix := range stateNames {
		part, err := paramsOf(f, prefix, r.prior.Weights)
		if err != nil {
			return fmt.Errorf("checkpoint: %s: %w", path, err)
		}
		state = append(state, nn.Join(part).Tensor())
	}
	engine.Free(r.state[1:]...)
	r.state = state
	log := &r.prior.Log
	log.Steps, log.Notes, r.before = kept.Log.Steps, kept.Log.Notes, kept.Log.Seconds
	if loss, ok := f.Lookup("loss"); ok {
		log.Loss, _ = loss.Data.([]float32)
	}
	if kept.Log.Engine != log.Engine {
		log.Notes = append(log.Notes, fmt.Sprintf("begun on %s, continued on %s after step %d", kept.Log.Engine, log.Engine, log.Steps))
	}
	return nil
}

// difference names the first setting that is not the same.
func (f fingerprint) difference(g fingerprint) string {
	same := func(a, b any) bool { x, _ := json.Marshal(a); y, _ := json.Marshal(b); return string(x) == string(y) }
	for _, c := range []struct {
		name string
		a, b any
	}{
		{"Net", f.Net, g.Net}, {"Schedule", f.Schedule, g.Schedule}, {"parametrisation", f.Predicts, g.Predicts}, {"Weighting", f.Weighting, g.Weighting},
		{"Batch", f.Batch, g.Batch}, {"Rate", f.Rate, g.Rate}, {"Adam", f.Adam, g.Adam}, {"Clip", f.Clip, g.Clip}, {"EMA", f.EMA, g.EMA},
		{"seed", f.Seed, g.Seed}, {"data set", f.Data, g.Data},
	} {
		if !same(c.a, c.b) {
			x, _ := json.Marshal(c.a)
			y, _ := json.Marshal(c.b)
			return fmt.Sprintf("%s (%s there, %s here)", c.name, x, y)
		}
	}
	return ""
}
