package priors

import (
	"encoding/json"
	"fmt"

	"odslab/odslib/checkpoint"
	"odslab/odslib/diffusion"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

// description is the JSON beside the weights of a diffusion prior: all of it but the numbers of the network.
type description struct {
	Shape    []int           `json:"shape"`
	Net      json.RawMessage `json:"net"`
	Schedule json.RawMessage `json:"schedule"`
	Predicts string          `json:"predicts"`
	Mean     []float64       `json:"mean,omitempty"`  // of the data, where it is not 0
	Scale    float64         `json:"scale,omitempty"` // of the data, where it is not 1
	Given    int             `json:"given,omitempty"` // conditions
	checkpoint.Record
}

func (d *Diffusion) describe() (out description, err error) {
	out = description{Shape: d.Dims, Predicts: d.Predicts.String(), Mean: d.Mean, Scale: d.Scale, Given: d.Given, Record: d.Log.Record()}
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

// decodeDiffusion reads a diffusion prior whose weights have names that begin with under.
func decodeDiffusion(f *safetensors.File, under string) (*Diffusion, error) {
	var about description
	if err := checkpoint.About(f, &about); err != nil {
		return nil, fmt.Errorf("the file has weights, but not the settings of an odslab prior")
	}
	d := &Diffusion{Dims: about.Shape, Mean: about.Mean, Scale: about.Scale, Given: about.Given, Log: about.Log()}
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
	like, err := nn.InitialGiven(d.Net, d.Dims, d.Given, 0)
	if err != nil {
		return nil, err
	}
	d.Weights, err = weightsOf(f, under, like)
	return d, err
}
