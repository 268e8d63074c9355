// Command generators puts the samplers of a generator's noise to posteriors of trained priors over digits: a class, and sixteen pixels
// measured with σ = .5. Rejection gives exact draws, beside which all stand: the classifier two-sample test on a classifier's features
// (.5 is as good as exact; the floor is that of two sets of exact draws), and log r.
//
//	go run ./odslib/compare/generators [-priors digits-vae,digits-gan] [-cases class,inpainting] [-n 2000] [-iterations 1000]
//
// T15 of the table of known answers. Where no classifier is kept the class case is left out, and distances are of pixels.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"strings"

	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/baseline"
	"odslab/odslib/constraint"
	"odslab/odslib/datasets"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/mcmc"
	"odslab/odslib/measure"
	"odslab/odslib/nn"
	"odslab/odslib/outsource"
	"odslab/odslib/priors"
	"odslab/odslib/smc"
)

type settings struct {
	n, iterations int
	class         int
	classifier    *priors.Classifier
}

func main() {
	names := flag.String("priors", "digits-gan,digits-vae,digits-realnvp,digits-flow", "kept priors, by name")
	cases := flag.String("cases", "inpainting,class", "posteriors of each")
	n := flag.Int("n", 2000, "draws of each method, and of the oracle twice")
	class := flag.Int("class", 3, "the class")
	iterations := flag.Int("iterations", 1000, "of training; rows of a quarter and of all of them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s := settings{n: *n, iterations: *iterations, class: *class, classifier: priors.LoadClassifier("digits")}
	fmt.Print("| prior | posterior | method | C2ST | floor | mean log r − exact, in errors | evaluations of r | of networks | training s | draws a second |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, name := range strings.Split(*names, ",") {
		for _, kind := range strings.Split(*cases, ",") {
			if err := s.one(ctx, name, kind); err != nil {
				fmt.Fprintf(os.Stderr, "generators: %s, %s: %v\n", name, kind, err)
				if ctx.Err() != nil {
					os.Exit(1)
				}
			}
		}
	}
}

// posterior is that of a class, or of a digit of which the third and fourth row are measured with σ = .5.
func (s settings) posterior(prior odslib.Prior, kind string) (odslib.Posterior, error) {
	switch kind {
	case "class":
		return odslib.Given(prior, constraint.Class(s.classifier, s.class)), s.classifier.Err()
	case "inpainting":
		digits := datasets.Digits()
		of := 0
		for int(digits.Labels[of]) != s.class {
			of++
		}
		keep, y := make([]bool, digits.X.Dim()), []float64{}
		rng := engine.RNG(1, "generators.y")
		for j := 16; j < 32; j++ {
			keep[j] = true
			y = append(y, float64(digits.X.Row(of)[j])+.5*rng.NormFloat64())
		}
		return odslib.Given(prior, constraint.Gaussian{A: constraint.Mask{Keep: keep}, Y: y, Sigma: .5}), nil
	}
	return odslib.Posterior{}, fmt.Errorf("there is no case %q; there are class and inpainting", kind)
}

// features are what distances are taken on.
func (s settings) features(ctx context.Context, x odslib.Array) (odslib.Array, error) {
	if s.classifier.Err() != nil {
		return x, nil
	}
	return s.classifier.FeaturesOf(ctx, x)
}

// method is a sampler, with what its training took.
type method struct {
	name    string
	sampler odslib.Sampler
	rewards int64
	seconds float64
}

func (s settings) methods(ctx context.Context, post odslib.Posterior) ([]method, error) {
	var out []method
	var last *outsource.Policy
	for _, iterations := range []int{s.iterations / 4, s.iterations} {
		t := outsource.Sampler{Net: nn.MLP{Hidden: 128}, Steps: 30, Paths: 128, Drift: balance.Drift{Variances: true}}
		p, err := t.Train(ctx, post, odslib.Budget{Steps: iterations}, 1)
		if err != nil {
			return nil, err
		}
		out = append(out, method{fmt.Sprintf("outsourced, %d iterations", iterations), p, int64(p.Iterations*p.Paths + 20*p.Paths), p.Seconds})
		last = p
	}
	trained := out[len(out)-1]
	out = append(out, method{"outsourced, exact", outsource.Exact{Policy: last}, trained.rewards, trained.seconds})
	w := mcmc.Walkers{Burn: 300, Thin: 5}
	long := mcmc.Walkers{Burn: 3000, Thin: 20}
	return append(out,
		method{name: "random walk", sampler: mcmc.RandomWalk{Walkers: long}}, method{name: "pCN, short", sampler: mcmc.PCN{Walkers: w}},
		method{name: "pCN", sampler: mcmc.PCN{Walkers: long}}, method{name: "elliptical slice", sampler: mcmc.EllipticalSlice{}},
		method{name: "MALA", sampler: mcmc.MALA{Walkers: w}}, method{name: "HMC", sampler: mcmc.HMC{Walkers: w, Leaps: 5}},
		method{name: "tempering", sampler: smc.Tempering{Kernel: mcmc.PCN{}, Particles: 2 * s.n, Moves: 10}},
		method{name: "best of 16", sampler: baseline.BestOf{}}, method{name: "optimised noise", sampler: baseline.Optimise{}}), nil
}

func (s settings) one(ctx context.Context, name, kind string) error {
	prior := priors.Load(name)
	post, err := s.posterior(prior, kind)
	if err != nil {
		return err
	}
	oracle, err := baseline.Rejection{}.Sample(ctx, post, 2*s.n, 1)
	if err != nil {
		return err
	}
	if oracle.Samples.Len() < 2*s.n {
		return fmt.Errorf("the oracle gave %d of %d draws; %s", oracle.Samples.Len(), 2*s.n, strings.Join(oracle.Notes, "; "))
	}
	exactly, other := oracle.Samples.Slice(0, s.n), oracle.Samples.Slice(s.n, 2*s.n)
	truth, err := s.features(ctx, exactly)
	if err != nil {
		return err
	}
	again, err := s.features(ctx, other)
	if err != nil {
		return err
	}
	floor, err := measure.C2ST{}.Distance(again, truth)
	if err != nil {
		return err
	}
	logr, err := post.Rewards(ctx, oracle.Samples)
	if err != nil {
		return err
	}
	mean, sd := stat.MeanStdDev(logr, nil)
	fmt.Printf("| %s | %s | rejection, %s | %.3f | %.3f | – | %d | %d | – | %.0f |\n", name, kind, strings.SplitN(oracle.Figures[0], ":", 2)[0], floor, floor, oracle.ConstraintEvals, oracle.NetworkEvals, float64(2*s.n)/oracle.Seconds)
	methods, err := s.methods(ctx, post)
	if err != nil {
		return err
	}
	for _, m := range methods {
		r, err := m.sampler.Sample(ctx, post, s.n, 2)
		if err != nil {
			fmt.Printf("| %s | %s | %s | %v |\n", name, kind, m.name, err)
			continue
		}
		x, err := s.features(ctx, r.Samples)
		if err != nil {
			return err
		}
		d, err := measure.C2ST{}.Distance(x, truth)
		if err != nil {
			return err
		}
		if logr, err = post.Rewards(ctx, r.Samples); err != nil {
			return err
		}
		// Draws of a chain are worth its effective size.
		own, spread := stat.MeanStdDev(logr, nil)
		worth := float64(s.n)
		if r.ESS > 0 && !strings.HasPrefix(m.name, "outsourced, ") || m.name == "outsourced, exact" {
			worth = math.Min(worth, r.ESS)
		}
		off := (own - mean) / math.Sqrt(spread*spread/worth+sd*sd/float64(2*s.n))
		training := "–"
		if m.seconds > 0 {
			training = fmt.Sprintf("%.0f", m.seconds)
		}
		fmt.Printf("| %s | %s | %s | %.3f | %.3f | %+.1f | %d | %d | %s | %.0f |\n", name, kind, m.name, d, floor, off, m.rewards+r.ConstraintEvals, r.NetworkEvals, training, float64(s.n)/r.Seconds)
	}
	return nil
}
