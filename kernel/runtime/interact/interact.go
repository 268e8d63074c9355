// Package interact is the word interact of a cell: a function whose parameters
// the front end sets by sliders, drop-downs and check boxes. It is linked only
// into cells that use it.
//
// A cell's own run shows the function at its first values, and tells the kernel
// of the controls. For other values the kernel starts the same program again, on
// a copy of the values that the cell had; that run ends where the function has
// shown what it gives, and keeps nothing.
package interact

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/runtime/live"
)

// Interact is interact in a cell: it takes a function of one parameter or more, and what each of them may be, in order. What
// the cell's text tells of the function stands before it, where it is known.
func Interact(f any, controls ...any) *Shown {
	if known, ok := f.(Known); ok && len(controls) > 0 {
		return start(known.names, known.showable, controls[0], controls[1:])
	}
	return start(nil, nil, f, controls)
}

// Known is what the text of a cell tells of a function: what its parameters are called, and perhaps what makes its result
// showable.
type Known struct {
	names    []string
	showable func(any) any
}

// Named makes a Known.
func Named(showable func(any) any, names ...string) Known { return Known{names, showable} }

// again is what this run is for, nil in a cell's own run.
var again *contract.Again

// calls counts the interactions of this run.
var calls int

func init() {
	text := os.Getenv(contract.EnvAgain)
	if text == "" {
		return
	}
	again = &contract.Again{}
	if err := json.Unmarshal([]byte(text), again); err != nil {
		again.Call = -1
	}
	live.Copy = true
	out := json.NewEncoder(os.NewFile(contract.AgainShown, "shown"))
	live.Send = func(data, metadata map[string]any, id string) {
		if calls > again.Call { // what stands before the call has been shown already
			out.Encode(contract.AgainMessage{Data: data, Metadata: metadata, ID: id})
		}
	}
	live.Sync = func() {}
}

// start is the call itself: the first picture, or the one that this run is for.
func start(names []string, showable func(any) any, f any, controls []any) *Shown {
	s := &Shown{function: function{f: reflect.ValueOf(f), showable: showable}, call: calls}
	calls++
	var err error
	if s.controls, err = controlsOf(names, s.f, controls); err != nil {
		live.Raise(fmt.Errorf("interact: %w", err))
	}
	if again == nil {
		s.still, err = s.at(s.start())
		live.Raise(err)
		return s
	}
	if s.call != again.Call {
		return s
	}
	os.Stdout, os.Stderr = os.NewFile(contract.AgainStdout, "stdout"), os.NewFile(contract.AgainStderr, "stderr")
	if len(again.Values) != len(s.controls) {
		live.Raise(errors.New("interact: the program is not the one that has made these controls"))
	}
	data, err := s.at(again.Values)
	live.Raise(err)
	if data != nil {
		live.Send(data, nil, "")
	}
	os.Exit(0)
	return nil
}

// Shown is an interaction: as a cell's last expression it is the function's
// picture beside its controls.
type Shown struct {
	function
	call     int
	controls []contract.Control
	still    map[string]any // at the start; nil: the function gives nothing
}

// start are the values at the start.
func (s *Shown) start() (values []float64) {
	for _, c := range s.controls {
		values = append(values, c.Value)
	}
	return values
}

// at is the rich form of what the function gives.
func (s *Shown) at(values []float64) (data map[string]any, err error) {
	v, some, err := s.value(s.controls, values)
	if err != nil || !some {
		return nil, err
	}
	return live.Bundled(v)
}

// MIMEBundle is the first picture, and what the kernel makes widgets or a strip of.
func (s *Shown) MIMEBundle() (map[string]any, error) {
	if s == nil {
		return map[string]any{"text/plain": "nil"}, nil
	}
	text, _ := s.still["text/plain"].(string)
	said := contract.Interaction{Call: s.call, Controls: s.controls, Text: text}
	said.Strip, said.Rest = s.strip()
	data, err := json.Marshal(said)
	if err != nil {
		return nil, err
	}
	out := maps.Clone(s.still)
	if out == nil {
		out = map[string]any{}
	}
	out["text/plain"], out[contract.InteractionType] = s.text(), string(data)
	return out, nil
}

// text is the controls and the first result in words.
func (s *Shown) text() string {
	out := "interact:"
	for i, c := range s.controls {
		if i > 0 {
			out += ","
		}
		out += " " + valueText(c, c.Value)
		switch c.Kind {
		case contract.FloatSlider, contract.IntSlider:
			out += fmt.Sprintf(" (%v … %v)", c.Min, c.Max)
		case contract.DropDown:
			out += fmt.Sprintf(" of %v", c.Options)
		}
	}
	if text, ok := s.still["text/plain"]; ok {
		out += fmt.Sprintf("\n%v", text)
	}
	return out
}

// String is the interaction in words.
func (s *Shown) String() string { return s.text() }
