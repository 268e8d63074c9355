package balance

import (
	"context"
	"fmt"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var _ odslib.Sampler = At{}

// At is a policy of many conditions at one of them.
type At struct {
	Policy    *Policy
	Condition []float64
}

// At is the policy at the condition y: draw(policy.At(y...), post, 500). The posterior is the family's, whatever its Given and
// whatever measurement its constraint was made with.
func (p *Policy) At(y ...float64) At { return At{Policy: p, Condition: y} }

// Sample implements odslib.Sampler.
func (a At) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if a.Policy == nil {
		return nil, fmt.Errorf("the policy is nil")
	}
	given := engine.NewArray(max(n, 0), len(a.Condition))
	for i := range given.Len() {
		for j, v := range a.Condition {
			given.Row(i)[j] = float32(v)
		}
	}
	post.Given = &given
	return a.Policy.Sample(ctx, post, n, seed)
}

// Noted are the Notes of the training.
func (a At) Noted() []string { return a.Policy.Noted() }
