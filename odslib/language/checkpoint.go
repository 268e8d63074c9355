package language

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib/checkpoint"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

// description is the JSON beside the weights of a model: all of it but the numbers of the network.
type description struct {
	Tokenizer Tokenizer       `json:"tokenizer"`
	Length    int             `json:"length"`
	Net       nn.Transformer  `json:"net"`
	Steps     int             `json:"steps"`
	Seed      uint64          `json:"seed"`
	Engine    string          `json:"engine"`
	Seconds   float64         `json:"seconds"`
	Notes     []string        `json:"notes,omitempty"`
	Training  json.RawMessage `json:"training,omitempty"` // settings of the training
}

func (m *LM) describe() description {
	d := description{
		Tokenizer: m.Tokenizer, Length: m.Length, Net: m.Net, Steps: m.Log.Steps, Seed: m.Log.Seed, Engine: m.Log.Engine,
		Seconds: math.Round(m.Log.Seconds*10) / 10, Notes: m.Log.Notes,
	}
	if m.Log.Settings != "" {
		d.Training = json.RawMessage(m.Log.Settings)
	}
	return d
}

// Save writes the model to path.safetensors (weights, and all that Open needs, the tokenizer too) and path.json (the same for people).
func (m *LM) Save(path string) error {
	if err := m.Err(); err != nil {
		return err
	}
	return checkpoint.Write(path, m.describe(), append(checkpoint.Tensors("", m.Weights), m.lossTensor()))
}

func (m *LM) lossTensor() safetensors.Tensor {
	return safetensors.Float32("loss", []int{len(m.Log.Loss)}, m.Log.Loss)
}

// Open reads a model that Save wrote, or that which a training state holds; path is without ending.
func Open(path string) (*LM, error) {
	f, err := checkpoint.Read(path)
	if err != nil {
		return nil, err
	}
	return decode(f)
}

// Decode reads a model from the bytes of a safetensors file.
func Decode(data []byte) (*LM, error) {
	f, err := safetensors.Decode(data)
	if err != nil {
		return nil, err
	}
	return decode(f)
}

func decode(f *safetensors.File) (*LM, error) {
	var about description
	if err := checkpoint.About(f, &about); err != nil || about.Length < 1 || about.Tokenizer.Len() == 0 {
		return nil, fmt.Errorf("the file has weights, but not the settings of an odslab language model")
	}
	m := &LM{Tokenizer: about.Tokenizer, Length: about.Length, Net: about.Net, Log: Log{
		Steps: about.Steps, Seed: about.Seed, Engine: about.Engine, Seconds: about.Seconds, Notes: about.Notes, Settings: string(about.Training),
	}}
	if loss, ok := f.Lookup("loss"); ok {
		m.Log.Loss, _ = loss.Data.([]float32)
	}
	like, err := m.initial(0)
	if err != nil {
		return nil, err
	}
	prefix := ""
	if checkpoint.IsState(f) {
		prefix = "average/"
	}
	m.Weights, err = checkpoint.Params(f, prefix, like)
	return m, err
}

// settings are what must be the same for training to go on, as JSON.
func (r *run) settings() (string, error) {
	text, err := json.Marshal(struct {
		Tokenizer string         `json:"tokenizer"`
		Net       nn.Transformer `json:"net"`
		Prompted  float64        `json:"prompted"`
		Batch     int            `json:"batch"`
		Rate      nn.Rate        `json:"rate"`
		Adam      nn.Adam        `json:"adam"`
		Clip      float64        `json:"clip"`
		EMA       float64        `json:"ema"`
		Seed      uint64         `json:"seed"`
		Data      string         `json:"data"`
	}{r.Tokenizer.CheckSum(), r.Net, r.Prompted, r.Batch, r.Rate, r.Adam, r.Clip, r.EMA, r.seed, fmt.Sprintf("%v, %s", r.data.Shape, engine.CheckSum(r.data))})
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
	r.lm.Log.Seconds = r.spent()
	return checkpoint.Save(r.Checkpoint, r.lm.describe(), r.lm.Log.Settings, append(ts, checkpoint.Int64("rng", bits), r.lm.lossTensor()))
}

// resume goes on from the checkpoint, if there is one.
func (r *run) resume() error {
	path := r.Checkpoint + ".safetensors"
	f, err := checkpoint.Resume(r.Checkpoint, r.lm.Log.Settings)
	if f == nil {
		return err
	}
	kept, err := decode(f)
	if err != nil {
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
	state := []*tensors.Tensor{r.state[stateLosses], tensors.FromFlatDataAndDimensions(words, engine.RNGWords)}
	for _, prefix := range stateNames {
		part, err := checkpoint.Params(f, prefix, r.lm.Weights)
		if err != nil {
			return fmt.Errorf("checkpoint: %s: %w", path, err)
		}
		state = append(state, nn.Join(part).Tensor())
	}
	engine.Free(r.state[1:]...)
	r.state = state
	log := &r.lm.Log
	log.Steps, log.Loss, log.Notes, r.before = kept.Log.Steps, kept.Log.Loss, kept.Log.Notes, kept.Log.Seconds
	if kept.Log.Engine != log.Engine {
		log.Notes = append(log.Notes, fmt.Sprintf("begun on %s, continued on %s after step %d", kept.Log.Engine, log.Engine, log.Steps))
	}
	return nil
}
