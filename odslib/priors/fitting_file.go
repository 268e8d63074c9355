package priors

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

// record is what the JSON beside the weights says of the training.
type record struct {
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

func (l Log) record() record {
	out := record{
		Steps: l.Steps, Seed: l.Seed, Engine: l.Engine, Seconds: math.Round(l.Seconds*10) / 10, Notes: l.Notes, HeldOut: l.HeldOut,
	}
	for _, v := range l.Loss[:min(keptLosses, len(l.Loss))] {
		if v-v != 0 {
			break
		}
		out.Loss = append(out.Loss, v)
	}
	if l.Settings != "" {
		out.Training = json.RawMessage(l.Settings)
	}
	return out
}

func (r record) log() Log {
	return Log{
		Steps: r.Steps, Seed: r.Seed, Engine: r.Engine, Seconds: r.Seconds, Notes: r.Notes, HeldOut: r.HeldOut, Loss: r.Loss,
		Settings: string(r.Training),
	}
}

// weightsOf reads the weights that like calls for, below a prefix, of a finished prior or of a training state.
func weightsOf(f *safetensors.File, under string, like odslib.Params) (odslib.Params, error) {
	if checkpoint.IsState(f) {
		under = "average/" + under
	}
	return checkpoint.Params(f, under, like)
}

// stateNames are the prefixes under which the parts of the training state are kept, from stateWeights on.
var stateNames = [...]string{"weights/", "moment1/", "moment2/", "average/"}

// save writes the whole training state.
func (r *fitting) save() error {
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
	log := r.log
	ts = append(ts, checkpoint.Int64("rng", bits), safetensors.Float32("loss", []int{len(log.Loss)}, log.Loss))
	log.Seconds = r.spent()
	about, err := r.about()
	if err != nil {
		return err
	}
	return checkpoint.Save(r.Checkpoint, about, log.Settings, ts)
}

// resume goes on from the checkpoint, if there is one.
func (r *fitting) resume() error {
	path := r.Checkpoint + ".safetensors"
	f, err := checkpoint.Resume(r.Checkpoint, r.log.Settings)
	if f == nil {
		return err
	}
	var kept record
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
		part, err := checkpoint.Params(f, prefix, r.weights)
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
