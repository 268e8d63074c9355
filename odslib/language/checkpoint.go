package language

import (
	"fmt"

	"odslab/odslib/checkpoint"
	"odslab/odslib/internal/fit"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

// description is the JSON beside the weights of a model: all of it but the numbers of the network.
type description struct {
	Tokenizer Tokenizer      `json:"tokenizer"`
	Length    int            `json:"length"`
	Net       nn.Transformer `json:"net"`
	checkpoint.Record
}

func (m *LM) describe() description {
	d := description{Tokenizer: m.Tokenizer, Length: m.Length, Net: m.Net, Record: m.Log.Record()}
	d.Loss = nil // the file has all of them
	return d
}

// Save writes the model to path.safetensors (weights, and all that Open needs, the tokenizer too) and path.json (the same for people).
func (m *LM) Save(path string) error {
	if err := m.Err(); err != nil {
		return err
	}
	return checkpoint.Write(path, m.describe(), append(checkpoint.Tensors("", m.Weights), safetensors.Float32("loss", []int{len(m.Log.Loss)}, m.Log.Loss)))
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
	m := &LM{Tokenizer: about.Tokenizer, Length: about.Length, Net: about.Net, Log: about.Log()}
	if loss, ok := f.Lookup("loss"); ok {
		m.Log.Loss, _ = loss.Data.([]float32)
	}
	like, err := m.initial(0)
	if err != nil {
		return nil, err
	}
	prefix := ""
	if checkpoint.IsState(f) {
		prefix = fit.Average
	}
	m.Weights, err = checkpoint.Params(f, prefix, like)
	return m, err
}
