// Command classes puts guidance and trained policies to classes of a diffusion prior over digits: each digit, the even and the odd ones.
// The reward is a classifier's log-probability. Rejection gives exact draws, beside which all stand:
//
//   - E[log r], which the posterior has one value of: above it a method has collapsed on what the classifier likes best;
//   - the Fréchet distance to exact draws in the classifier's features; its floor is that of two sets of exact draws;
//   - diversity, the mean cosine distance of two draws in those features, of which the posterior has one value, too.
//
// What a Result notes is printed to stderr. The form is Table 2 of Venkatraman et al. (2024, 2405.20971).
//
//	go run ./odslib/compare/classes [-prior digits] [-of even,odd,3,8] [-n 1000] [-iterations 400] [-seeds 3]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/baseline"
	"odslab/odslib/constraint"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/guide"
	"odslab/odslib/measure"
	"odslab/odslib/priors"
	"odslab/odslib/rtb"
	"odslab/odslib/twist"
)

type settings struct {
	prior         odslib.Prior
	classifier    *priors.Classifier
	n, iterations int
	seeds         uint64
}

func main() {
	prior := flag.String("prior", "digits", "a kept prior, by name")
	classifier := flag.String("classifier", "digits", "a kept classifier, by name")
	of := flag.String("of", "even,odd,0,1,2,3,4,5,6,7,8,9", "classes, even or odd ones, or unions such as 0+8")
	n := flag.Int("n", 1000, "draws of each method, and of the oracle twice")
	iterations := flag.Int("iterations", 400, "of each training")
	seeds := flag.Uint64("seeds", 1, "runs of each method, trainings too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s := settings{prior: priors.Load(*prior), classifier: priors.LoadClassifier(*classifier), n: *n, iterations: *iterations, seeds: *seeds}
	fmt.Println("| classes | method | E[log r] | Fréchet distance | diversity | log Ẑ − log Z | training s | notes |\n|---|---|---|---|---|---|---|---|")
	for _, of := range strings.Split(*of, ",") {
		if err := s.rows(ctx, of); err != nil {
			fmt.Fprintf(os.Stderr, "classes: %s: %v\n", of, err)
			os.Exit(1)
		}
	}
}

// classesOf reads "even", "odd", "3" and "0+8".
func classesOf(of string, all int) (out []int, err error) {
	for _, part := range strings.Split(of, "+") {
		first, step := 0, 2
		switch part {
		case "even":
		case "odd":
			first = 1
		default:
			if first, err = strconv.Atoi(part); err != nil || first < 0 || first >= all {
				return nil, fmt.Errorf("no class %q; there are 0 to %d, even and odd", part, all-1)
			}
			step = all
		}
		for c := first; c < all; c += step {
			out = append(out, c)
		}
	}
	return out, nil
}

// method is a sampler, made once for each seed.
type method struct {
	name string
	make func(ctx context.Context, post odslib.Posterior, seed uint64) (s odslib.Sampler, seconds float64, err error)
}

func (s settings) methods() []method {
	as := func(name string, sampler odslib.Sampler) method {
		return method{name, func(context.Context, odslib.Posterior, uint64) (odslib.Sampler, float64, error) {
			return sampler, 0, nil
		}}
	}
	trained := func(name string, t odslib.Trainer[odslib.Posterior, *balance.Policy]) method {
		return method{name, func(ctx context.Context, post odslib.Posterior, seed uint64) (odslib.Sampler, float64, error) {
			p, err := t.Train(ctx, post, odslib.Budget{Steps: s.iterations}, seed)
			if err != nil {
				return nil, 0, err
			}
			return p, p.Seconds, nil
		}}
	}
	// All policies adapt the prior's own network, with the same paths: what differs is what they learn from.
	same := balance.Settings{Net: balance.LoRA{Rank: 16}, Paths: 64, Steps: 50, LR: 1e-3}
	guided := balance.Settings{Paths: 64, Steps: 50, Drift: balance.Drift{Guide: twist.Point{}}}
	return []method{
		as("prior", guide.Plain{}),
		as("DPS", guide.DPS{Scaling: guide.Likelihood}), as("LGD-MC", guide.LGD{}),
		trained("DDPO", rtb.DDPO{Settings: same}), trained("DPOK", rtb.PolicyGradient{Settings: same}),
		{"classifier guidance", func(ctx context.Context, post odslib.Posterior, seed uint64) (odslib.Sampler, float64, error) {
			c, err := rtb.ClassifierGuidance{}.Train(ctx, post, odslib.Budget{Steps: 5 * s.iterations}, seed)
			if err != nil {
				return nil, 0, err
			}
			return c, c.Seconds, nil
		}},
		trained("tilt matching", rtb.TiltMatching{Net: same.Net, Steps: same.Steps, Fits: max(50, s.iterations/4)}), trained("RTB", rtb.Sampler(same)), trained("RTB, guided", rtb.Sampler(guided)),
	}
}

func (s settings) rows(ctx context.Context, of string) error {
	if err := s.classifier.Err(); err != nil {
		return err
	}
	classes, err := classesOf(of, len(s.classifier.Classes()))
	if err != nil {
		return err
	}
	post := odslib.Given(s.prior, constraint.Class(s.classifier, classes...))
	oracle, err := baseline.Rejection{}.Sample(ctx, post, 2*s.n, 1)
	if err != nil {
		return err
	}
	if oracle.Samples.Len() < 2*s.n {
		return fmt.Errorf("the oracle gave %d of %d draws; %s", oracle.Samples.Len(), 2*s.n, strings.Join(oracle.Notes, "; "))
	}
	exact, err := s.see(ctx, post, oracle.Samples.Slice(0, s.n))
	if err != nil {
		return err
	}
	again, err := s.see(ctx, post, oracle.Samples.Slice(s.n, 2*s.n))
	if err != nil {
		return err
	}
	floor, err := measure.Frechet(exact.features, again.features)
	if err != nil {
		return err
	}
	fmt.Printf("| %s | rejection (exact) | %.3f ± %.3f | %.2f (floor) | %.3f | log Z = %.3f ± %.3f | – | |\n", of, exact.logr, exact.se, floor, exact.diversity, oracle.LogZ, oracle.LogZError)
	for _, m := range s.methods() {
		var logr, distance, diversity, off, seconds, notes []float64
		for seed := range s.seeds {
			sampler, took, err := m.make(ctx, post, seed)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			r, err := sampler.Sample(ctx, post, s.n, seed)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			for _, note := range r.Notes {
				fmt.Fprintf(os.Stderr, "classes: %s, %s, seed %d: %s\n", of, m.name, seed, note)
			}
			x, err := s.see(ctx, post, r.Samples)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			d, err := measure.Frechet(exact.features, x.features)
			if err != nil {
				return err
			}
			logr, distance, diversity = append(logr, x.logr), append(distance, d), append(diversity, x.diversity)
			off, seconds, notes = append(off, r.LogZ-oracle.LogZ), append(seconds, took), append(notes, float64(len(r.Notes)))
		}
		fmt.Printf("| %s | %s | %s | %s | %s | %s | %s | %s |\n", of, m.name, over(logr, "%.3f"), over(distance, "%.2f"), over(diversity, "%.3f"), over(off, "%+.3f"), over(seconds, "%.0f"), over(notes, "%.1f"))
	}
	return nil
}

// seen is what a table says of draws.
type seen struct {
	features            odslib.Array
	logr, se, diversity float64
}

func (s settings) see(ctx context.Context, post odslib.Posterior, x odslib.Array) (out seen, err error) {
	logr, err := post.Rewards(ctx, x)
	if err != nil {
		return out, err
	}
	var sd float64
	out.logr, sd = stat.MeanStdDev(logr, nil)
	out.se = sd / math.Sqrt(float64(len(logr)))
	if out.features, err = s.classifier.FeaturesOf(ctx, x); err != nil {
		return out, err
	}
	out.diversity, err = diversity(out.features)
	return out, err
}

// diversity is the mean of 1 − cos over all pairs of rows: with n unit vectors u, n²·mean = n² − |Σu|².
func diversity(x odslib.Array) (float64, error) {
	sum := make([]float64, x.Dim())
	u := make([]float64, x.Dim())
	for i := range x.Len() {
		for j, v := range x.Row(i) {
			u[j] = float64(v)
		}
		norm := floats.Norm(u, 2)
		if norm == 0 || math.IsNaN(norm) {
			return 0, errors.New("features without a direction")
		}
		floats.AddScaled(sum, 1/norm, u)
	}
	n := float64(x.Len())
	return (n*n - floats.Dot(sum, sum)) / (n * (n - 1)), nil
}

// over is a mean over seeds with its standard error.
func over(v []float64, format string) string {
	mean, sd := stat.MeanStdDev(v, nil)
	switch {
	case math.IsNaN(mean) || floats.Max(v) == 0 && floats.Min(v) == 0:
		return "–"
	case len(v) == 1:
		return fmt.Sprintf(format, mean)
	}
	return fmt.Sprintf(format+" ± "+format, mean, sd/math.Sqrt(float64(len(v))))
}
