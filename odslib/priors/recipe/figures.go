package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"odslab/odslib"
	"odslab/odslib/atomicfile"
	"odslab/odslib/priors"
)

// figures are the evidence of one prior. NaN, as JSON null, is what it has not.
type figures struct {
	Name    string  `json:"name"`
	Kind    string  `json:"kind"`
	Data    string  `json:"data"`
	Params  int     `json:"params"`
	Bits    *number `json:"bpd"` // held out; of VAEs the bound of 64 draws
	BitsErr *number `json:"bpd_se"`
	TrainS  float64 `json:"train_s"`
	Draws   float64 `json:"draws_per_s"`
	FileMB  float64 `json:"file_mb"`
	Steps   int     `json:"steps"`
	Seed    uint64  `json:"seed"`
}

// number is written with four digits.
type number float64

func (n number) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%.4g", float64(n)), nil }

func (f figures) String() string {
	b, err := json.Marshal(f)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// write keeps the figures beside the weights.
func (f figures) write(dir string) error {
	if s, err := os.Stat(filepath.Join(dir, f.Name+".safetensors")); err == nil {
		f.FileMB = math.Round(float64(s.Size())/1e4) / 100
	}
	b, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, f.Name+".figures.json"), append(b, '\n'), 0o644)
}

// drawn is how many samples the measures take.
const drawn = 1000

func (r recipe) measure(ctx context.Context, prior odslib.Prior, train, held odslib.Array) (f figures, err error) {
	log, err := logOf(prior)
	if err != nil {
		return f, err
	}
	f = figures{
		Name: r.name, Kind: r.kind, Data: r.data.name, TrainS: math.Round(log.Seconds), Params: odslib.ParamsOf(prior).Size(),
		Steps: log.Steps, Seed: log.Seed,
	}
	if l, ok := prior.(priors.Likelihood); ok && r.data.bin > 0 {
		bits, se, err := priors.Bits(ctx, l, held, r.data.bin, r.seed)
		if err != nil {
			return f, err
		}
		a, b := number(bits), number(se)
		f.Bits, f.BitsErr = &a, &b
		own, _, err := priors.Bits(ctx, l, train.Slice(0, min(train.Len(), 2*held.Len())), r.data.bin, r.seed)
		if err != nil {
			return f, err
		}
		fmt.Printf("bits per dimension %.3f ± %.3f, on training data %.3f\n", bits, se, own)
	}
	if _, err := prior.Sample(ctx, 64, 1); err != nil { // compiles
		return f, err
	}
	best := math.Inf(1)
	for k := range 3 {
		began := time.Now()
		if _, err := prior.Sample(ctx, 64, uint64(2+k)); err != nil {
			return f, err
		}
		best = min(best, time.Since(began).Seconds())
	}
	f.Draws = math.Round(64 / best)
	x, err := prior.Sample(ctx, drawn, r.seed)
	if err != nil {
		return f, err
	}
	return f, picture(r, x, train)
}

// logOf is what training left behind.
func logOf(prior odslib.Prior) (priors.Log, error) {
	switch p := prior.(type) {
	case *priors.Diffusion:
		return p.Log, nil
	case *priors.VAE:
		return p.Log, nil
	case *priors.GAN:
		return p.Log, nil
	case *priors.RealNVP:
		return p.Log, nil
	case *priors.Flow:
		return logOf(p.Of)
	case interface{ Err() error }:
		return priors.Log{}, p.Err()
	}
	return priors.Log{}, fmt.Errorf("%T has no log", prior)
}
