// Command recipe trains the priors that are kept in package priors, and writes them to its folder checkpoints.
//
//	go run ./odslib/priors/recipe -name digits            trains and keeps (run it in the module's root)
//	go run ./odslib/priors/recipe -name digits -steps 100 -dir ""   only prints the loss
//
// peer.py trains the same network in JAX on the same split and prints the same loss:
//
//	go run ./odslib/priors/recipe -name digits -data digits.safetensors
//	python odslib/priors/recipe/peer.py digits.safetensors
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"odslab/odslib"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/priors"
	"odslab/odslib/safetensors"
)

func main() {
	name := flag.String("name", "digits", "the prior to train")
	steps := flag.Int("steps", 0, "steps, 0 for those of the recipe")
	dir := flag.String("dir", filepath.FromSlash("odslib/priors/checkpoints"), "folder to write to; empty to write nothing")
	data := flag.String("data", "", "only write the data, split as the recipe does, to this safetensors file (for peer.py)")
	flag.Parse()
	if *data != "" {
		if err := export(*name, *data); err != nil {
			fmt.Fprintln(os.Stderr, "recipe:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *name, *steps, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "recipe:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, steps int, dir string) error {
	r, err := named(name)
	if err != nil {
		return err
	}
	if steps == 0 {
		steps = r.steps
	}
	train, held, err := r.data()
	if err != nil {
		return err
	}
	next := 0
	ctx = odslib.WithObserver(ctx, func(p odslib.Progress) {
		if p.Step >= next || p.Step == p.Steps {
			fmt.Printf("step %6d of %d, loss %.4f\n", p.Step, p.Steps, p.Loss)
			next += max(1, p.Steps/20)
		}
	})
	prior, err := r.training.Train(ctx, train, odslib.Budget{Steps: steps}, r.seed)
	if err != nil {
		return err
	}
	loss, err := priors.HeldOutLoss(prior, held, r.seed)
	if err != nil {
		return err
	}
	prior.Log.HeldOut = loss
	fmt.Printf("%s\nheld-out loss %.4f on %d samples, %.1f s on %s\n", prior, loss, held.Len(), prior.Log.Seconds, prior.Log.Engine)
	if dir == "" {
		return nil
	}
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("no folder %s; run the command in the module's root, or say -dir", dir)
	}
	return prior.Save(filepath.Join(dir, name))
}

func export(name, path string) error {
	r, err := named(name)
	if err != nil {
		return err
	}
	train, held, err := r.data()
	if err != nil {
		return err
	}
	return safetensors.WriteFile(path, &safetensors.File{Tensors: []safetensors.Tensor{
		safetensors.Float32("train", train.Shape, train.Data), safetensors.Float32("held", held.Shape, held.Data),
	}})
}
