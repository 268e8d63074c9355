package priors

import (
	"context"
	"encoding/json"
	"fmt"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/engine"
	"odslab/odslib/safetensors"
)

var (
	_ odslib.Latent                                  = (*LatentDiffusion)(nil)
	_ odslib.Parametrised                            = (*LatentDiffusion)(nil)
	_ odslib.Trainer[odslib.Array, *LatentDiffusion] = LatentDiffusion{}
)

// LatentDiffusion is a diffusion prior over the noise of a VAE instead of N(0, I) (Vahdat et al. 2106.05931, Rombach et al.
// 2112.10752): it draws where the encoder puts the data, so samples have no holes of the VAE's own prior in them.
type LatentDiffusion struct {
	Outer    *VAE       // trained before
	Of       *Diffusion // what Train makes
	Training Training   // of the diffusion prior; its data are Draws noises for each sample
	Draws    int        // 0 means 4
}

// Train implements odslib.Trainer.
func (l LatentDiffusion) Train(ctx context.Context, data odslib.Array, budget odslib.Budget, seed uint64) (*LatentDiffusion, error) {
	if err := l.Outer.Err(); err != nil {
		return nil, fmt.Errorf("latent diffusion: the outer VAE: %w", err)
	}
	if l.Draws < 0 {
		return nil, fmt.Errorf("latent diffusion: Draws must be positive, got %d", l.Draws)
	}
	draws := l.Draws
	if draws == 0 {
		draws = 4
	}
	var u odslib.Array
	for k := range draws {
		a, err := l.Outer.Encode(ctx, data, engine.Split(seed, fmt.Sprintf("priors.LatentDiffusion.%d", k)))
		if err != nil {
			return nil, err
		}
		u = u.Append(a)
	}
	d, err := l.Training.Train(ctx, u, budget, seed)
	if d == nil {
		return nil, err
	}
	l.Of = d
	return &l, err
}

// Err says what is missing for the prior to be used.
func (l *LatentDiffusion) Err() error {
	if l == nil || l.Outer == nil || l.Of == nil {
		return fmt.Errorf("this latent diffusion prior is not trained; set Outer to a trained VAE and call its Train")
	}
	if err := l.Outer.Err(); err != nil {
		return err
	}
	return l.Of.Err()
}

// Shape implements odslib.Prior.
func (l *LatentDiffusion) Shape() []int {
	if l.Outer == nil {
		return nil
	}
	return l.Outer.Shape()
}

// Inner implements odslib.Latent.
func (l *LatentDiffusion) Inner() odslib.Prior { return l.Of }

// Params implements odslib.Parametrised: those of the decoder.
func (l *LatentDiffusion) Params() odslib.Params { return l.Outer.Params() }

// Decode implements odslib.Latent.
func (l *LatentDiffusion) Decode(scope *odslib.Scope, u *odslib.Node) *odslib.Node {
	return l.Outer.Generate(scope, u)
}

// Sample implements odslib.Prior.
func (l *LatentDiffusion) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := l.Err(); err != nil {
		return odslib.Array{}, err
	}
	return generate(ctx, l, n, seed)
}

// String says what the prior is, in a line.
func (l *LatentDiffusion) String() string {
	if l.Err() != nil {
		return "untrained latent diffusion prior"
	}
	return fmt.Sprintf("%v in the noise of a %v", l.Of, l.Outer)
}

// latentSettings are the outer part in a file, whose own fields describe the diffusion prior.
type latentSettings struct {
	VAE   json.RawMessage
	Shape []int
	Mean  []float64 `json:",omitempty"`
	Scale float64   `json:",omitempty"`
	Bin   float64   `json:",omitempty"`
}

// MarshalJSON writes what a file keeps of the outer VAE beside its weights.
func (l LatentDiffusion) MarshalJSON() ([]byte, error) {
	o := l.Outer
	if o == nil {
		return []byte("{}"), nil
	}
	vae, err := json.Marshal(*o)
	if err != nil {
		return nil, err
	}
	return json.Marshal(latentSettings{vae, o.Dims, o.Mean, o.Scale, o.Trained.Bin})
}

// UnmarshalJSON reads it.
func (l *LatentDiffusion) UnmarshalJSON(b []byte) error {
	var s latentSettings
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	l.Outer = &VAE{}
	err := json.Unmarshal(s.VAE, l.Outer)
	l.Outer.Trained = Trained{Dims: s.Shape, Mean: s.Mean, Scale: s.Scale, Bin: s.Bin}
	return err
}

// Save writes both priors to path.safetensors and path.json.
func (l *LatentDiffusion) Save(path string) error {
	if err := l.Err(); err != nil {
		return err
	}
	inner, err := l.Of.describe()
	if err != nil {
		return err
	}
	kind, err := families.Encode(*l)
	if err != nil {
		return err
	}
	return checkpoint.Write(path, struct {
		Prior json.RawMessage `json:"prior"`
		description
	}{kind, inner}, append(checkpoint.Tensors("outer/", l.Outer.Weights), checkpoint.Tensors("inner/", l.Of.Weights)...))
}

func (l LatentDiffusion) open(f *safetensors.File, _ Trained) (any, error) {
	if l.Outer == nil || len(l.Outer.Dims) == 0 {
		return nil, fmt.Errorf("the file does not describe the VAE of its latent diffusion prior")
	}
	like, err := initial(*l.Outer, l.Outer.Dims, 0)
	if err != nil {
		return nil, err
	}
	if l.Outer.Weights, err = weightsOf(f, "outer/", like); err != nil {
		return nil, err
	}
	l.Of, err = decodeDiffusion(f, "inner/")
	return &l, err
}
