package plotting

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"odslab/odslib"
)

type role int

const (
	sampler role = iota
	prior
	truth
	reference
)

// Series is a set of samples with its name and its part in the picture, which fixes its colour: the prior is always
// grey, the truth black and dashed, and samplers take the colours of the palette in their order.
type Series struct {
	name    string
	role    role
	samples odslib.Array
	precise []float64 // the same row by row, where they were given in double precision
	weights []float64
	lost    int       // samples that were left out because they are not finite
	names   []string  // of the variables, where the samples bring them
	point   []float64 // the truth where it is one point; a NaN leaves a variable out
	log     func(x, y float64) float64
	result  *odslib.Result
	table   *table
	err     error
}

// Prior marks samples (a *odslib.Result, an odslib.Array, a Series, or an odslib.Prior, of which samples are drawn) as the
// prior's.
func Prior(v any) Series { return seriesOf(v).as("prior", prior) }

// Truth marks samples as the exact posterior's (an odslib.Posterior with a closed form will do), or a point ([]float64, or an Array of one sample) as the true value.
func Truth(v any) Series {
	if p, ok := v.([]float64); ok {
		s := Series{name: "truth", role: truth, point: p}
		for i, x := range p {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				s.err = fmt.Errorf("the true value's number %d is %v", i+1, x)
			}
		}
		return s
	}
	s := seriesOf(v)
	name := "truth"
	if s.samples.Len() == 1 && s.err == nil {
		s.point = toFloats(s.samples.Row(0))
	} else if s.result != nil && s.name != "" {
		name = s.name
	} else if _, ok := v.(odslib.Posterior); ok {
		name = "exact"
	}
	return s.as(name, truth)
}

// Reference is a value to compare with, one number for each variable (NaN leaves one out): a dotted line with a name.
func Reference(name string, value ...float64) Series {
	s := Series{name: name, role: reference, point: value}
	if !slices.ContainsFunc(value, func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }) {
		s.err = fmt.Errorf("reference %q has no finite value", name)
	}
	return s
}

// As gives samples a name of their own for the legend.
func As(name string, v any) Series {
	s := seriesOf(v)
	return s.as(name, s.role)
}

// LogDensity adds the known log-density of a series in two variables, up to a constant, for Density2D.
func (s Series) LogDensity(f func(x, y float64) float64) Series {
	s.log = f
	return s
}

// Field is a log-density in two variables without samples, for Density2D.
func Field(name string, f func(x, y float64) float64) Series { return Series{name: name, log: f} }

func (s Series) as(name string, r role) Series {
	s.name, s.role = name, r
	return s
}

func seriesOf(v any) Series {
	switch v := v.(type) {
	case Series:
		return v
	case *odslib.Result:
		if v == nil {
			return Series{err: errors.New("a Result is nil; was its sampler's error looked at?")}
		}
		s := Series{name: v.Sampler, samples: v.Samples, result: v}
		if s.name == "" {
			s.name = "samples"
		}
		if v.LogWeights != nil && len(v.LogWeights) != v.Samples.Len() {
			s.err = fmt.Errorf("%d samples but %d weights", v.Samples.Len(), len(v.LogWeights))
			return s
		}
		s.names, s.weights = v.Names, v.Weights()
		return s.finite()
	case odslib.Array:
		return Series{name: "samples", samples: v, weights: equal(v.Len())}.finite()
	case odslib.Posterior:
		return closedForm(v)
	case odslib.Prior:
		return sampled(v)
	case []float64:
		s := Series{name: "samples", samples: odslib.Array{Shape: []int{len(v), 1}, Data: make([]float32, len(v))}, precise: v, weights: equal(len(v))}
		for i, x := range v {
			s.samples.Data[i] = float32(x)
		}
		return s.finite()
	case [][]float64:
		if len(v) == 0 {
			return Series{err: errors.New("there are no samples")}
		}
		s := Series{name: "samples", samples: odslib.Array{Shape: []int{len(v), len(v[0])}}, weights: equal(len(v))}
		for i, row := range v {
			if len(row) != len(v[0]) {
				return Series{err: fmt.Errorf("sample %d has %d values and sample 0 has %d", i, len(row), len(v[0]))}
			}
			for _, x := range row {
				s.samples.Data = append(s.samples.Data, float32(x))
			}
			s.precise = append(s.precise, row...)
		}
		return s.finite()
	}
	return Series{err: fmt.Errorf("%T is neither samples (a Result, an Array, []float64, a Series) nor an option", v)}
}

// check finds what cannot be plotted.
func check(a odslib.Array) error {
	if len(a.Shape) == 0 || a.Len() == 0 || len(a.Data) == 0 {
		return errors.New("there are no samples")
	}
	size := 1
	for _, n := range a.Shape {
		size *= n
	}
	if size != len(a.Data) {
		return fmt.Errorf("shape %v does not fit %d values", a.Shape, len(a.Data))
	}
	return nil
}

// finite leaves out samples with a value that is not finite, and counts them.
func (s Series) finite() Series {
	if s.err = check(s.samples); s.err != nil {
		return s
	}
	d, n := s.samples.Dim(), s.samples.Len()
	whole := func(i int) bool {
		for j := i * d; j < (i+1)*d; j++ {
			v := float64(s.samples.Data[j])
			if s.precise != nil {
				v = s.precise[j]
			}
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return false
			}
		}
		return true
	}
	var keep []int
	for i := range n {
		switch {
		case !whole(i):
			if s.lost == 0 {
				for k := range i {
					keep = append(keep, k)
				}
			}
			s.lost++
		case s.lost > 0:
			keep = append(keep, i)
		}
	}
	if s.lost == n {
		s.err = fmt.Errorf("none of %d samples is finite", n)
		return s
	}
	if s.lost > 0 {
		var w, precise []float64
		for _, i := range keep {
			w = append(w, s.weights[i])
			if s.precise != nil {
				precise = append(precise, s.precise[i*d:(i+1)*d]...)
			}
		}
		s.samples, s.weights, s.precise = s.samples.Take(keep), w, precise
	}
	total := 0.
	for _, w := range s.weights {
		total += w
	}
	if !(total > 0) || math.IsInf(total, 0) {
		s.err = errors.New("no sample has any weight; log-weights must be finite for one sample at least")
		return s
	}
	if s.lost > 0 {
		for i := range s.weights {
			s.weights[i] /= total
		}
	}
	s.table = newTable(s.dim(), s.weights, s.column)
	return s
}

func (s Series) column(j int) []float64 {
	d, out := s.samples.Dim(), make([]float64, s.samples.Len())
	for i := range out {
		if s.precise != nil {
			out[i] = s.precise[i*d+j]
		} else {
			out[i] = float64(s.samples.Data[i*d+j])
		}
	}
	return out
}

// many tells whether the series has samples and not one point.
func (s Series) many() bool { return s.point == nil && s.samples.Len() > 0 }

func (s Series) dim() int {
	if s.point != nil {
		return len(s.point)
	}
	return s.samples.Dim()
}

func equal(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 1 / float64(n)
	}
	return w
}

func toFloats(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// draw returns about n points, picked by their weights: one from each of n equal shares of all weight, at a place that is
// random but always the same, since an even step would fall in with any order that the samples have.
func draw(n int, w, x, y []float64) (outX, outY []float64) {
	total := 0.
	for _, v := range w {
		total += v
	}
	if total == 0 {
		return nil, nil
	}
	step := max(1, float64(len(w))/float64(n)) * total / float64(len(w))
	r := rand.New(rand.NewPCG(1, 0))
	cum, k := 0., 0.
	next := r.Float64() * step
	for i := range w {
		for cum += w[i]; cum > next; {
			k++
			next = (k + r.Float64()) * step
			outX, outY = append(outX, x[i]), append(outY, y[i])
		}
	}
	return outX, outY
}
