package interact

import (
	"errors"
	"fmt"
	"reflect"

	"odslab/kernel/runtime/contract"
)

// function is what an interaction calls.
type function struct {
	f        reflect.Value
	showable func(any) any // what its result needs to be shown, or nil
}

var errorType = reflect.TypeFor[error]()

// value calls the function; some is false where it gives nothing to show.
func (f function) value(controls []contract.Control, values []float64) (v any, some bool, err error) {
	t := f.f.Type()
	in := make([]reflect.Value, len(values))
	for i, x := range values {
		in[i] = reflect.New(t.In(i)).Elem()
		switch c := controls[i]; c.Kind {
		case contract.FloatSlider:
			in[i].SetFloat(x)
		case contract.IntSlider:
			if in[i].CanUint() {
				in[i].SetUint(uint64(x))
			} else {
				in[i].SetInt(int64(x))
			}
		case contract.DropDown:
			in[i].SetString(c.Options[int(x)])
		case contract.CheckBox:
			in[i].SetBool(x != 0)
		}
	}
	out := f.f.Call(in)
	if n := len(out); n > 0 && t.Out(n-1).Implements(errorType) && t.Out(n-1).Kind() == reflect.Interface {
		if e, ok := out[n-1].Interface().(error); ok {
			return nil, false, e
		}
		out = out[:n-1]
	}
	if len(out) == 0 {
		return nil, false, nil
	}
	v = out[0].Interface()
	if f.showable != nil {
		v = f.showable(v)
	}
	return v, true, nil
}

// checked says what is wrong with a function.
func (f function) checked() error {
	if f.f.Kind() != reflect.Func || f.f.IsNil() {
		return errors.New("the first argument is a function of the values, func(y float64) any { … }")
	}
	t := f.f.Type()
	if t.IsVariadic() {
		return errors.New("a function of any number of values has no controls: name each parameter")
	}
	if t.NumOut() > 2 || t.NumOut() == 2 && t.Out(1) != errorType {
		return fmt.Errorf("the function gives one value, or one and an error; this is a %s", t)
	}
	return nil
}
