package interact

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"

	"odslab/kernel/runtime/contract"
)

// controlsOf makes a control for each parameter of f.
func controlsOf(names []string, f reflect.Value, given []any) ([]contract.Control, error) {
	if err := (function{f: f}).checked(); err != nil {
		return nil, err
	}
	t := f.Type()
	if t.NumIn() != len(given) || len(given) == 0 {
		return nil, fmt.Errorf("the function has %d parameters, and %d controls are given: one for each, in order", t.NumIn(), len(given))
	}
	var out []contract.Control
	for i, x := range given {
		c := contract.Control{Name: "value " + strconv.Itoa(i+1)}
		if i < len(names) && names[i] != "" && names[i] != "_" {
			c.Name = names[i]
		}
		if err := control(&c, t.In(i), reflect.ValueOf(x)); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// control fills in what a parameter of type t may be.
func control(c *contract.Control, t reflect.Type, x reflect.Value) error {
	numbers := func() (list []float64, ok bool) {
		if !x.IsValid() || x.Kind() != reflect.Slice && x.Kind() != reflect.Array {
			return nil, false
		}
		for i := range x.Len() {
			switch e := x.Index(i); {
			case e.CanFloat():
				list = append(list, e.Float())
			case e.CanInt():
				list = append(list, float64(e.Int()))
			case e.CanUint():
				list = append(list, float64(e.Uint()))
			default:
				return nil, false
			}
		}
		return list, true
	}
	wrong := func(want string) error {
		is := "nil"
		if x.IsValid() {
			is = x.Type().String()
		}
		return fmt.Errorf("a %s wants %s, not a %s", t, want, is)
	}
	switch zero := reflect.Zero(t); {
	case zero.CanFloat():
		list, ok := numbers()
		if !ok {
			return wrong("[]float64{min, max[, step[, start]]}")
		}
		c.Kind = contract.FloatSlider
		return slider(c, list, niceStep)
	case zero.CanInt(), zero.CanUint():
		list, ok := numbers()
		if !ok {
			return wrong("[]int{min, max[, step[, start]]}")
		}
		c.Kind = contract.IntSlider
		for _, v := range list {
			if v != math.Trunc(v) {
				return fmt.Errorf("%v is no whole number", v)
			}
		}
		if err := slider(c, list, func(lo, hi float64) float64 { return 1 }); err != nil {
			return err
		}
		for _, v := range []float64{c.Min, c.Max} {
			if math.Abs(v) > 1<<53 || zero.CanInt() && zero.OverflowInt(int64(v)) || zero.CanUint() && (v < 0 || zero.OverflowUint(uint64(v))) {
				return fmt.Errorf("%v is no %s", v, t)
			}
		}
		return nil
	case t.Kind() == reflect.String:
		if !x.IsValid() || x.Kind() != reflect.Slice && x.Kind() != reflect.Array || x.Type().Elem().Kind() != reflect.String {
			return wrong("[]string{…}")
		}
		c.Kind = contract.DropDown
		for i := range x.Len() {
			if o := x.Index(i).String(); slices.Contains(c.Options, o) {
				return fmt.Errorf("%q stands twice among the choices", o)
			}
			c.Options = append(c.Options, x.Index(i).String())
		}
		if len(c.Options) == 0 {
			return fmt.Errorf("there is nothing to choose from")
		}
		return nil
	case t.Kind() == reflect.Bool:
		if !x.IsValid() || x.Kind() != reflect.Bool {
			return wrong("true or false")
		}
		c.Kind = contract.CheckBox
		if x.Bool() {
			c.Value = 1
		}
		return nil
	}
	return fmt.Errorf("no control sets a %s: a parameter is a number, a string or a bool", t)
}

// slider reads min, max, step and start; values stand on the steps from min.
func slider(c *contract.Control, v []float64, step func(lo, hi float64) float64) error {
	if len(v) < 2 || len(v) > 4 {
		return fmt.Errorf("%d numbers are given; a slider has min and max, and perhaps a step and a start", len(v))
	}
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("%v is no end of a slider", x)
		}
	}
	c.Min, c.Max = v[0], v[1]
	if c.Min >= c.Max || math.IsInf(c.Max-c.Min, 0) {
		return fmt.Errorf("from %v to %v there is nothing to slide", c.Min, c.Max)
	}
	c.Step = step(c.Min, c.Max)
	if len(v) > 2 {
		c.Step = v[2]
	}
	if c.Step <= 0 || c.Step > c.Max-c.Min {
		return fmt.Errorf("%v is no step between %v and %v", c.Step, c.Min, c.Max)
	}
	if len(v) > 3 {
		if c.Value = v[3]; c.Value < c.Min || c.Value > c.Max {
			return fmt.Errorf("%v, the start, lies outside %v … %v", c.Value, c.Min, c.Max)
		}
		return nil
	}
	c.Value = onStep(*c, (c.Min+c.Max)/2)
	return nil
}

// niceStep cuts a range into about a hundred steps of 1, 2 or 5 times a power of ten.
func niceStep(lo, hi float64) float64 {
	rough := (hi - lo) / 100
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= rough*(1-1e-9) {
			return clean(m * power)
		}
	}
	return clean(10 * power)
}

// onStep is the value of a slider that is nearest to v.
func onStep(c contract.Control, v float64) float64 {
	return clean(math.Min(c.Max, c.Min+c.Step*math.Round((v-c.Min)/c.Step)))
}

// clean takes away the last digits, which arithmetic has left.
func clean(v float64) float64 {
	x, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 12, 64), 64)
	return x
}

// valueText is a control at a value, in words.
func valueText(c contract.Control, v float64) string {
	switch c.Kind {
	case contract.DropDown:
		return c.Name + " = " + c.Options[int(v)]
	case contract.CheckBox:
		return c.Name + " = " + strconv.FormatBool(v != 0)
	}
	return c.Name + " = " + strconv.FormatFloat(v, 'g', 6, 64)
}
