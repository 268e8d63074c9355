package balance

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

// saveEvery is the time between two checkpoints.
const saveEvery = time.Minute

// description is the JSON beside a training state.
type description struct {
	about
	Horizon  int             `json:"horizon"`
	Engine   string          `json:"engine"`
	Training json.RawMessage `json:"training"`
}

// training is what must be the same for training to go on. The names are those of the first edition.
type training struct {
	Method    string          `json:"method"`
	Net       json.RawMessage `json:"net"`
	Schedule  json.RawMessage `json:"schedule"`
	Kernel    string          `json:"kernel"`
	Grid      []float64       `json:"grid"`
	Paths     int             `json:"batch"`
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
	Given     string          `json:"given,omitempty"`
	Drift     *Drift          `json:"drift,omitempty"`
	Guide     json.RawMessage `json:"guide,omitempty"`
	Local     int             `json:"local,omitempty"`
	Objective string          `json:"objective,omitempty"`
}

func (t *Trainer) training() (string, error) {
	f := training{
		Method: t.name, Kernel: fmt.Sprintf("%T%+v", t.Chain.Kernel, t.Chain.Kernel), Grid: t.process.Times(),
		Paths: t.Paths, LR: t.LR, LogZRate: t.LogZRate, Clip: t.Clip, GradSteps: t.GradSteps, EMA: t.EMA, Horizon: t.Horizon,
		Anneal: t.Anneal, VarGrad: t.VarGrad, Robust: t.Robust, Explore: t.Explore, Replay: t.Replay, Pool: t.Pool, Buffer: t.Buffer, Ranked: t.Ranked,
		Seed: t.seed, Posterior: t.print.Posterior, Local: t.Local,
	}
	if t.post.Given != nil {
		f.Given = engine.CheckSum(t.conditions)
	}
	var err error
	if t.Guide != nil || t.Variances { // older runs had neither
		f.Drift = &t.Drift
	}
	switch o := t.Objective.(type) {
	case Pull:
		f.Objective = o.Name
	case Adjoint:
		f.Objective = "adjoint"
	}
	if f.Guide, err = encodeGuide(t.Guide); err != nil {
		return "", err
	}
	if f.Net, err = nn.Encode(t.Net); err != nil {
		return "", err
	}
	if t.Chain.Schedule != nil {
		if f.Schedule, err = diffusion.EncodeSchedule(t.Chain.Schedule); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(f)
	return string(text), err
}

// parts are the tensors of the state, under the prefixes that they are kept by.
func (t *Trainer) parts() map[string][]*tensors.Tensor {
	k := len(t.phi)
	return map[string][]*tensors.Tensor{"weights/": t.phi, "moment1/": t.moments[:k], "moment2/": t.moments[k:], "average/": t.average}
}

// save writes the whole state. Random numbers need none: each iteration has a seed of its own. The pool of the prior's
// samples is drawn again.
func (t *Trainer) save() error {
	p, err := t.snapshot()
	if err != nil {
		return err
	}
	settings, err := t.training()
	if err != nil {
		return err
	}
	a, ts, err := p.describe()
	if err != nil {
		return err
	}
	for prefix, part := range t.parts() {
		params, err := t.weights.WithTensors(part)
		if err != nil {
			return err
		}
		ts = append(ts, checkpoint.Tensors(prefix, params)...)
	}
	kept := t.buffer.kept
	cond := make([]int64, len(kept.Cond))
	for i, c := range kept.Cond {
		cond[i] = int64(c)
	}
	ts = append(ts, checkpoint.Float64("log_z", []float64{t.logZ.value, t.logZ.m, t.logZ.v, t.first, float64(t.lost)}),
		safetensors.Float32("buffer/x", kept.X.Shape, kept.X.Data), checkpoint.Float64("buffer/log_r", kept.LogR),
		checkpoint.Int64("buffer/next", []int64{int64(t.buffer.next)}), checkpoint.Int64("buffer/condition", cond))
	return checkpoint.Save(t.Checkpoint, description{about: a, Horizon: t.horizon, Engine: t.engine.Name, Training: json.RawMessage(settings)}, settings, ts)
}

// resume goes on from the checkpoint, if there is one.
func (t *Trainer) resume(ctx context.Context) error {
	settings, err := t.training()
	if err != nil {
		return err
	}
	f, err := checkpoint.Resume(t.Checkpoint, settings)
	if f == nil {
		return err
	}
	if err := t.read(ctx, f); err != nil {
		return fmt.Errorf("checkpoint: %s.safetensors: %w; remove it to begin anew", t.Checkpoint, err)
	}
	return nil
}

func (t *Trainer) read(ctx context.Context, f *safetensors.File) error {
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
	trace, err := readTrace(f, about.Iterations)
	if err != nil {
		return err
	}
	z, err := checkpoint.Values[float64](f, "log_z")
	if err != nil || len(z) < 3 {
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
	kept := &t.buffer.kept
	if err != nil || len(next) != 1 || len(logr) > t.Buffer || len(x) != len(logr)*kept.X.Dim() || next[0] < 0 || int(next[0]) > len(logr) {
		return fmt.Errorf("its buffer does not fit")
	}
	kept.Cond = make([]int, len(logr))
	if cond, err := checkpoint.Values[int64](f, "buffer/condition"); err == nil && len(cond) == len(logr) {
		for i, c := range cond {
			kept.Cond[i] = int(c)
		}
	}
	if _, ok := f.Lookup("standard/mean"); !ok && t.process.gaussian() != nil {
		if err := t.firstEdition(ctx); err != nil {
			return err
		}
	}
	t.free()
	t.phi, t.average = parts["weights/"], parts["average/"]
	t.moments = append(parts["moment1/"], parts["moment2/"]...)
	t.logZ, t.trace, t.seconds, t.horizon, t.notes = logZ{z[0], z[1], z[2]}, trace, about.Seconds, about.Horizon, about.Notes
	kept.X.Data, kept.X.Shape[0], kept.LogR, t.buffer.next = x, len(logr), logr, int(next[0])
	if t.first = math.MaxFloat64; len(z) > 4 { // the first edition did not keep it
		t.first, t.lost = z[3], int(z[4])
	}
	t.health = health{}
	for _, it := range trace {
		t.beta = it.Beta
		t.health.track(it, t.kl())
	}
	if about.Engine != t.engine.Name {
		t.note("begun on %s, continued on %s after %d iterations", about.Engine, t.engine.Name, len(trace))
	}
	return nil
}

// firstEdition scales the network's inputs as the first edition did: by the root mean square of 256 samples.
func (t *Trainer) firstEdition(ctx context.Context) error {
	x, err := t.post.Prior.Sample(ctx, 256, engine.Split(t.seed, "balance.scale"))
	if err != nil {
		return err
	}
	sum := 0.
	for _, v := range x.Data {
		sum += float64(v) * float64(v)
	}
	mean, std := engine.NewArray(t.post.Shape()...), engine.NewArray(t.post.Shape()...)
	for i := range std.Data {
		std.Data[i] = float32(math.Max(math.Sqrt(sum/float64(len(x.Data))), 1e-3))
	}
	t.process.standard = odslib.Params{{Name: "mean", Value: mean}, {Name: "std", Value: std}}
	t.paths.close()
	t.paths, err = newPaths(t.process, t.weights, t.Settings, 0)
	return err
}
