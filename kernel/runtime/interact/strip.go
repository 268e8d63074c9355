package interact

import (
	"slices"
	"strings"

	"odslab/kernel/runtime/contract"
)

// stripValues is how many values of a slider, and of a choice at most, stand
// side by side.
const stripValues = 5

// along are the values of a control that a strip shows, the one at the start among them.
func along(c contract.Control) (values []float64) {
	switch c.Kind {
	case contract.CheckBox:
		return []float64{0, 1}
	case contract.DropDown:
		for i := range min(len(c.Options), stripValues) {
			values = append(values, float64(i))
		}
		return values
	}
	for i := range stripValues {
		values = append(values, onStep(c, c.Min+(c.Max-c.Min)*float64(i)/(stripValues-1)))
	}
	values = append(values, c.Value)
	slices.Sort(values)
	return slices.Compact(values)
}

// strip are the values that stand side by side where there are no widgets: those
// of the first control, the others as they are at the start.
func (s *Shown) strip() (out []contract.StripValue, rest string) {
	for _, v := range along(s.controls[0]) {
		out = append(out, contract.StripValue{Value: v, Caption: valueText(s.controls[0], v)})
	}
	var others []string
	for _, c := range s.controls[1:] {
		others = append(others, valueText(c, c.Value))
	}
	return out, strings.Join(others, ", ")
}
