package fit

import (
	"encoding/json"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib/checkpoint"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

// fingerprint is the settings of the run as JSON: those of the problem, then the loop's.
func (r *run) fingerprint() (string, error) {
	own, err := json.Marshal(r.Same)
	if err != nil {
		return "", err
	}
	data := fmt.Sprintf("%v, ", r.Data[0].Value.Shape)
	for i, p := range r.Data {
		if i > 0 {
			data += ", " + p.Name + " "
		}
		data += engine.CheckSum(p.Value)
	}
	others, err := json.Marshal(struct {
		Batch int     `json:"batch"`
		Rate  nn.Rate `json:"rate"`
		Adam  nn.Adam `json:"adam"`
		Clip  float64 `json:"clip"`
		EMA   float64 `json:"ema"`
		Bin   float64 `json:"bin,omitempty"`
		Seed  uint64  `json:"seed"`
		Data  string  `json:"data"`
	}{r.Batch, r.Rate, r.Adam, r.Clip, r.EMA, r.Bin, r.seed, data})
	return string(own[:len(own)-1]) + "," + string(others[1:]), err
}

// stateNames are the prefixes under which the parts of the state are kept, from stateWeights on.
var stateNames = [...]string{"weights/", "moment1/", "moment2/", Average}

// Average is the prefix of the averaged weights in a checkpoint, which are the result's.
const Average = "average/"

// save writes the whole state.
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
	ts = append(ts, checkpoint.Int64("rng", bits), safetensors.Float32("loss", []int{len(r.log.Loss)}, r.log.Loss))
	r.log.Seconds = r.spent()
	about, err := r.About()
	if err != nil {
		return err
	}
	return checkpoint.Save(r.Checkpoint, about, r.log.Settings, ts)
}

// resume goes on from the checkpoint, if there is one.
func (r *run) resume() error {
	path := r.Checkpoint + ".safetensors"
	f, err := checkpoint.Resume(r.Checkpoint, r.log.Settings)
	if f == nil {
		return err
	}
	var kept checkpoint.Record
	if err := checkpoint.About(f, &kept); err != nil {
		return fmt.Errorf("checkpoint: %s: %w", path, err)
	}
	bits, err := checkpoint.Values[int64](f, "rng")
	if err != nil || len(bits) != engine.RNGWords {
		return fmt.Errorf("checkpoint: %s has no random state; remove it to begin anew", path)
	}
	words := make([]uint64, engine.RNGWords)
	for i, b := range bits {
		words[i] = uint64(b)
	}
	state := append(r.state[:1:1], tensors.FromFlatDataAndDimensions(words, engine.RNGWords))
	for _, prefix := range stateNames {
		part, err := checkpoint.Params(f, prefix, r.Weights)
		if err != nil {
			return fmt.Errorf("checkpoint: %s: %w", path, err)
		}
		state = append(state, nn.Join(part).Tensor())
	}
	engine.Free(r.state[1:]...)
	r.state = state
	log := r.log
	log.Steps, log.Notes, r.before = kept.Steps, kept.Notes, kept.Seconds
	if loss, ok := f.Lookup("loss"); ok {
		log.Loss, _ = loss.Data.([]float32)
	}
	if kept.Engine != log.Engine {
		log.Notes = append(log.Notes, fmt.Sprintf("begun on %s, continued on %s after step %d", kept.Engine, log.Engine, log.Steps))
	}
	return nil
}
