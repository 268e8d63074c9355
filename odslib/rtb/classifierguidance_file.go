package rtb

import (
	"encoding/json"
	"fmt"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/diffusion"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

// classifiedAbout is the JSON of a classifier that guides: all of it but its numbers.
type classifiedAbout struct {
	Classified odslib.Fingerprint `json:"classified"`
	Net        json.RawMessage    `json:"net"`
	Seconds    float64            `json:"seconds"`
	Notes      []string           `json:"notes,omitempty"`
	diffusion.SavedChain
}

// Save writes the classifier to path.safetensors and path.json, as balance.Policy.Save does.
func (c *Classified) Save(path string) (err error) {
	a := classifiedAbout{Classified: c.Fit, Seconds: c.Seconds, Notes: c.Notes}
	a.Classified.LogR = nil // a tensor, for JSON has no NaN
	if a.Net, err = nn.Encode(c.Net); err != nil {
		return err
	}
	if a.SavedChain, err = diffusion.EncodeChain(c.Chain); err != nil {
		return err
	}
	ts := append(checkpoint.Tensors("scale/", c.Scale), checkpoint.Tensors("classifier/", c.Weights)...)
	return checkpoint.Write(path, a, append(ts, checkpoint.Float64("posterior/log_r", c.Fit.LogR), safetensors.Float32("trace/loss", []int{len(c.Losses)}, c.Losses)))
}

// OpenClassified reads a classifier that Save wrote; path is without ending.
func OpenClassified(path string) (*Classified, error) {
	f, err := checkpoint.Read(path)
	if err != nil {
		return nil, err
	}
	var a classifiedAbout
	if err := checkpoint.About(f, &a); err != nil || a.Classified.Posterior == "" {
		return nil, fmt.Errorf("%s: the file is not that of a classifier that guides", path)
	}
	c := &Classified{Fit: a.Classified, Seconds: a.Seconds, Notes: a.Notes}
	if c.Net, err = nn.Decode(a.Net); err == nil {
		c.Chain, err = a.SavedChain.Chain()
	}
	if err == nil {
		c.Scale, err = checkpoint.Under(f, "scale/")
	}
	if err == nil {
		c.Weights, err = checkpoint.Under(f, "classifier/")
	}
	if err == nil {
		c.Fit.LogR, err = checkpoint.Values[float64](f, "posterior/log_r")
	}
	if err == nil {
		c.Losses, err = checkpoint.Values[float32](f, "trace/loss")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}
