package density

import (
	"math"
	"slices"
	"sync"
)

// Kind says how a variable's samples are to be drawn: a smooth density is an answer to some of them only.
type Kind int

// The kinds.
const (
	Smooth   Kind = iota
	Few           // too few effective samples for a region
	Discrete      // a handful of values, each many times; one value is a constant
	Tied          // some values hold a share of the weight each, the rest is spread
)

// fewest effective samples for which a density is drawn.
const fewest = 20

// Atom is a value that several samples have, and its share of the weight.
type Atom struct{ At, Share float64 }

// Column is one variable of weighted samples that has been looked at: how it is to be drawn, and where.
type Column struct {
	X, W    []float64 // W sums to one
	Size    float64   // Kish's effective number
	Kind    Kind
	Atoms   []Atom // of a Discrete or Tied variable, rising
	Domain  Domain // where the density is estimated: without what lies far outside the bulk
	Hard    [2]bool
	Outside float64 // share of the weight beyond Domain

	sorted   []float64 // X, rising
	cum      []float64 // weight of sorted[:i+1]
	pitch    float64   // of values that were rounded, else 0
	repeated float64   // share of the weight at values that several rows have
	smallest float64   // gap between two values, where there are few
	pilot    *Curve
	mu       sync.Mutex
	placed   map[int][]place // of each sample, on grids of n cells
	index    []int           // of the samples at which joint densities are looked up
}

// places are where the samples lie on a grid of n cells.
func (c *Column) places(n int) []place {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.placed[n] == nil {
		if c.placed == nil {
			c.placed = map[int][]place{}
		}
		c.placed[n] = bin(c.X, c.Domain, n)
	}
	return c.placed[n]
}

// NewColumn looks at a variable. Rows that are copies of one another must have been merged into one with the sum of their
// weights: resampling makes copies, and copies tell nothing new.
func NewColumn(x, w []float64) *Column {
	c := &Column{X: x, W: normalised(w)}
	q := 0.
	for _, v := range c.W {
		q += v * v
	}
	c.Size = 1 / q
	order := Ordered(x, c.W)
	c.sorted, c.cum = make([]float64, len(order)), make([]float64, len(order))
	s := 0.
	for k, i := range order {
		s += c.W[i]
		c.sorted[k], c.cum[k] = x[i], s
	}
	c.classify()
	c.bulk()
	if c.Kind == Smooth {
		c.edges()
	}
	if c.Outside = c.below(c.Domain.Min) + 1 - c.upTo(c.Domain.Max); c.Outside < 1e-12 {
		c.Outside = 0
	}
	return c
}

func normalised(w []float64) []float64 {
	total := 0.
	for _, v := range w {
		total += v
	}
	out := make([]float64, len(w))
	for i, v := range w {
		out[i] = v / total
	}
	return out
}

// below is the weight of values less than v, upTo that of values not above it.
func (c *Column) below(v float64) float64 {
	i, _ := slices.BinarySearch(c.sorted, v)
	if i == 0 {
		return 0
	}
	return c.cum[i-1]
}

func (c *Column) upTo(v float64) float64 { return c.below(math.Nextafter(v, math.Inf(1))) }

// Quantile is the smallest value that a share q of the weight does not exceed.
func (c *Column) Quantile(q float64) float64 {
	i, _ := slices.BinarySearch(c.cum, q-1e-12)
	return c.sorted[min(i, len(c.sorted)-1)]
}

// Ends are the smallest and the largest value.
func (c *Column) Ends() (min, max float64) { return c.sorted[0], c.sorted[len(c.sorted)-1] }

// classify finds values that are no draws from a density. An atom is a value of several distinct rows.
func (c *Column) classify() {
	if c.Size < fewest && c.sorted[0] != c.sorted[len(c.sorted)-1] {
		c.Kind = Few
		return
	}
	distinct, biggest, last := 0, 0., 0.
	c.smallest = math.Inf(1)
	each := func(f func(at, share float64, several bool)) {
		last = 0
		for i := 0; i < len(c.sorted); {
			j := i
			for j+1 < len(c.sorted) && c.sorted[j+1] == c.sorted[i] {
				j++
			}
			f(c.sorted[i], c.cum[j]-last, j > i)
			last = c.cum[j]
			if i > 0 {
				c.smallest = min(c.smallest, c.sorted[i]-c.sorted[i-1])
			}
			i = j + 1
		}
	}
	each(func(_, share float64, several bool) {
		distinct++
		biggest = max(biggest, share)
		if several {
			c.repeated += share
		}
	})
	switch {
	case distinct == 1, distinct <= 30 && c.Size > 2*float64(distinct):
		c.Kind = Discrete
		each(func(at, share float64, _ bool) { c.Atoms = append(c.Atoms, Atom{at, share}) })
	case c.repeated > .05 && biggest > .04 && biggest*c.Size > 8 && biggest > 8*c.repeated/float64(distinct):
		c.Kind = Tied
		each(func(at, share float64, _ bool) {
			if share > .02 && share*c.Size > 4 {
				c.Atoms = append(c.Atoms, Atom{at, share})
			}
		})
	case c.repeated > .5: // rounded: no kernel narrower than the steps
		c.pitch = (c.Quantile(.75) - c.Quantile(.25)) / float64(c.between(c.Quantile(.25), c.Quantile(.75)))
	}
}

// between counts distinct values in (a, b].
func (c *Column) between(a, b float64) int {
	n := 0
	for i, v := range c.sorted {
		if v > a && v <= b && (i == 0 || c.sorted[i-1] != v) {
			n++
		}
	}
	return max(1, n)
}

// Pitch is the width of a bar of a Discrete variable.
func (c *Column) Pitch() float64 {
	if len(c.Atoms) < 2 || math.IsInf(c.smallest, 0) {
		return 0
	}
	return c.smallest
}

// bulk finds the domain: the middle 90 % of the weight and what lies within 2.5 times their width of them; beyond, what
// holds a fiftieth of the weight as long as the bulk stays a twentieth of the whole. A sample further out says nothing
// about the shape of the bulk, and a grid that reached to it could not show that shape.
func (c *Column) bulk() {
	first, last := c.Ends()
	a, b := c.Quantile(.05), c.Quantile(.95)
	if c.Kind == Few || c.Kind == Discrete {
		a, b = first, last
		if !(b > a) {
			r := math.Abs(a) * .05
			if r == 0 {
				r = .5
			}
			c.Domain = Domain{a - r, a + r}
			return
		}
		c.Domain = Domain{a, b}
		return
	}
	if !(b > a) {
		a, b = c.Quantile(.005), c.Quantile(.995)
	}
	if !(b > a) {
		a, b = first, last
	}
	r := b - a
	lo, hi := c.next(a-2.5*r, true), c.next(b+2.5*r, false)
	if c.below(lo) > .02 {
		if far := c.Quantile(.002); hi-far < 20*r {
			lo = far
		}
	}
	if 1-c.upTo(hi) > .02 {
		if far := c.Quantile(.998); far-lo < 20*r {
			hi = far
		}
	}
	c.Domain = Domain{lo, hi}
}

// next is the outermost value that is not beyond a limit.
func (c *Column) next(v float64, low bool) float64 {
	i, found := slices.BinarySearch(c.sorted, v)
	if low || found {
		return c.sorted[min(i, len(c.sorted)-1)]
	}
	return c.sorted[max(0, i-1)]
}

// edges leaves room for the kernel's tails except where the density ends at a wall.
func (c *Column) edges() {
	inner := c.Domain
	r := inner.Max - inner.Min
	c.Domain = Domain{inner.Min - .35*r, inner.Max + .35*r}
	pilot := c.estimate()
	c.pilot = &pilot
	h := pilot.Bandwidth
	if math.IsNaN(h) || h <= 0 {
		return
	}
	c.Hard = [2]bool{c.wall(inner.Min, 1, h, pilot), c.wall(inner.Max, -1, h, pilot)}
	d := Domain{inner.Min - 4*h, inner.Max + 4*h}
	d.Min, d.Max = max(d.Min, c.Domain.Min), min(d.Max, c.Domain.Max)
	if c.Hard[0] {
		d.Min = inner.Min
	}
	if c.Hard[1] {
		d.Max = inner.Max
	}
	if d != c.Domain {
		c.Domain, c.pilot = d, nil
	}
}

// wall tells whether the density stops at a value, seen from inside (side 1: to the right of it). It does where the
// samples within two bandwidths of the outermost are many, as dense as a good part of the highest place or of the mean, and
// do not thin out towards it: in a tail the outermost few samples take up half of the way.
func (c *Column) wall(at, side, h float64, pilot Curve) bool {
	if first, last := c.Ends(); at != first && side > 0 || at != last && side < 0 {
		return false // samples were left out beyond it
	}
	mass := func(d float64) float64 {
		if side > 0 {
			return c.upTo(at + d)
		}
		return 1 - c.below(at-d)
	}
	n := mass(2*h) * c.Size
	least := min(.1*slices.Max(pilot.Y), .15/(c.sorted[len(c.sorted)-1]-c.sorted[0]))
	near, next, third := mass(h/2)/(h/2), (mass(h)-mass(h/2))/(h/2), (mass(2*h)-mass(h))/h
	if !(n > 12 && mass(h)/h > least && near > .5*next && near > .4*third) {
		return false
	}
	if c.Size < 800 && !(near > .75*next && near > .7*third) {
		return false
	}
	// At a wall the way to the k-th sample is as long as k gaps; in a tail, whatever its scale, its first part is long.
	sure := 3. // standard errors; with few samples a tail that was cut is worse than a wall that was not seen
	if c.Size < 800 {
		sure = 1.6
	}
	for k := 16; k < len(c.sorted)/4 && k <= 512; k *= 2 {
		part := c.way(k/8, side) / c.way(k, side)
		if most := .125 + sure*.33/math.Sqrt(float64(k)); part > most {
			return false
		}
	}
	return true
}

// way is how far the k-th sample is from the outermost.
func (c *Column) way(k int, side float64) float64 {
	if side > 0 {
		return c.sorted[k] - c.sorted[0]
	}
	n := len(c.sorted) - 1
	return c.sorted[n] - c.sorted[n-k]
}
