package balance

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/diffusion"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

// saveEvery is the time between two checkpoints.
const saveEvery = time.Minute

// description is the JSON beside a checkpoint.
type description struct {
	Method     string          `json:"method"`
	Iterations int             `json:"iterations"`
	Horizon    int             `json:"horizon"`
	LogZ       float64         `json:"log_z"`
	Loss       float64         `json:"loss"` // mean of the last hundred
	Engine     string          `json:"engine"`
	Seconds    float64         `json:"seconds"`
	Notes      []string        `json:"notes,omitempty"`
	Training   json.RawMessage `json:"training"`
}

// fingerprint is what must be the same for training to go on.
type fingerprint struct {
	Method    string          `json:"method"`
	Net       json.RawMessage `json:"net"`
	Schedule  json.RawMessage `json:"schedule"`
	Kernel    string          `json:"kernel"`
	Grid      []float64       `json:"grid"`
	Batch     int             `json:"batch"`
	LR        float64         `json:"lr"`
	LogZRate  float64         `json:"log_z_rate"`
	Clip      float64         `json:"clip"`
	GradSteps int             `json:"grad_steps"`
	EMA       float64         `json:"ema"`
	Horizon   int             `json:"horizon"`
	Anneal    float64         `json:"anneal"`
	VarGrad   bool            `json:"var_grad"`
	Robust    float64         `json:"robust"`
	Explore   float64         `json:"explore"`
	Replay    float64         `json:"replay"`
	Pool      int             `json:"pool"`
	Buffer    int             `json:"buffer"`
	Ranked    bool            `json:"ranked"`
	Seed      uint64          `json:"seed"`
	Posterior string          `json:"posterior"`
}

func (t *trainer) fingerprint() (string, error) {
	post := t.paths.post
	var numbers []odslib.Array
	for _, p := range post.Params() {
		numbers = append(numbers, p.Value)
	}
	f := fingerprint{Method: t.name, Kernel: fmt.Sprintf("%T%+v", t.Chain.Kernel, t.Chain.Kernel), Grid: t.Chain.Grid,
		Batch: t.Batch, LR: t.LR, LogZRate: t.LogZRate, Clip: t.Clip, GradSteps: t.GradSteps, EMA: t.EMA, Horizon: t.Horizon,
		Anneal: t.Anneal, VarGrad: t.VarGrad, Robust: t.Robust, Explore: t.Explore, Replay: t.Replay, Pool: t.Pool, Buffer: t.Buffer, Ranked: t.Ranked,
		Seed: t.seed, Posterior: fmt.Sprintf("%T under %T, %s", post.Prior, post.Constraint, checkpoint.Sum(numbers...))}
	var err error
	if f.Net, err = nn.Encode(t.Net); err != nil {
		return "", err
	}
	if f.Schedule, err = diffusion.EncodeSchedule(t.Chain.Schedule); err != nil {
		return "", err
	}
	text, err := json.Marshal(f)
	return string(text), err
}

// parts are the tensors of the state, under the prefixes that they are kept by.
func (t *trainer) parts() map[string][]*tensors.Tensor {
	k := len(t.phi)
	return map[string][]*tensors.Tensor{"weights/": t.phi, "moment1/": t.moments[:k], "moment2/": t.moments[k:], "average/": t.average}
}

// traceColumns are the fields of an Iteration.
var traceColumns = []struct {
	name  string
	field func(*Iteration) *float64
}{
	{"trace/loss", func(it *Iteration) *float64 { return &it.Loss }},
	{"trace/log_z", func(it *Iteration) *float64 { return &it.LogZ }},
	{"trace/elbo", func(it *Iteration) *float64 { return &it.ELBO }},
	{"trace/beta", func(it *Iteration) *float64 { return &it.Beta }},
	{"trace/reward", func(it *Iteration) *float64 { return &it.Reward }},
}

// save writes the whole state. Random numbers need none: each iteration has a seed of its own. The pool of the prior's
// samples is drawn again.
func (t *trainer) save() error {
	var ts []safetensors.Tensor
	for prefix, part := range t.parts() {
		params, err := t.weights.WithTensors(part)
		if err != nil {
			return err
		}
		ts = append(ts, checkpoint.Tensors(prefix, params)...)
	}
	for _, c := range traceColumns {
		column := make([]float64, len(t.trace))
		for i := range t.trace {
			column[i] = *c.field(&t.trace[i])
		}
		ts = append(ts, checkpoint.Float64(c.name, column))
	}
	replay := make([]int64, len(t.trace))
	for i, it := range t.trace {
		if it.Replay {
			replay[i] = 1
		}
	}
	ts = append(ts, checkpoint.Int64("trace/replay", replay), checkpoint.Float64("log_z", []float64{t.logZ.value, t.logZ.m, t.logZ.v}),
		safetensors.Float32("buffer/x", t.buffer.x.Shape, t.buffer.x.Data), checkpoint.Float64("buffer/log_r", t.buffer.logr),
		checkpoint.Int64("buffer/next", []int64{int64(t.buffer.next)}))
	settings, err := t.fingerprint()
	if err != nil {
		return err
	}
	about := description{Method: t.name, Iterations: len(t.trace), Horizon: t.horizon, LogZ: t.logZ.value, Engine: t.engine.Name,
		Seconds: math.Round(10*t.seconds) / 10, Notes: t.notes, Training: json.RawMessage(settings)}
	last := t.trace[max(0, len(t.trace)-100):]
	for _, it := range last {
		about.Loss += it.Loss / float64(len(last))
	}
	return checkpoint.Save(t.Checkpoint, about, settings, ts)
}

// resume goes on from the checkpoint, if there is one.
func (t *trainer) resume() error {
	settings, err := t.fingerprint()
	if err != nil {
		return err
	}
	f, err := checkpoint.Resume(t.Checkpoint, settings)
	if f == nil {
		return err
	}
	if err := t.read(f); err != nil {
		return fmt.Errorf("checkpoint: %s.safetensors: %w; remove it to begin anew", t.Checkpoint, err)
	}
	return nil
}

func (t *trainer) read(f *safetensors.File) error {
	var about description
	if err := checkpoint.About(f, &about); err != nil {
		return err
	}
	parts := map[string][]*tensors.Tensor{}
	for prefix := range t.parts() {
		params, err := checkpoint.Params(f, prefix, t.weights)
		if err != nil {
			return err
		}
		parts[prefix] = params.Tensors()
	}
	trace := make([]Iteration, about.Iterations)
	for _, c := range traceColumns {
		column, err := checkpoint.Values[float64](f, c.name)
		if err != nil || len(column) != len(trace) {
			return fmt.Errorf("%q is not a trace of %d iterations", c.name, len(trace))
		}
		for i, v := range column {
			*c.field(&trace[i]) = v
		}
	}
	replay, err := checkpoint.Values[int64](f, "trace/replay")
	if err != nil || len(replay) != len(trace) {
		return fmt.Errorf("%q is not a trace of %d iterations", "trace/replay", len(trace))
	}
	for i, r := range replay {
		trace[i].Replay = r == 1
	}
	z, err := checkpoint.Values[float64](f, "log_z")
	if err != nil || len(z) != 3 {
		return fmt.Errorf("it has no log Z")
	}
	x, err := checkpoint.Values[float32](f, "buffer/x")
	if err != nil {
		return err
	}
	logr, err := checkpoint.Values[float64](f, "buffer/log_r")
	if err != nil {
		return err
	}
	next, err := checkpoint.Values[int64](f, "buffer/next")
	if err != nil || len(next) != 1 || len(logr) > t.Buffer || len(x) != len(logr)*t.buffer.x.Dim() || next[0] < 0 || int(next[0]) > len(logr) {
		return fmt.Errorf("its buffer does not fit")
	}
	t.free()
	t.phi, t.average = parts["weights/"], parts["average/"]
	t.moments = append(parts["moment1/"], parts["moment2/"]...)
	t.logZ, t.trace, t.seconds, t.horizon, t.notes = logZ{z[0], z[1], z[2]}, trace, about.Seconds, about.Horizon, about.Notes
	t.buffer.x.Data, t.buffer.x.Shape[0], t.buffer.logr, t.buffer.next = x, len(logr), logr, int(next[0])
	if about.Engine != t.engine.Name {
		t.notes = append(t.notes, fmt.Sprintf("begun on %s, continued on %s after %d iterations", about.Engine, t.engine.Name, len(trace)))
	}
	return nil
}
