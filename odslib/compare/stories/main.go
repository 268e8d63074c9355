// Command stories measures infilling where the answer is known: the fourth sentence of grammar stories given the others, by a
// masked-diffusion prior and an autoregressive reward that are kept in package language.
//
//	go run ./odslib/compare/stories                 trains the policy for a minute of a core and prints the table
//	go run ./odslib/compare/stories -contexts 40 -draws 400 -steps 150 -seeds 5     an hour
//
// The policy is amortised: one for all contexts, those of the table not among the ones that it was trained on. Divergences are in
// nats a gap, of the two models' posterior over 48 fillings, which is exact by enumeration, from the sampler's, by its draws with half a draw added to each filling; the floor is
// the same for as many exact draws. What is no filling counts as lost.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"slices"

	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/language"
	"odslab/odslib/measure"
	"odslab/odslib/rtb"
	"odslab/odslib/smc"
	"odslab/odslib/twist"
)

func main() {
	contexts := flag.Int("contexts", 4, "contexts in the table")
	draws := flag.Int("draws", 60, "draws for each context")
	seeds := flag.Int("seeds", 1, "seeds of training and drawing")
	steps := flag.Int("steps", 60, "iterations of training")
	known := flag.Int("known", 512, "contexts that the policy is trained on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *contexts, *draws, *seeds, *steps, *known); err != nil {
		fmt.Fprintln(os.Stderr, "stories:", err)
		os.Exit(1)
	}
}

// problem is contexts with their answers.
type problem struct {
	left, right [][]int
	fillings    []odslib.Array
	prior, post [][]float64
	given       odslib.Array // a row for each context
}

func newProblem(n int, seed uint64) (p problem, err error) {
	x, err := language.Stories{}.Draw(n, seed)
	if err != nil {
		return p, err
	}
	p.left, _, p.right = language.Stories{}.Split(x)
	for i := range n {
		f, prior, post, _, err := language.Stories{}.Fillings(p.left[i], p.right[i])
		if err != nil {
			return p, err
		}
		p.fillings, p.prior, p.post = append(p.fillings, f), append(p.prior, prior), append(p.post, post)
	}
	p.given, err = language.Conditions(p.left, p.right)
	return p, err
}

// rows repeats each context so often, or goes through all of them so often, which parts them into islands of one draw.
func (p problem) rows(times int, apart bool) odslib.Array {
	var index []int
	for i := range times * len(p.left) {
		if apart {
			index = append(index, i%len(p.left))
		} else {
			index = append(index, i/times)
		}
	}
	return p.given.Take(index)
}

// place is which filling of context c a draw is, or −1.
func (p problem) place(c int, row []float32) int {
	for k := range p.fillings[c].Len() {
		if slices.Equal(p.fillings[c].Row(k), row) {
			return k
		}
	}
	return -1
}

// shares of the fillings among draws, and what is none.
func (p problem) shares(x odslib.Array, apart bool) (count [][]float64, lost float64) {
	n := len(p.left)
	count = make([][]float64, n)
	for c := range count {
		count[c] = make([]float64, p.fillings[c].Len())
	}
	for i := range x.Len() {
		c := i / (x.Len() / n)
		if apart {
			c = i % n
		}
		if k := p.place(c, x.Row(i)); k >= 0 {
			count[c][k]++
		} else {
			lost += 1 / float64(x.Len())
		}
	}
	return count, lost
}

// divergence is the mean over contexts of that of the exact law from counts of draws.
func (p problem) divergence(count [][]float64, draws int) float64 {
	sum := 0.
	for c := range count {
		q, n := make([]float64, len(count[c])), float64(draws)+.5*float64(len(count[c]))
		for k, v := range count[c] {
			q[k] = (v + .5) / n
		}
		kl, _ := measure.KL(p.post[c], q)
		sum += kl / float64(len(count))
	}
	return sum
}

func (p problem) floor(draws int) float64 {
	rng, sum := engine.RNG(1, "stories.floor"), 0.
	const reps = 20
	for range reps {
		count := make([][]float64, len(p.left))
		for c := range count {
			count[c] = make([]float64, len(p.post[c]))
			for range draws {
				u, k := rng.Float64(), 0
				for u -= p.post[c][0]; u >= 0 && k < len(p.post[c])-1; u -= p.post[c][k] {
					k++
				}
				count[c][k]++
			}
		}
		sum += p.divergence(count, draws) / reps
	}
	return sum
}

func run(ctx context.Context, contexts, draws, seeds, steps, known int) error {
	lm, err := language.Load("stories")
	if err != nil {
		return err
	}
	ar, err := language.Load("stories-ar")
	if err != nil {
		return err
	}
	train, err := newProblem(known, 1001)
	if err != nil {
		return err
	}
	test, err := newProblem(contexts, 2002)
	if err != nil {
		return err
	}
	gap, err := language.NewGap(lm, train.left[0], train.right[0], language.StoryGap)
	if err != nil {
		return err
	}
	post := odslib.Given(gap, language.Right{LM: ar, Left: train.left[0], Right: train.right[0]})
	at := func(given odslib.Array) odslib.Posterior {
		p := post
		p.Given = &given
		return p
	}
	if err := own(ctx, test, gap, at); err != nil {
		return err
	}
	fmt.Printf("\nfloor of the divergence for %d draws: %.4f\n\n", draws, test.floor(draws))
	fmt.Println("| sampler | KL by draws | exact KL | lost | evaluations of prior and reward a draw | BLEU-4 | distinct-2 | log p(right) | s |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	rows := map[string][][]float64{}
	var order []string
	add := func(name string, r *odslib.Result, exact float64, apart bool) error {
		count, lost := test.shares(r.Samples, apart)
		n := float64(r.Samples.Len())
		truth := engine.NewArray(r.Samples.Shape...)
		rng := engine.RNG(r.Seed, "stories.truth")
		for i := range truth.Len() {
			c := i / (truth.Len() / contexts)
			if apart {
				c = i % contexts
			}
			u, k := rng.Float64(), 0
			for u -= test.post[c][0]; u >= 0 && k < len(test.post[c])-1; u -= test.post[c][k] {
				k++
			}
			copy(truth.Row(i), test.fillings[c].Row(k))
		}
		bleu, err := measure.BLEU(r.Samples, truth)
		if err != nil {
			return err
		}
		distinct, err := measure.DistinctN(r.Samples, 2)
		if err != nil {
			return err
		}
		logr, err := at(test.rows(draws, apart)).Rewards(ctx, r.Samples)
		if err != nil {
			return err
		}
		if rows[name] == nil {
			order = append(order, name)
		}
		fmt.Fprintf(os.Stderr, "seed %d, %s: KL %.3f, %.3f lost, %d evaluations, %.0f s\n", r.Seed, name, test.divergence(count, draws), lost, r.NetworkEvals+r.ConstraintEvals, r.Seconds)
		rows[name] = append(rows[name], []float64{test.divergence(count, draws), exact, lost, float64(r.NetworkEvals+r.ConstraintEvals) / n, bleu, distinct, stat.Mean(logr, nil), r.Seconds})
		return nil
	}
	fill, err := language.NewGap(ar, train.left[0], train.right[0], language.StoryGap)
	if err != nil {
		return err
	}
	for seed := range uint64(seeds) {
		policy, err := rtb.Sampler{Paths: 128, LR: 3e-4, Anneal: -1, VarGrad: true, GradSteps: 6}.Train(ctx, at(train.given), odslib.Budget{Steps: steps}, seed)
		if err != nil {
			return err
		}
		exact, err := judged(ctx, policy, test, gap, at)
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "seed %d: exact KL %.4f; %v\n", seed, exact, policy)
		together := at(test.rows(draws, false))
		r, err := policy.Sample(ctx, together, draws*contexts, seed)
		if err != nil {
			return err
		}
		if err := add("RTB", r, exact, false); err != nil {
			return err
		}
		for _, k := range []int{4, 16, 64} {
			s := smc.FK{Particles: k, Twist: twist.Tokens{Draws: 1}, NoShift: true}
			r, err := pieces(ctx, s, at(test.rows(draws, true)), seed, max(1, 8192/k))
			if err != nil {
				return err
			}
			if err := add(fmt.Sprintf("FK, %d particles", k), r, math.NaN(), true); err != nil {
				return err
			}
		}
		for _, k := range []int{1, 8, 32, 128} { // one of the prior is the prior
			r, err := pieces(ctx, smc.BestOf{Of: k}, together, seed, max(1, 32768/k))
			if err != nil {
				return err
			}
			if err := add(fmt.Sprintf("best of %d", k), r, math.NaN(), false); err != nil {
				return err
			}
		}
		free := odslib.Posterior{Prior: fill, Given: together.Given}
		left := engine.NewArray(draws*contexts, language.StoryLeft)
		for i := range left.Len() {
			copy(left.Row(i), together.Given.Row(i))
		}
		free.Given = &left
		if r, err = (smc.BestOf{Of: 1}).Sample(ctx, free, draws*contexts, seed); err != nil {
			return err
		}
		if err := add("autoregressive, left context alone", r, math.NaN(), false); err != nil {
			return err
		}
	}
	for _, name := range order {
		fmt.Printf("| %s |", name)
		for k := range rows[name][0] {
			var v []float64
			for _, r := range rows[name] {
				v = append(v, r[k])
			}
			mean, sd := stat.MeanStdDev(v, nil)
			switch {
			case math.IsNaN(mean):
				fmt.Print(" – |")
			case len(v) > 1:
				fmt.Printf(" %.3f ± %.3f |", mean, stat.StdErr(sd, float64(len(v))))
			default:
				fmt.Printf(" %.3f |", mean)
			}
		}
		fmt.Println()
	}
	return nil
}

// pieces draws in parts of so many rows, which keeps the particles of all islands within memory.
func pieces(ctx context.Context, s odslib.Sampler, post odslib.Posterior, seed uint64, size int) (*odslib.Result, error) {
	var all *odslib.Result
	given := *post.Given
	for first := 0; first < given.Len(); first += size {
		part := given.Slice(first, min(first+size, given.Len()))
		post.Given = &part
		r, err := s.Sample(ctx, post, part.Len(), engine.Split(seed, fmt.Sprint(first)))
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = r
			continue
		}
		all.Samples = all.Samples.Append(r.Samples)
		all.NetworkEvals, all.ConstraintEvals, all.Seconds = all.NetworkEvals+r.NetworkEvals, all.ConstraintEvals+r.ConstraintEvals, all.Seconds+r.Seconds
	}
	return all, nil
}

// every is all fillings of all contexts, and their conditions.
func (p problem) every() (x, given odslib.Array) {
	var index []int
	for c, f := range p.fillings {
		x = x.Append(odslib.Array{Shape: slices.Clone(f.Shape), Data: slices.Clone(f.Data)})
		for range f.Len() {
			index = append(index, c)
		}
	}
	return x, p.given.Take(index)
}

// own prints how far the models are from the grammar: the prior from the law given the left context, and from the posterior what
// the two models make of it, which a perfect sampler would draw from.
//
// The latter becomes the truth of the problem: what is left are the samplers' own errors.
func own(ctx context.Context, p problem, gap language.Gap, at func(odslib.Array) odslib.Posterior) error {
	x, given := p.every()
	logp, err := gap.LogProb(ctx, x, &given)
	if err != nil {
		return err
	}
	logr, err := at(given).Rewards(ctx, x)
	if err != nil {
		return err
	}
	prior, post, i := 0., 0., 0
	for c := range p.fillings {
		q, z := make([]float64, len(p.post[c])), 0.
		for k := range q {
			prior += p.prior[c][k] * (math.Log(p.prior[c][k]) - logp[i+k]) / float64(len(p.fillings))
			q[k] = math.Exp(logp[i+k] + logr[i+k])
			z += q[k]
		}
		for k := range q {
			q[k] /= z
		}
		kl, err := measure.KL(p.post[c], q)
		if err != nil {
			return err
		}
		post += kl / float64(len(p.fillings))
		p.post[c] = q // what samplers of the two models' posterior are held to
		i += len(q)
	}
	fmt.Printf("exact KL, nats a gap: %.4f of the grammar's prior from the model's, %.4f of the exact posterior from that of the two models\n", prior, post)
	return nil
}

// judged is the mean exact divergence of the posterior from the policy's law.
func judged(ctx context.Context, policy *balance.Policy, p problem, gap language.Gap, at func(odslib.Array) odslib.Posterior) (float64, error) {
	x, given := p.every()
	logp, err := gap.LogProb(ctx, x, &given)
	if err != nil {
		return 0, err
	}
	ratio, err := policy.LogRatio(ctx, at(given), x, 0)
	if err != nil {
		return 0, err
	}
	sum, i := 0., 0
	for c := range p.post {
		for k, q := range p.post[c] {
			if q > 0 {
				sum += q * (math.Log(q) - logp[i+k] - ratio[i+k]) / float64(len(p.post))
			}
		}
		i += len(p.post[c])
	}
	return sum, nil
}
