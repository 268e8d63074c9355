package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"odslab/odslib"
	"odslab/odslib/atomicfile"
	"odslab/odslib/datasets"
	"odslab/odslib/nn"
	"odslab/odslib/priors"
)

// classifier is how a classifier is made: of the training data a tenth is kept from training for its temperature.
type classifier struct {
	name  string
	of    priors.Classifier
	steps int
	seed  uint64
	load  func(seed uint64) (train, held datasets.Images, err error)
}

var classifiers = []classifier{
	{
		name: "digits", steps: 1500, seed: 1,
		of: priors.Classifier{Net: nn.Tower{Channels: 12, Hidden: 96, Layers: 1}, Fit: priors.Fit{Batch: 96, Rate: nn.Rate{Peak: 3e-3, Decay: 1500}, Adam: nn.Adam{WeightDecay: .05}}},
		load: func(seed uint64) (train, held datasets.Images, err error) {
			return datasets.Digits().Split(heldOut, seed)
		},
	},
	{
		// Trained on all 60,000, which "go run ./kernel setup -data" fetches.
		name: "fashion", steps: 5000, seed: 1,
		of:   priors.Classifier{Net: nn.Tower{Channels: 8, Hidden: 96, Layers: 1}, Fit: priors.Fit{Batch: 64, Rate: nn.Rate{Peak: 3e-3, Decay: 5000}, Adam: nn.Adam{WeightDecay: .02}, Chunk: 25}},
		load: func(uint64) (train, held datasets.Images, err error) { return datasets.FashionFull("") },
	},
}

// classifierFigures are the evidence of a classifier.
type classifierFigures struct {
	Name        string     `json:"name"`
	Accuracy    number     `json:"accuracy"`    // held out
	Calibration number     `json:"calibration"` // expected calibration error, held out
	HeldOut     int        `json:"held_out"`
	Temperature [2]float64 `json:"temperature"`
	TrainS      float64    `json:"train_s"`
	Params      int        `json:"params"`
}

// split are training, calibration and held-out data.
func (c classifier) split() (train, calibrate, held datasets.Images, err error) {
	train, held, err = c.load(c.seed)
	if err == nil {
		train, calibrate, err = train.Split(heldOut, c.seed)
	}
	return train, calibrate, held, err
}

func (c classifier) train(ctx context.Context, steps int) (*priors.Classifier, error) {
	train, calibrate, _, err := c.split()
	if err != nil {
		return nil, err
	}
	out, err := c.of.Train(ctx, priors.Labelled(train), odslib.Budget{Steps: steps}, c.seed)
	if err != nil {
		return nil, err
	}
	return out.Calibrate(ctx, priors.Labelled(calibrate), c.seed)
}

func (c classifier) measure(ctx context.Context, of *priors.Classifier) (f classifierFigures, err error) {
	_, _, held, err := c.split()
	if err != nil {
		return f, err
	}
	f = classifierFigures{Name: c.name, HeldOut: held.Len(), Temperature: of.Temperature, TrainS: of.Log.Seconds, Params: of.Weights.Size()}
	accuracy, err := of.Accuracy(ctx, priors.Labelled(held))
	if err != nil {
		return f, err
	}
	off, err := of.CalibrationError(ctx, priors.Labelled(held))
	f.Accuracy, f.Calibration = number(accuracy), number(off)
	return f, err
}

// run trains, measures and keeps.
func (c classifier) run(ctx context.Context, steps int, dir string) error {
	if steps == 0 {
		steps = c.steps
	}
	of, err := c.train(ctx, steps)
	if err != nil {
		return err
	}
	f, err := c.measure(ctx, of)
	if err != nil {
		return err
	}
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	fmt.Printf("%s\n%s\n", of, b)
	if dir == "" {
		return nil
	}
	path := filepath.Join(dir, "classifiers", c.name)
	if err := of.Save(path); err != nil {
		return err
	}
	return atomicfile.Write(path+".figures.json", append(b, '\n'), 0o644)
}

// classifierNamed finds "digits-classifier" and its like.
func classifierNamed(name string) (classifier, bool) {
	for _, c := range classifiers {
		if name == c.name+"-classifier" {
			return c, true
		}
	}
	return classifier{}, false
}

// readClassifiers are the figures of those that are kept.
func readClassifiers() (out []classifierFigures, err error) {
	for _, c := range classifiers {
		if priors.LoadClassifier(c.name).Err() != nil {
			continue
		}
		b, err := os.ReadFile(filepath.Join("odslib", "priors", "checkpoints", "classifiers", c.name+".figures.json"))
		if err != nil {
			return nil, fmt.Errorf("%w; run the command in the module's root", err)
		}
		var f classifierFigures
		if err := json.Unmarshal(b, &f); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}
