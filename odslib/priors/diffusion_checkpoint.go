package priors

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib/checkpoint"
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
	Mean     []float64       `json:"mean,omitempty"`  // of the data, where it is not 0
	Scale    float64         `json:"scale,omitempty"` // of the data, where it is not 1
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
	out = description{
		Shape: d.Dims, Predicts: d.Predicts.String(), Steps: d.Log.Steps, Seed: d.Log.Seed, Engine: d.Log.Engine,
		Seconds: math.Round(d.Log.Seconds*10) / 10, Notes: d.Log.Notes, HeldOut: d.Log.HeldOut, Mean: d.Mean, Scale: d.Scale,
	}
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
	out.Schedule, err = diffusion.EncodeSchedule(d.Noising)
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
	return checkpoint.Write(path, about, checkpoint.Tensors("", d.Weights))
}

// Open reads a prior that Save wrote; path is without ending.
func Open(path string) (*Diffusion, error) {
	f, err := checkpoint.Read(path)
	if err != nil {
		return nil, err
	}
	return decode(f)
}

func decode(f *safetensors.File) (*Diffusion, error) {
	var about description
	if err := checkpoint.About(f, &about); err != nil {
		return nil, fmt.Errorf("the file has weights, but not the settings of an odslab prior")
	}
	d := &Diffusion{Dims: about.Shape, Mean: about.Mean, Scale: about.Scale, Log: Log{
		Steps: about.Steps, Seed: about.Seed, Engine: about.Engine, Seconds: about.Seconds, Notes: about.Notes, HeldOut: about.HeldOut,
		Loss: about.Loss, Settings: string(about.Training),
	}}
	var err error
	if d.Net, err = nn.Decode(about.Net); err != nil {
		return nil, err
	}
	if d.Noising, err = diffusion.DecodeSchedule(about.Schedule); err != nil {
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
	if checkpoint.IsState(f) {
		prefix = "average/"
	}
	d.Weights, err = checkpoint.Params(f, prefix, like)
	return d, err
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
	f := fingerprint{
		Predicts: r.Predicts.String(), Weighting: r.Weighting.String(), Batch: r.Batch, Rate: r.Rate, Adam: r.Adam,
		Clip: r.Clip, EMA: r.EMA, Seed: r.seed, Data: fmt.Sprintf("%v, %s", r.data.Shape, engine.CheckSum(r.data)),
	}
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
		ts = append(ts, checkpoint.Tensors(prefix, part)...)
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
	ts = append(ts, checkpoint.Int64("rng", bits), safetensors.Float32("loss", []int{len(log.Loss)}, log.Loss))
	r.prior.Log.Seconds = r.spent()
	about, err := r.prior.describe()
	if err != nil {
		return err
	}
	return checkpoint.Save(r.Checkpoint, about, log.Settings, ts)
}

// resume goes on from the checkpoint, if there is one.
func (r *run) resume() error {
	path := r.Checkpoint + ".safetensors"
	f, err := checkpoint.Resume(r.Checkpoint, r.prior.Log.Settings)
	if f == nil {
		return err
	}
	kept, err := decode(f)
	if err != nil {
		return fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	state := r.state[:1:1]
	bits, err := checkpoint.Values[int64](f, "rng")
	if err != nil || len(bits) != engine.RNGWords {
		return fmt.Errorf("checkpoint: %s has no random state; remove it to begin anew", path)
	}
	words := make([]uint64, engine.RNGWords)
	for i, b := range bits {
		words[i] = uint64(b)
	}
	state = append(state, tensors.FromFlatDataAndDimensions(words, engine.RNGWords))
	for _, prefix := range stateNames {
		part, err := checkpoint.Params(f, prefix, r.prior.Weights)
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
