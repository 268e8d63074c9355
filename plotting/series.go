package plotting

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"odslab/odslib"
)

type role int

const (
	sampler role = iota
	prior
	truth
)

// Series is a set of samples with its name and its part in the picture, which fixes its colour: the prior is always
// grey, the truth black and dashed, and samplers take the colours of the palette in their order.
type Series struct {
	name    string
	role    role
	samples odslib.Array
	weights []float64
	point   []float64 // the truth where it is one point
	log     func(x, y float64) float64
	result  *odslib.Result
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
		s.err = check(v.Samples)
		if s.err == nil {
			if v.LogWeights != nil && len(v.LogWeights) != v.Samples.Len() {
				s.err = fmt.Errorf("%d samples but %d weights", v.Samples.Len(), len(v.LogWeights))
				return s
			}
			s.weights = v.Weights()
			for i, w := range s.weights {
				if math.IsNaN(w) {
					s.err = fmt.Errorf("the weight of sample %d is not a number", i)
					break
				}
			}
		}
		return s
	case odslib.Array:
		s := Series{name: "samples", samples: v, err: check(v)}
		s.weights = equal(v.Len())
		return s
	case odslib.Posterior:
		return closedForm(v)
	case odslib.Prior:
		return sampled(v)
	case [][]float64:
		if len(v) == 0 {
			return Series{err: errors.New("there are no samples")}
		}
		a := odslib.Array{Shape: []int{len(v), len(v[0])}}
		for i, row := range v {
			if len(row) != len(v[0]) {
				return Series{err: fmt.Errorf("sample %d has %d values and sample 0 has %d", i, len(row), len(v[0]))}
			}
			for _, x := range row {
				a.Data = append(a.Data, float32(x))
			}
		}
		return seriesOf(a)
	}
	return Series{err: fmt.Errorf("%T is neither samples (a Result, an Array, a Series) nor an option", v)}
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
	bad, first := 0, -1
	for i, v := range a.Data {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			if bad++; first < 0 {
				first = i
			}
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d values are NaN or infinite, the first in sample %d", bad, len(a.Data), first/a.Dim())
	}
	return nil
}

func (s Series) column(j int) []float64 { return s.samples.Column(j) }

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
