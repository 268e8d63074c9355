package balance

import (
	"fmt"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/nn"
)

// Settings of a training run; the zero value works.
type Settings struct {
	Net   nn.Net // the policy's correction of the prior; nil means nn.MLP{}, or the prior's own (Starting)
	Paths int    // an iteration, 0 means 256
	Steps int    // of each path, where Chain does not say; 0 means 100
	Chain diffusion.Chain
	Drift

	// Objective is what paths are pulled by in place of balance: the rivals of package rtb. Nil means balance.
	Objective Objective

	LR        float64 // learning rate of the network, 0 means 2e-3; falls along a cosine over the horizon
	LogZRate  float64 // learning rate of log Z, 0 means .1
	Clip      float64 // limit of the gradient's global norm, 0 means 1
	GradSteps int     // random steps of each path that get a gradient, 0 means a sixth, at least 8
	EMA       float64 // decay of the averaged weights that the policy keeps, 0 means .99

	Horizon int     // iterations that annealing and falling rates are laid out for; 0 means the budget
	Anneal  float64 // share of the horizon over which r^β grows from β=0 to r itself, or more slowly (see package comment); 0 means .3, or none with a Guide; negative none
	VarGrad bool    // log Z replaced by the batch mean: the loss is the variance of δ
	Robust  float64 // |δ| beyond which the loss grows linearly (see package comment); 0 means 4, negative never; not with VarGrad

	Explore float64 // extra standard deviation over the path at the start, annealed to 0 over the first half of the horizon; 0 means none
	Replay  float64 // share of iterations on kept samples noised back, from a tenth of the horizon on; 0 means .5, negative none
	Pool    int     // samples of the prior that replay draws on in proportion to r^β, as far as enough of them count; 0 means 20 batches, negative none
	Buffer  int     // kept samples of the policy, which replay draws on else; 0 means 20 batches
	Ranked  bool    // replay good rewards more often
	Local   int     // iterations between two local searches from kept samples, which then replace those (see [Trainer.Search]); 0 means none

	// Devices is over how many of the engine's devices the paths are spread, which must divide them; 0 means one. The same seed
	// gives the same policy to rounding, whatever it is. It is one host; what the constraint and prior do as Go code stays on it.
	Devices int

	// Checkpoint is a file, named without ending, that is written at the end, on interruption and once a minute, and that
	// training goes on from. Empty means none.
	Checkpoint string
}

// usualSteps is the number of steps of a path.
const usualSteps = 100

func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// resolve fills in the defaults. What depends on the process comes later.
func (s Settings) resolve() (Settings, error) {
	if s.Net == nil {
		s.Net = nn.MLP{}
	}
	s.Chain = s.Chain.WithSteps(s.Steps, usualSteps)
	s.Paths, s.LR, s.LogZRate = or(s.Paths, 256), or(s.LR, 2e-3), or(s.LogZRate, .1)
	s.Clip, s.EMA, s.Replay = or(s.Clip, 1), or(s.EMA, .99), or(s.Replay, .5)
	if s.Guide != nil && s.Anneal == 0 {
		s.Anneal = -1
	}
	s.Anneal, s.Robust = or(s.Anneal, .3), or(s.Robust, 4)
	s.Pool, s.Buffer = or(s.Pool, 20*s.Paths), or(s.Buffer, 20*s.Paths)
	if s.Paths < 2 || s.LR < 0 || s.Explore < 0 || s.Horizon < 0 || s.GradSteps < 0 || s.Local < 0 {
		return s, fmt.Errorf("the field Paths must be at least 2, LR, Explore, Horizon, GradSteps and Local not negative; got %d, %g, %g, %d, %d, %d", s.Paths, s.LR, s.Explore, s.Horizon, s.GradSteps, s.Local)
	}
	return s, nil
}

// fit adapts the settings to the policy's process.
func (s Settings) fit(p *corrected, steps int) (Settings, error) {
	if q, ok := p.Process.(*diffusion.Process); ok {
		s.Chain = q.Chain
	}
	s.GradSteps = min(or(s.GradSteps, max(8, steps/6)), steps)
	if _, ok := p.Process.(odslib.Noising); !ok {
		s.Replay, s.Pool = -1, -1
	}
	if s.Explore > 0 && p.gaussian() == nil {
		return s, fmt.Errorf("the field Explore needs a process with Gaussian steps; got %T", p.Process)
	}
	return s, nil
}
