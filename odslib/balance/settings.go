package balance

import (
	"fmt"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// Settings of a training run; the zero value works.
type Settings struct {
	Net   nn.Net          // the policy's correction of the prior; nil means nn.MLP{}
	Chain diffusion.Chain // the paths; nil fields mean the prior's schedule, 100 steps, diffusion.Noisy
	Batch int             // paths an iteration, 0 means 256

	LR        float64 // learning rate of the network, 0 means 2e-3; falls along a cosine over the horizon
	LogZRate  float64 // learning rate of log Z, 0 means .1
	Clip      float64 // limit of the gradient's global norm, 0 means 1
	GradSteps int     // random steps of each path that get a gradient, 0 means a sixth, at least 8
	EMA       float64 // decay of the averaged weights that the policy keeps, 0 means .99

	Horizon int     // iterations that annealing and falling rates are laid out for; 0 means the budget
	Anneal  float64 // share of the horizon over which r^β grows from β=0 to r itself, 0 means .3, negative none
	VarGrad bool    // log Z replaced by the batch mean: the loss is the variance of δ
	Robust  float64 // |δ| beyond which the loss grows linearly (see package comment); 0 means 4, negative never; not with VarGrad

	Explore float64 // extra standard deviation over the path at the start, annealed to 0 over the first half of the horizon; 0 means none
	Replay  float64 // share of iterations on kept samples noised back, from a tenth of the horizon on; 0 means .5, negative none
	Pool    int     // samples of the prior that replay draws on in proportion to r^β, as far as enough of them count; 0 means 20 batches, negative none
	Buffer  int     // kept samples of the policy, which replay draws on else; 0 means 20 batches
	Ranked  bool    // replay good rewards more often

	// Checkpoint is a file, named without ending, that is written at the end, on interruption and once a minute, and that
	// training goes on from. Empty means none.
	Checkpoint string
	Driver     engine.Driver
}

func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

func (s Settings) resolve(post odslib.Posterior) (Settings, error) {
	prior, ok := post.Prior.(odslib.Diffusion)
	if !ok {
		return s, fmt.Errorf("needs a diffusion prior; got %T", post.Prior)
	}
	switch post.Constraint.(type) {
	case odslib.Constraint, odslib.HostConstraint:
	default:
		return s, fmt.Errorf("needs a constraint")
	}
	if s.Net == nil {
		s.Net = nn.MLP{}
	}
	if s.Chain.Schedule == nil {
		s.Chain.Schedule = prior.Schedule()
	}
	if s.Chain.Kernel == nil {
		s.Chain.Kernel = diffusion.Noisy{}
	}
	var err error
	if s.Chain, err = s.Chain.Resolve(); err != nil {
		return s, err
	}
	s.Batch, s.LR, s.LogZRate = or(s.Batch, 256), or(s.LR, 2e-3), or(s.LogZRate, .1)
	s.Clip, s.EMA, s.Replay = or(s.Clip, 1), or(s.EMA, .99), or(s.Replay, .5)
	s.GradSteps = min(or(s.GradSteps, max(8, s.Chain.Steps/6)), s.Chain.Steps)
	s.Anneal = or(s.Anneal, .3)
	s.Robust = or(s.Robust, 4)
	s.Pool = or(s.Pool, 20*s.Batch)
	s.Buffer = or(s.Buffer, 20*s.Batch)
	if s.Batch < 2 || s.LR < 0 || s.Explore < 0 || s.Horizon < 0 {
		return s, fmt.Errorf("Batch must be at least 2, LR, Explore and Horizon not negative; got %d, %g, %g, %d", s.Batch, s.LR, s.Explore, s.Horizon)
	}
	return s, nil
}
