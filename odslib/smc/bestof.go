package smc

import (
	"context"
	"fmt"
	"math"
	"time"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/measure"
)

var _ odslib.Sampler = BestOf{}

// BestOf draws several samples of the prior for each draw and keeps the one with the largest r: the usual baseline for rewards. Its
// law is that of no posterior, and with more of them it goes to the largest r, however little of the posterior is there.
// Result.Particles are all samples with their weights r, which are right, and so is log Ẑ.
type BestOf struct {
	Of    int // samples for each draw; 0 means 16
	Steps int // 0 means 100, where the process has none of its own
	Chain diffusion.Chain
}

// Sample implements odslib.Sampler.
func (b BestOf) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	of := b.Of
	if of == 0 {
		of = 16
	}
	if of < 0 {
		return nil, fmt.Errorf("best of n: the best of %d samples; ask for at least one", of)
	}
	if err := odslib.CheckDraw(post, n*of); err != nil { // that they fit into memory
		return nil, err
	}
	process, err := b.Chain.WithSteps(b.Steps, 100).ProcessOf(post.Prior, "best of n")
	if err != nil {
		return nil, err
	}
	islands, err := islandsOf(post.Given, n)
	if err != nil {
		return nil, fmt.Errorf("best of n: %w", err)
	}
	start := time.Now()
	res := odslib.NewResult(post, "best of n", b, seed)
	res.About = "draws are the best of several of the prior's, which is the law of no posterior; the weights of Particles are right"
	var given, own *odslib.Array
	if post.Given != nil {
		all := engine.NewArray(n*of, post.Given.Dim())
		for i := range n * of {
			copy(all.Row(i), post.Given.Row(i/of))
		}
		given = &all
		if c, ok := post.Prior.(odslib.Conditional); ok {
			part := engine.NewArray(n*of, c.Conditions())
			for i := range n * of {
				copy(part.Row(i), all.Row(i))
			}
			own = &part
		}
	}
	walk := diffusion.Walk{Process: process, Params: odslib.ParamsOf(process), Driver: b.Chain.Driver}
	d, err := walk.Draw(ctx, "best of n", own, n*of, 4096, seed)
	res.NetworkEvals = d.Evals
	if err != nil {
		res.Close(start)
		return res, err
	}
	judge := post
	judge.Given = given
	logr := make([]float64, n*of)
	if post.Constraint != nil {
		if logr, err = judge.Rewards(ctx, d.X); err != nil {
			res.Close(start)
			return res, err
		}
		res.ConstraintEvals = int64(n * of)
	}
	res.Lost(logr)
	best := make([]int, n)
	for i := range best {
		best[i] = i * of
		for k := i * of; k < (i+1)*of; k++ {
			if logr[k] > logr[best[i]] {
				best[i] = k
			}
		}
	}
	res.Samples, res.Particles = d.X.Take(best), &odslib.Cloud{X: d.X, LogWeights: logr}
	for _, at := range islands {
		part := logr[at.first*of : (at.first+at.draws)*of]
		said := odslib.Island{Draws: at.draws, ESS: measure.ESS(part)}
		said.LogZ, said.LogZError = measure.LogMeanExp(part)
		res.ESS += said.ESS
		res.Islands = append(res.Islands, said)
	}
	if len(islands) == 1 {
		res.LogZ, res.LogZError, res.Islands = res.Islands[0].LogZ, res.Islands[0].LogZError, nil
	}
	if math.IsInf(res.LogZ, -1) {
		res.Note("none of %d samples of the prior has r > 0: the draws are the prior's", n*of)
	}
	res.NonFinite += d.X.NonFinite()
	res.Close(start)
	return res, nil
}
