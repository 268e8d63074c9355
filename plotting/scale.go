package plotting

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// scale maps an interval of data to 0..1.
type scale struct {
	min, max float64
	log      bool
	power    bool // data are logarithms to base 10; numbers are written as what they are logarithms of
}

func (s scale) to(v float64) float64 {
	if s.log {
		return math.Log(v/s.min) / math.Log(s.max/s.min)
	}
	return (v - s.min) / (s.max - s.min)
}

// around is the scale that shows all values, with a margin as a share of the range.
func around(margin float64, log bool, values ...float64) scale {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) || log && v <= 0 {
			continue
		}
		lo, hi = min(lo, v), max(hi, v)
	}
	switch {
	case lo > hi && log:
		return scale{min: 1, max: 10, log: true}
	case lo > hi:
		return scale{min: 0, max: 1}
	case log:
		if hi/lo < 1.05 {
			lo, hi = lo/2, hi*2
		}
		f := math.Pow(hi/lo, margin)
		return scale{min: lo / f, max: hi * f, log: true}
	case hi-lo <= 1e-12*max(math.Abs(lo), math.Abs(hi)):
		r := math.Abs(lo) * .1
		if r == 0 {
			r = .5
		}
		return scale{min: lo - r, max: hi + r}
	}
	r := (hi - lo) * margin
	return scale{min: lo - r, max: hi + r}
}

// base is the round number that an axis counts from where its numbers would differ in their last digits only; else 0.
func (s scale) base() float64 {
	if s.log || s.power {
		return 0
	}
	r, top := s.max-s.min, max(math.Abs(s.min), math.Abs(s.max))
	if !(r > 0) || top < 2e4*r {
		return 0
	}
	unit := math.Pow(10, math.Ceil(math.Log10(r)))
	return math.Round((s.min+s.max)/2/unit) * unit
}

// tick is a place on an axis and its label, empty for a minor one.
type tick struct {
	at    float64
	label string
}

// ticks are at most n round numbers, none closer to an end than the share edge of the axis.
func (s scale) ticks(n int, edge float64) []tick {
	if s.log {
		return s.logTicks(n, edge)
	}
	if s.power {
		ts := scale{min: math.Pow(10, s.min), max: math.Pow(10, s.max), log: true}.ticks(n, edge)
		for i := range ts {
			ts[i].at = math.Log10(ts[i].at)
		}
		return ts
	}
	if b := s.base(); b != 0 {
		ts := scale{min: s.min - b, max: s.max - b}.ticks(n, edge)
		for i := range ts {
			ts[i].at += b
		}
		return ts
	}
	best := s.even(n, edge, 1, 2, 5)
	if n >= 5 || len(best) < 2 { // quarters, where there is room for all or nothing else fits
		if at := s.even(n, edge, 1, 2, 2.5, 5); len(at) > len(best) {
			best = at
		}
	}
	if len(best) < 2 && n >= 2 && edge > 0 {
		return s.ticks(n, 0)
	}
	return label(best)
}

// even are at most n multiples of the finest step that is one of the given numbers times a power of ten.
func (s scale) even(n int, edge float64, steps ...float64) []float64 {
	power := math.Floor(math.Log10((s.max - s.min) / float64(n)))
	for p := power; p <= power+2; p++ {
		for _, m := range steps {
			step := m * math.Pow(10, p)
			var at []float64
			for k := math.Ceil(s.min/step - 1e-9); k*step <= s.max+1e-9*step; k++ {
				if f := s.to(k * step); f >= edge-1e-9 && f <= 1-edge+1e-9 {
					at = append(at, k*step)
				}
			}
			if len(at) <= n {
				return at
			}
		}
	}
	return nil
}

func (s scale) logTicks(n int, edge float64) []tick {
	lo, hi := int(math.Ceil(math.Log10(s.min)-1e-9)), int(math.Floor(math.Log10(s.max)+1e-9))
	var out []tick
	every := 1
	for (hi-lo)/every+1 > n {
		every++
	}
	for k := lo; k <= hi; k++ {
		v := math.Pow(10, float64(k))
		if f := s.to(v); f < edge || f > 1-edge {
			continue
		}
		if k%every == 0 {
			name := fmt.Sprintf("10^{%d}", k)
			if lo >= -3 && hi <= 4 || k == 0 { // plain numbers while they are short
				name = number(v, max(0, -k))
			}
			out = append(out, tick{v, name})
		} else {
			out = append(out, tick{at: v})
		}
	}
	if labelled(out) >= 3 {
		return out
	}
	// Few powers of ten: with their multiples by 3, or 2 and 5, or an even scale where even these are too few.
	best := out
	for _, multiples := range [][]float64{{1, 3}, {1, 2, 5}} {
		var at []tick
		for k := lo - 1; k <= hi; k++ {
			for _, m := range multiples {
				if v := m * math.Pow(10, float64(k)); s.to(v) >= edge && s.to(v) <= 1-edge {
					at = append(at, tick{v, number(v, max(0, -k))})
				}
			}
		}
		if len(at) <= n && len(at) > labelled(best) && lo > -4 && hi < 5 {
			best = at
		}
	}
	if labelled(best) >= 2 || labelled(best) == 1 && hi-lo >= 2 {
		return best
	}
	return scale{min: s.min, max: s.max}.ticks(n, edge)
}

func labelled(ts []tick) int {
	n := 0
	for _, t := range ts {
		if t.label != "" {
			n++
		}
	}
	return n
}

// label gives all ticks of an axis the same number of decimals: as many as tell them apart.
func label(at []float64) []tick {
	out := make([]tick, len(at))
	if len(at) == 0 {
		return out
	}
	top, step := 0., math.Inf(1)
	for i, v := range at {
		top = max(top, math.Abs(v))
		if i > 0 {
			step = min(step, v-at[i-1])
		}
	}
	if math.IsInf(step, 0) {
		step = top
	}
	exponent, unit := 0, 1.
	if top >= 1e5 || top > 0 && top < 1e-3 {
		exponent = int(math.Floor(math.Log10(top)))
		unit = math.Pow(10, float64(exponent))
	}
	decimals := 0
	for ; decimals < 12; decimals++ {
		ok := true
		for _, v := range at {
			f := math.Pow(10, float64(decimals))
			ok = ok && math.Abs(v/unit*f-math.Round(v/unit*f)) <= .01*min(1, step/unit*f)
		}
		if ok {
			break
		}
	}
	for i, v := range at {
		text := number(v/unit, decimals)
		if exponent != 0 && v != 0 {
			text += fmt.Sprintf("×10^{%d}", exponent)
		}
		out[i] = tick{v, text}
	}
	return out
}

// number writes a value with a true minus sign.
func number(v float64, decimals int) string {
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return strings.Replace(s, "-", "−", 1)
}
