package balance

import (
	"encoding/json"
	"fmt"
	"math"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/diffusion"
	"odslab/odslib/internal/kinds"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
	"odslab/odslib/twist"
)

// about is the JSON beside the weights of a policy: all of it but the numbers of the network.
type about struct {
	Method     string          `json:"method"`
	Iterations int             `json:"iterations"`
	LogZ       *float64        `json:"log_z"`
	Loss       *float64        `json:"loss"` // mean of the last hundred
	Seconds    float64         `json:"seconds"`
	Notes      []string        `json:"notes,omitempty"`
	Paths      int             `json:"paths"`
	Net        json.RawMessage `json:"net"`
	Drift      Drift           `json:"drift"`
	Guide      json.RawMessage `json:"guide,omitempty"`
	Posterior  string          `json:"posterior"`
	Numbers    string          `json:"numbers"`
	Given      int             `json:"given,omitempty"`
	diffusion.SavedChain
}

// guides are the twists that a file can name.
var guides = kinds.New[twist.Twist]("balance", "guide", twist.Point{}, twist.Tempered{}, twist.Isotropic{}, twist.Covariance{}, twist.Quadratic{}, twist.MonteCarlo{}, twist.Kernel{}, twist.Default{})

func encodeGuide(g twist.Twist) (json.RawMessage, error) {
	if g == nil {
		return nil, nil
	}
	return guides.Encode(g)
}

// finite is v, or nil: JSON has no NaN.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// describe is the policy for a file, but for its weights.
func (p *Policy) describe() (a about, ts []safetensors.Tensor, err error) {
	last := p.Trace[max(0, len(p.Trace)-100):]
	loss := 0.
	for _, it := range last {
		loss += it.Loss / float64(len(last))
	}
	a = about{
		Method: p.Name, Iterations: len(p.Trace), LogZ: finite(p.LogZ), Loss: finite(loss), Seconds: math.Round(10*p.Seconds) / 10, Notes: p.Notes,
		Paths: p.Paths, Posterior: p.Posterior.Posterior, Numbers: p.Posterior.Params, Given: p.Posterior.Given, Drift: p.Drift,
	}
	if a.Guide, err = encodeGuide(p.Drift.Guide); err != nil {
		return a, nil, err
	}
	if a.Net, err = nn.Encode(p.Net); err != nil {
		return a, nil, err
	}
	if p.Chain.Schedule != nil { // a process of its own has no chain
		if a.SavedChain, err = diffusion.EncodeChain(p.Chain); err != nil {
			return a, nil, err
		}
	}
	ts = append(checkpoint.Tensors("standard/", p.Standard), checkpoint.Float64("posterior/log_r", p.Posterior.LogR))
	return a, append(ts, traceTensors(p.Trace)...), nil
}

// Save writes the policy to path.safetensors (weights, and all that Open needs) and path.json (the same for people).
func (p *Policy) Save(path string) error {
	a, ts, err := p.describe()
	if err != nil {
		return err
	}
	return checkpoint.Write(path, a, append(ts, checkpoint.Tensors("policy/", p.Weights)...))
}

// Open reads a policy that Save wrote, or that which a training state holds; path is without ending.
func Open(path string) (*Policy, error) {
	f, err := checkpoint.Read(path)
	if err != nil {
		return nil, err
	}
	p, err := decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

func decode(f *safetensors.File) (*Policy, error) {
	var a about
	if err := checkpoint.About(f, &a); err != nil || a.Method == "" {
		return nil, fmt.Errorf("the file is not that of a policy")
	}
	if a.Net == nil {
		return nil, fmt.Errorf("it is a training state of the first edition, which tells too little to sample; go on from it by Settings.Checkpoint")
	}
	p := &Policy{
		Name: a.Method, Iterations: a.Iterations, LogZ: math.NaN(), Seconds: a.Seconds, Notes: a.Notes, Paths: a.Paths,
		Posterior: odslib.Fingerprint{Posterior: a.Posterior, Params: a.Numbers, Given: a.Given}, Drift: a.Drift,
	}
	if a.LogZ != nil {
		p.LogZ = *a.LogZ
	}
	var err error
	if p.Net, err = nn.Decode(a.Net); err != nil {
		return nil, err
	}
	if a.Guide != nil {
		if p.Drift.Guide, err = guides.Decode(a.Guide); err != nil {
			return nil, err
		}
	}
	if p.Chain, err = a.SavedChain.Chain(); err != nil {
		return nil, err
	}
	prefix := "policy/"
	if checkpoint.IsState(f) {
		prefix = "average/"
	}
	if p.Weights, err = checkpoint.Under(f, prefix); err != nil {
		return nil, err
	}
	if p.Standard, err = checkpoint.Under(f, "standard/"); err != nil {
		return nil, err
	}
	if p.Posterior.LogR, err = checkpoint.Values[float64](f, "posterior/log_r"); err != nil {
		return nil, err
	}
	p.Trace, err = readTrace(f, a.Iterations)
	return p, err
}

// traceColumns are the fields of an Iteration; the first edition had those up to reward.
var traceColumns = []struct {
	name  string
	field func(*Iteration) *float64
}{
	{"trace/loss", func(it *Iteration) *float64 { return &it.Loss }},
	{"trace/log_z", func(it *Iteration) *float64 { return &it.LogZ }},
	{"trace/elbo", func(it *Iteration) *float64 { return &it.ELBO }},
	{"trace/beta", func(it *Iteration) *float64 { return &it.Beta }},
	{"trace/reward", func(it *Iteration) *float64 { return &it.Reward }},
	{"trace/ess", func(it *Iteration) *float64 { return &it.ESS }},
	{"trace/outside", func(it *Iteration) *float64 { return &it.Outside }},
}

func traceTensors(trace []Iteration) (out []safetensors.Tensor) {
	for _, c := range traceColumns {
		column := make([]float64, len(trace))
		for i := range trace {
			column[i] = *c.field(&trace[i])
		}
		out = append(out, checkpoint.Float64(c.name, column))
	}
	replay := make([]int64, len(trace))
	for i, it := range trace {
		if it.Replay {
			replay[i] = 1
		}
	}
	return append(out, checkpoint.Int64("trace/replay", replay))
}

func readTrace(f *safetensors.File, n int) ([]Iteration, error) {
	trace := make([]Iteration, n)
	for _, c := range traceColumns {
		if _, ok := f.Lookup(c.name); !ok && (c.name == "trace/ess" || c.name == "trace/outside") {
			for i := range trace {
				*c.field(&trace[i]) = math.NaN()
			}
			continue
		}
		column, err := checkpoint.Values[float64](f, c.name)
		if err != nil || len(column) != n {
			return nil, fmt.Errorf("%q is not a trace of %d iterations", c.name, n)
		}
		for i, v := range column {
			*c.field(&trace[i]) = v
		}
	}
	replay, err := checkpoint.Values[int64](f, "trace/replay")
	if err != nil || len(replay) != n {
		return nil, fmt.Errorf("%q is not a trace of %d iterations", "trace/replay", n)
	}
	for i, r := range replay {
		trace[i].Replay = r == 1
	}
	return trace, nil
}
