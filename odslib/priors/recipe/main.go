// Command recipe trains the priors that are kept in package priors, and writes them to its folder checkpoints.
//
//	go run ./odslib/priors/recipe -name digits            trains, measures and keeps (run it in the module's root)
//	go run ./odslib/priors/recipe -name digits -steps 100 -dir ""   only prints the loss
//	go run ./odslib/priors/recipe -name digits -measure   measures what is kept again, and writes its figures and its picture
//	go run ./odslib/priors/recipe -name digits-classifier trains, calibrates, measures and keeps the classifier of the digits
//	go run ./odslib/priors/recipe -list                   prints docs/priors.md from the kept figures
//	go run ./odslib/priors/recipe -json                   prints them as JSON, one prior a line
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
	"strings"

	"odslab/odslib"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/priors"
	"odslab/odslib/safetensors"
)

func main() {
	name := flag.String("name", "digits", "the prior to train, or several with commas between")
	steps := flag.Int("steps", 0, "steps, 0 for those of the recipe")
	seed := flag.Uint64("seed", 0, "another seed; 0 for that of the recipe")
	dir := flag.String("dir", filepath.FromSlash("odslib/priors/checkpoints"), "folder to write to; empty to write nothing")
	data := flag.String("data", "", "only write the data, split as the recipe does, to this safetensors file (for peer.py)")
	again := flag.Bool("measure", false, "measure the kept prior instead of training it")
	list := flag.Bool("list", false, "print docs/priors.md")
	asJSON := flag.Bool("json", false, "print the kept figures as JSON")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch {
	case *list:
		err = page(os.Stdout)
	case *asJSON:
		err = lines(os.Stdout)
	case *data != "":
		err = export(*name, *data)
	default:
		for n := range strings.SplitSeq(*name, ",") {
			if err = run(ctx, n, *steps, *seed, *dir, *again); err != nil {
				err = fmt.Errorf("%s: %w", n, err)
				break
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "recipe:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, steps int, seed uint64, dir string, again bool) error {
	if c, ok := classifierNamed(name); ok {
		return c.run(ctx, steps, dir)
	}
	r, err := named(name)
	if err != nil {
		return err
	}
	if dir != "" {
		if _, err := os.Stat(dir); err != nil {
			return fmt.Errorf("no folder %s; run the command in the module's root, or say -dir", dir)
		}
	}
	if steps == 0 {
		steps = r.steps
	}
	if seed == 0 {
		seed = r.seed
	}
	train, held, err := r.data.load(r.seed)
	if err != nil {
		return err
	}
	var prior odslib.Prior = priors.Load(name)
	if !again {
		next := 0
		ctx := odslib.WithObserver(ctx, func(p odslib.Progress) {
			if p.Step >= next || p.Step == p.Steps {
				fmt.Printf("step %6d of %d, loss %.4f\n", p.Step, p.Steps, p.Loss)
				next += max(1, p.Steps/20)
			}
		})
		p, err := r.train(ctx, train, odslib.Budget{Steps: steps}, seed)
		if err != nil {
			return err
		}
		prior = p
		if d, ok := p.(*priors.Diffusion); ok {
			if d.Log.HeldOut, err = priors.HeldOutLoss(d, held, r.seed); err != nil {
				return err
			}
		}
		if dir != "" {
			if err := p.Save(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	fmt.Println(prior)
	f, err := r.measure(ctx, prior, train, held)
	if err != nil {
		return err
	}
	fmt.Println(f)
	if dir == "" {
		return nil
	}
	return f.write(dir)
}

func export(name, path string) error {
	r, err := named(name)
	if err != nil {
		return err
	}
	train, held, err := r.data.load(r.seed)
	if err != nil {
		return err
	}
	return safetensors.WriteFile(path, &safetensors.File{Tensors: []safetensors.Tensor{
		safetensors.Float32("train", train.Shape, train.Data), safetensors.Float32("held", held.Shape, held.Data),
	}})
}
