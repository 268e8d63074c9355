package priors

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/optimize"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// calibrationLevels are the σ of the noised samples that a temperature is fitted to, α²+σ²=1.
var calibrationLevels = [...]float64{0, .2, .4, .6, .8, .95}

// Calibrate returns the classifier with the temperature exp(a + b·σ/√(α²+σ²)) that makes the labels of data, which it has not been
// trained on, likeliest at six noise levels (Guo et al. 1706.04599, one number more for the level).
func (c *Classifier) Calibrate(ctx context.Context, data Labelled, seed uint64) (*Classifier, error) {
	if data.X.Len() != len(data.Labels) || data.X.Len() == 0 {
		return nil, fmt.Errorf("classifier: %d samples and %d labels to calibrate by", data.X.Len(), len(data.Labels))
	}
	by := *c
	by.Temperature = [2]float64{}
	var logits []odslib.Array
	scale := c.Scale
	if scale == 0 {
		scale = 1
	}
	for k, s := range calibrationLevels {
		x, rng, alpha := data.X.Clone(), engine.RNG(seed, fmt.Sprintf("priors.Calibrate.%d", k)), math.Sqrt(1-s*s)
		for i, v := range x.Data {
			x.Data[i] = float32(alpha*float64(v) + scale*s*rng.NormFloat64())
		}
		l, err := by.rowsOf(ctx, x, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
			n := in[0].Shape().Dimensions[0]
			at := odslib.Level{T: graph.BroadcastToDims(in[2], n), Alpha: graph.BroadcastToDims(in[1], n), Sigma: graph.BroadcastToDims(in[2], n)}
			return []*engine.Node{by.LogProbs(scope, in[0], at)}
		}, float32(alpha), float32(scale*s))
		if err != nil {
			return nil, err
		}
		logits = append(logits, l)
	}
	miss := func(t []float64) (sum float64) {
		for k, l := range logits {
			w := math.Exp(-t[0] - t[1]*calibrationLevels[k])
			for i, label := range data.Labels {
				top, all := math.Inf(-1), 0.
				for _, v := range l.Row(i) {
					top = math.Max(top, w*float64(v))
				}
				for _, v := range l.Row(i) {
					all += math.Exp(w*float64(v) - top)
				}
				sum += top + math.Log(all) - w*float64(l.Row(i)[label])
			}
		}
		return sum / float64(len(data.Labels)*len(logits))
	}
	r, err := optimize.Minimize(optimize.Problem{Func: miss}, []float64{0, 0}, nil, &optimize.NelderMead{})
	if err != nil {
		return nil, fmt.Errorf("classifier: the temperature cannot be fitted: %w", err)
	}
	by.Temperature = [2]float64{r.X[0], r.X[1]}
	return &by, nil
}
