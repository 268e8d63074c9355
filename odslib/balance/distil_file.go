package balance

import (
	"encoding/json"
	"fmt"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/diffusion"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

// studentAbout is the JSON of a student: all of it but the numbers of the network.
type studentAbout struct {
	Student odslib.Fingerprint `json:"student"`
	Of      string             `json:"of"`
	Net     json.RawMessage    `json:"net"`
	Levels  []float64          `json:"levels"`
	Draw    int                `json:"evaluations_a_draw"`
	Notes   []string           `json:"notes,omitempty"`
	diffusion.SavedChain
}

// Save writes the student to path.safetensors and path.json, as Policy.Save does.
func (s *Student) Save(path string) (err error) {
	a := studentAbout{Student: s.Fit, Of: s.Of, Levels: s.Levels, Draw: s.Steps, Notes: s.Notes}
	a.Student.LogR = nil // a tensor, for JSON has no NaN
	if a.Net, err = nn.Encode(s.Net); err != nil {
		return err
	}
	if a.SavedChain, err = diffusion.EncodeChain(s.Chain); err != nil {
		return err
	}
	ts := append(checkpoint.Tensors("standard/", s.Standard), checkpoint.Tensors("student/", s.Weights)...)
	return checkpoint.Write(path, a, append(ts, checkpoint.Float64("posterior/log_r", s.Fit.LogR), safetensors.Float32("trace/loss", []int{len(s.Losses)}, s.Losses)))
}

// OpenStudent reads a student that Save wrote; path is without ending.
func OpenStudent(path string) (*Student, error) {
	f, err := checkpoint.Read(path)
	if err != nil {
		return nil, err
	}
	var a studentAbout
	if err := checkpoint.About(f, &a); err != nil || a.Levels == nil {
		return nil, fmt.Errorf("%s: the file is not that of a student", path)
	}
	s := &Student{Of: a.Of, Fit: a.Student, Levels: a.Levels, Steps: a.Draw, Notes: a.Notes}
	if s.Net, err = nn.Decode(a.Net); err == nil {
		s.Chain, err = a.SavedChain.Chain()
	}
	if err == nil {
		s.Standard, err = checkpoint.Under(f, "standard/")
	}
	if err == nil {
		s.Weights, err = checkpoint.Under(f, "student/")
	}
	if err == nil {
		s.Fit.LogR, err = checkpoint.Values[float64](f, "posterior/log_r")
	}
	if err == nil {
		s.Losses, err = checkpoint.Values[float32](f, "trace/loss")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}
