package exact

import (
	"context"
	"math"
	"slices"

	"odslab/odslib"
	"odslab/odslib/priors"
)

// Exact is the posterior in closed form and log Z, also where the case alone knows it or it is known by coordinates.
func (c Case) Exact() (odslib.Prior, float64, error) {
	if c.Answer != nil {
		return c.Answer, c.LogZ, nil
	}
	if c.Each == nil {
		return c.Post.Exact()
	}
	one, logZ, err := c.Each.Exact()
	d := c.Post.Shape()[0]
	return copies{one, d}, logZ * float64(d), err
}

// copies is d independent coordinates, each with the law of one.
type copies struct {
	one odslib.Prior
	d   int
}

// Shape implements odslib.Prior.
func (p copies) Shape() []int { return []int{p.d} }

// Sample implements odslib.Prior.
func (p copies) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	x, err := p.one.Sample(ctx, n*p.d, seed)
	return x.Reshape(n, p.d), err
}

// Hills are, for a case of independent coordinates, the borders between the hills of one and the exact shares between them. Borders
// lie in the middle between neighbouring means. It is false where a coordinate has one hill or is not a mixture.
func (c Case) Hills() (borders, shares []float64, ok bool) {
	if c.Each == nil {
		return nil, nil, false
	}
	one, _, err := c.Each.Exact()
	m, mixture := one.(*priors.Mixture)
	if err != nil || !mixture || len(m.Means) < 2 {
		return nil, nil, false
	}
	var means []float64
	for _, mean := range m.Means {
		means = append(means, mean[0])
	}
	slices.Sort(means)
	for i := range means[1:] {
		borders = append(borders, .5*(means[i]+means[i+1]))
	}
	below := 0.
	for i := range means {
		next := 1.
		if i < len(borders) {
			next = 0
			for k, w := range m.Probabilities() {
				next += w * .5 * math.Erfc((m.Means[k][0]-borders[i])/math.Sqrt(2*m.Variances[k][0]))
			}
		}
		shares = append(shares, next-below)
		below = next
	}
	return borders, shares, true
}
