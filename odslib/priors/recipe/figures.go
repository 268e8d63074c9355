package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/atomicfile"
	"odslab/odslib/measure"
	"odslab/odslib/priors"
)

// figures are the evidence of one prior. NaN, as JSON null, is what it has not.
type figures struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	Data    string   `json:"data"`
	Params  int      `json:"params"`
	Bits    *number  `json:"bpd"` // held out; of VAEs the bound of 64 draws
	BitsErr *number  `json:"bpd_se"`
	FD      *number  `json:"fd"`       // Fréchet distance of the classifier's features, in the plane energy distance; as many draws as real samples
	FDFloor *number  `json:"fd_floor"` // real samples against others, the mean of twelve pairs
	FDSE    *number  `json:"fd_floor_se"`
	Precise *number  `json:"precision"`
	Recall  *number  `json:"recall"`
	Class   *number  `json:"class_agreed,omitempty"` // share of draws of a class that the classifier takes for it
	Near    *number  `json:"nearest"`                // mean distance of a draw from the nearest training sample, over that of held-out samples: far below 1 is memorised
	Latents []number `json:"latent_nats,omitempty"`  // Kullback–Leibler terms of a VAE's layers, held out
	TrainS  float64  `json:"train_s"`
	Draws   float64  `json:"draws_per_s"`
	FileMB  float64  `json:"file_mb"`
	Steps   int      `json:"steps"`
	Seed    uint64   `json:"seed"`
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

// unlikely says of a prior that its likelihood is none of quantised data: it was trained without noise in their steps.
func unlikely(prior odslib.Prior) bool {
	log, err := logOf(prior)
	return err != nil || !strings.Contains(log.Settings, `"bin":`)
}

// drawn is how many samples the measures take, compared how many of the training data at most.
const (
	drawn    = 1000
	compared = 10000
)

func (r recipe) measure(ctx context.Context, prior odslib.Prior, train, held odslib.Array) (f figures, err error) {
	log, err := logOf(prior)
	if err != nil {
		return f, err
	}
	f = figures{
		Name: r.name, Kind: r.kind, Data: r.data.name, TrainS: math.Round(log.Seconds), Params: odslib.ParamsOf(prior).Size(),
		Steps: log.Steps, Seed: log.Seed,
	}
	if l, ok := prior.(priors.Likelihood); ok && r.data.bin > 0 && !unlikely(prior) {
		bits, se, err := priors.Bits(ctx, l, held, r.data.bin, r.seed)
		if err != nil {
			return f, err
		}
		a, b := number(bits), number(se)
		f.Bits, f.BitsErr = &a, &b
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
	if v, ok := prior.(*priors.VAE); ok {
		nats, err := v.Divergences(ctx, held, r.seed)
		if err != nil {
			return f, err
		}
		for _, n := range nats {
			f.Latents = append(f.Latents, number(n))
		}
	}
	x, err := r.draw(ctx, prior, &f)
	if err != nil {
		return f, err
	}
	if err := r.compare(ctx, &f, x, train, held); err != nil {
		return f, err
	}
	return f, picture(r, x, train)
}

// draw draws what is judged; of a prior with classes as many of each, whose share that the classifier agrees with is a figure.
func (r recipe) draw(ctx context.Context, prior odslib.Prior, f *figures) (x odslib.Array, err error) {
	flow, ok := prior.(*priors.Flow)
	c := 0
	if ok {
		if of, ok := flow.Of.(odslib.Conditional); ok {
			c = of.Conditions()
		}
	}
	if c == 0 {
		return prior.Sample(ctx, drawn, r.seed)
	}
	var labels []uint8
	for k := range c {
		one, err := flow.Class(k)
		if err != nil {
			return x, err
		}
		a, err := one.Sample(ctx, drawn/c, r.seed+uint64(k))
		if err != nil {
			return x, err
		}
		x = x.Append(a)
		for range a.Len() {
			labels = append(labels, uint8(k))
		}
	}
	if by := priors.LoadClassifier(r.data.classifier); by.Err() == nil {
		share, err := by.Accuracy(ctx, priors.Labelled{X: x, Labels: labels})
		if err != nil {
			return x, err
		}
		n := number(share)
		f.Class = &n
	}
	order := rand.New(rand.NewPCG(r.seed, 2)).Perm(x.Len())
	return x.Take(order), nil
}

// compare sets draws beside real samples, in the features of the data's classifier.
func (r recipe) compare(ctx context.Context, f *figures, x, train, held odslib.Array) error {
	to := func(v float64) *number { n := number(v); return &n }
	f.Near = to(distance(x, train) / distance(held, train))
	drawn, all, of := x, train.Slice(0, min(train.Len(), compared)).Clone().Append(held), measure.Energy{}.Distance
	if r.data.classifier != "" {
		c := priors.LoadClassifier(r.data.classifier)
		err := c.Err()
		if err != nil {
			fmt.Printf("not compared: %v\n", err) // it is trained first, and becomes part of the next build
			return nil
		}
		if drawn, err = c.FeaturesOf(ctx, drawn); err != nil {
			return err
		}
		if all, err = c.FeaturesOf(ctx, all); err != nil {
			return err
		}
		of = measure.Frechet
	}
	half := min(all.Len()/2, drawn.Len())
	some := func(seed uint64) (a, b odslib.Array) {
		order := rand.New(rand.NewPCG(seed, r.seed)).Perm(all.Len())
		return all.Take(order[:half]), all.Take(order[half : 2*half])
	}
	floors := make([]float64, 12)
	for k := range floors {
		a, b := some(uint64(k))
		var err error
		if floors[k], err = of(a, b); err != nil {
			return err
		}
	}
	mean, sd := stat.MeanStdDev(floors, nil)
	real, _ := some(0)
	fd, err := of(real, drawn.Slice(0, half))
	if err != nil {
		return err
	}
	precision, recall, err := measure.PrecisionRecall(real, drawn.Slice(0, half), 3)
	f.FD, f.FDFloor, f.FDSE, f.Precise, f.Recall = to(fd), to(mean), to(sd/math.Sqrt(12)), to(precision), to(recall)
	return err
}

// distance is the mean distance from the nearest sample of data.
func distance(x, data odslib.Array) (mean float64) {
	n := min(x.Len(), 200)
	for i := range n {
		sum := 0.
		for j, v := range data.Row(nearest(x.Row(i), data)) {
			sum += math.Pow(float64(v-x.Row(i)[j]), 2)
		}
		mean += math.Sqrt(sum) / float64(n)
	}
	return mean
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
	case *priors.LatentDiffusion:
		return p.Of.Log, nil
	case interface{ Err() error }:
		return priors.Log{}, p.Err()
	}
	return priors.Log{}, fmt.Errorf("%T has no log", prior)
}
