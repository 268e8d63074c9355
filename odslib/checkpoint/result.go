package checkpoint

import (
	"fmt"
	"math"

	"odslab/odslib"
	"odslab/odslib/safetensors"
)

// resultAbout is the JSON beside the numbers of a Result.
type resultAbout struct {
	Sampler      string   `json:"sampler"`
	Settings     string   `json:"settings"`
	Engine       string   `json:"engine,omitempty"`
	Names        []string `json:"names,omitempty"`
	Seed         uint64   `json:"seed"`
	NetworkEvals int64    `json:"network_evaluations"`
	ConstrEvals  int64    `json:"constraint_evaluations"`
	Products     int64    `json:"jacobian_products,omitempty"`
	NonFinite    int      `json:"non_finite,omitempty"`
	Rejected     int      `json:"rejected,omitempty"`
	Seconds      float64  `json:"seconds"`
	About        string   `json:"about,omitempty"`
	Figures      []string `json:"figures,omitempty"`
	Notes        []string `json:"notes,omitempty"`
	LogZAtLeast  bool     `json:"log_z_error_at_least,omitempty"`
	ShiftBy      string   `json:"shift_by,omitempty"`
	States       int      `json:"states,omitempty"`
	Steps        int      `json:"resampled,omitempty"` // that have ancestors
}

const (
	traceWidth  = 8
	islandWidth = 4
)

// SaveResult writes all of a Result to path.safetensors and path.json.
func SaveResult(r *odslib.Result, path string) error {
	ts := []safetensors.Tensor{array("samples", r.Samples), Float64("numbers", []float64{r.LogZ, r.LogZError, r.ESS, r.Shift, r.ShiftError})}
	if r.LogWeights != nil {
		ts = append(ts, Float64("log_weights", r.LogWeights))
	}
	if r.Particles != nil {
		ts = append(ts, array("particles/x", r.Particles.X), Float64("particles/log_weights", r.Particles.LogWeights))
	}
	if r.Noise != nil {
		ts = append(ts, array("noise", *r.Noise))
	}
	for i, s := range r.States {
		ts = append(ts, array(fmt.Sprintf("states/%d", i), s))
	}
	for i, parents := range r.Ancestors {
		v := make([]int64, len(parents))
		for j, p := range parents {
			v[j] = int64(p)
		}
		ts = append(ts, Int64(fmt.Sprintf("ancestors/%d", i), v))
	}
	if r.Islands != nil {
		var islands []float64
		for _, i := range r.Islands {
			islands = append(islands, float64(i.Draws), i.LogZ, i.LogZError, i.ESS)
		}
		ts = append(ts, Float64("islands", islands))
	}
	var trace []float64
	for _, s := range r.Trace {
		resampled := 0.
		if s.Resampled {
			resampled = 1
		}
		trace = append(trace, float64(s.Step), s.T, s.LogZ, s.ESS, s.Loss, resampled, s.Accepted, float64(s.NonFinite))
	}
	a := resultAbout{
		Sampler: r.Sampler, Settings: r.Settings, Engine: r.Engine, Names: r.Names, Seed: r.Seed, NetworkEvals: r.NetworkEvals, ConstrEvals: r.ConstraintEvals, Products: r.JacobianProducts,
		NonFinite: r.NonFinite, Rejected: r.Rejected, Seconds: r.Seconds, Figures: r.Figures, Notes: r.Notes, States: len(r.States), Steps: len(r.Ancestors),
		About: r.About, LogZAtLeast: r.LogZAtLeast, ShiftBy: r.ShiftBy,
	}
	if err := Write(path, a, append(ts, Float64("trace", trace))); err != nil {
		return fmt.Errorf("result: %w", err)
	}
	return nil
}

func array(name string, a odslib.Array) safetensors.Tensor {
	return safetensors.Float32(name, a.Shape, a.Data)
}

// OpenResult reads a Result that SaveResult wrote.
func OpenResult(path string) (*odslib.Result, error) {
	f, err := Read(path)
	if err != nil {
		return nil, err
	}
	var a resultAbout
	if err := About(f, &a); err != nil || a.Sampler == "" {
		return nil, fmt.Errorf("%s: the file is not that of a Result", path)
	}
	r := &odslib.Result{
		Sampler: a.Sampler, Settings: a.Settings, Engine: a.Engine, Names: a.Names, Seed: a.Seed, NetworkEvals: a.NetworkEvals, ConstraintEvals: a.ConstrEvals, JacobianProducts: a.Products,
		NonFinite: a.NonFinite, Rejected: a.Rejected, Seconds: a.Seconds, Figures: a.Figures, Notes: a.Notes,
		About: a.About, LogZAtLeast: a.LogZAtLeast, ShiftBy: a.ShiftBy, Shift: math.NaN(), ShiftError: math.NaN(),
	}
	var lacks error
	read := func(name string) (out odslib.Array) {
		t, _ := f.Lookup(name)
		data, err := Values[float32](f, name)
		if err != nil {
			lacks = err
			return out
		}
		return odslib.Array{Shape: t.Shape, Data: data}
	}
	list := func(name string) []float64 {
		v, err := Values[float64](f, name)
		if err != nil {
			lacks = err
		}
		return v
	}
	has := func(name string) bool { _, ok := f.Lookup(name); return ok }
	r.Samples = read("samples")
	if n := list("numbers"); len(n) >= 3 {
		r.LogZ, r.LogZError, r.ESS = n[0], n[1], n[2]
		if len(n) == 5 { // files of before have three
			r.Shift, r.ShiftError = n[3], n[4]
		}
	}
	if has("log_weights") {
		r.LogWeights = list("log_weights")
	}
	if has("particles/x") {
		r.Particles = &odslib.Cloud{X: read("particles/x"), LogWeights: list("particles/log_weights")}
	}
	if has("noise") {
		z := read("noise")
		r.Noise = &z
	}
	for i := 0; i < a.States && lacks == nil; i++ {
		r.States = append(r.States, read(fmt.Sprintf("states/%d", i)))
	}
	for i := 0; i < a.Steps && lacks == nil; i++ {
		v, err := Values[int64](f, fmt.Sprintf("ancestors/%d", i))
		if err != nil {
			lacks = err
		}
		parents := make([]int32, len(v))
		for j, p := range v {
			parents[j] = int32(p)
		}
		r.Ancestors = append(r.Ancestors, parents)
	}
	if has("islands") {
		for v := list("islands"); len(v) >= islandWidth; v = v[islandWidth:] {
			r.Islands = append(r.Islands, odslib.Island{Draws: int(v[0]), LogZ: v[1], LogZError: v[2], ESS: v[3]})
		}
	}
	for v := list("trace"); len(v) >= traceWidth; v = v[traceWidth:] {
		r.Trace = append(r.Trace, odslib.TraceStep{Step: int(v[0]), T: v[1], LogZ: v[2], ESS: v[3], Loss: v[4], Resampled: v[5] == 1, Accepted: v[6], NonFinite: int(v[7])})
	}
	if lacks != nil {
		return nil, fmt.Errorf("%s: %w", path, lacks)
	}
	return r, nil
}
