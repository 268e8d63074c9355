// Command recipe trains the language models that are kept in package language, and writes them to its folder checkpoints.
//
//	go run ./odslib/language/recipe -name stories       masked diffusion on grammar stories (run it in the module's root)
//	go run ./odslib/language/recipe -name stories-ar    the autoregressive model that is its reward
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"odslab/odslib"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/language"
	"odslab/odslib/nn"
)

// recipe is how one model is made.
type recipe struct {
	name     string
	training language.Training
	steps    int
	data     func() (language.Tokenizer, odslib.Array, error)
}

const seed = 1

// stories are many enough that no model learns them by heart.
func stories() (language.Tokenizer, odslib.Array, error) {
	x, err := language.Stories{}.Draw(50000, seed)
	return language.Stories{}.Tokenizer(), x, err
}

var recipes = []recipe{
	{"stories", language.Training{Net: nn.Transformer{Width: 64, Layers: 2}, Rate: nn.Rate{Peak: 3e-3, Decay: 3500}}, 3500, stories},
	{"stories-ar", language.Training{Causal: true, Net: nn.Transformer{Width: 64, Layers: 2}, Rate: nn.Rate{Peak: 3e-3, Decay: 1000}}, 1000, stories},
}

func main() {
	name := flag.String("name", "stories", "the model to train")
	steps := flag.Int("steps", 0, "steps, 0 for those of the recipe")
	dir := flag.String("dir", filepath.FromSlash("odslib/language/checkpoints"), "folder to write to; empty to write nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *name, *steps, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "recipe:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, steps int, dir string) error {
	i := slices.IndexFunc(recipes, func(r recipe) bool { return r.name == name })
	if i < 0 {
		var names []string
		for _, r := range recipes {
			names = append(names, r.name)
		}
		return fmt.Errorf("no recipe %q; there are %s", name, strings.Join(names, ", "))
	}
	r := recipes[i]
	if steps == 0 {
		steps = r.steps
	}
	tok, data, err := r.data()
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
	r.training.Tokenizer = tok
	lm, err := r.training.Train(ctx, data, odslib.Budget{Steps: steps}, seed)
	if err != nil {
		return err
	}
	fmt.Printf("%s\n%.1f s on %s\n", lm, lm.Log.Seconds, lm.Log.Engine)
	if dir == "" {
		return nil
	}
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("no folder %s; run the command in the module's root, or say -dir", dir)
	}
	return lm.Save(filepath.Join(dir, name))
}
