package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"odslab/kernel/jupyter"
	"odslab/kernel/runtime/contract"
)

// interaction is a function of a cell that has run, and what is needed to call
// it again: the cell's program and a copy of the values that it has loaded.
type interaction struct {
	said     contract.Interaction
	cell     string // the front end's name for it, or ""
	n        int    // its number in error lines
	dir      string
	env      []string
	cwd      string
	resident bool
	held     []string // arrays of the resident process that the copy stands for
	shared   []string

	// Guarded by widgets.mu.
	models  []*model
	output  *model
	values  []float64        // the newest
	request *jupyter.Message // that has set them
	waits   bool             // for its turn, which takes the newest values
}

// maxInteractions is how many stay. The oldest are closed.
const maxInteractions = 30

// interact makes of what a cell has said the widgets of front ends that show
// them, else a strip of pictures, and puts it into the display.
func (x *execution) interact(said string, display map[string]json.RawMessage) error {
	w := x.k.widgets
	it, still, err := x.hold(said, display)
	if err != nil {
		return err
	}
	w.mu.Lock()
	there := w.there
	w.mu.Unlock()
	if !there {
		defer os.RemoveAll(it.dir)
		page, err := json.Marshal(x.strip(it, still))
		for mime := range display {
			if mime != "text/plain" {
				delete(display, mime)
			}
		}
		display["text/html"] = page
		return err
	}
	display[widgetView], err = x.show(it, still)
	return err
}

// hold keeps what is needed to call an interaction's function again. still is
// the first picture by itself.
func (x *execution) hold(said string, display map[string]json.RawMessage) (it *interaction, still map[string]json.RawMessage, err error) {
	k, w := x.k, x.k.widgets
	if x.program == nil || x.program.Loaded == nil {
		return nil, nil, errors.New("only interact makes them")
	}
	it = &interaction{cell: x.cell, n: x.n, resident: x.program.Resident, request: x.request}
	if err := json.Unmarshal([]byte(said), &it.said); err != nil {
		return nil, nil, err
	}
	if len(it.said.Controls) == 0 {
		return nil, nil, errors.New("there is nothing to set")
	}
	still = maps.Clone(display)
	if still["text/plain"], err = json.Marshal(it.said.Text); it.said.Text == "" {
		delete(still, "text/plain")
	}
	w.mu.Lock()
	w.made++
	it.dir = filepath.Join(k.keep, fmt.Sprintf("interaction%d", w.made))
	w.mu.Unlock()
	defer func() {
		if err != nil {
			os.RemoveAll(it.dir)
		}
	}()
	if err := os.Mkdir(it.dir, 0o700); err != nil {
		return nil, nil, err
	}
	x.mu.Lock()
	child := x.child
	x.mu.Unlock()
	if child == nil {
		return nil, nil, errors.New("the cell has ended")
	}
	if it.env, it.cwd, err = child.Hold(filepath.Join(it.dir, "cell")); err != nil {
		return nil, nil, err
	}
	// Kept files are never written again, so a link is a copy.
	files, held, shared := x.program.Loaded()
	it.held, it.shared = held, shared
	for _, name := range append(files, contract.PlaceFile) {
		if err := os.Link(filepath.Join(k.keep, name), filepath.Join(it.dir, name)); err != nil && !(name == contract.PlaceFile && errors.Is(err, fs.ErrNotExist)) {
			return nil, nil, err
		}
	}
	for _, c := range it.said.Controls {
		it.values = append(it.values, c.Value)
	}
	return it, still, nil
}

// show makes the widgets of an interaction in all front ends, and returns their view.
func (x *execution) show(it *interaction, still map[string]json.RawMessage) (view json.RawMessage, err error) {
	k, w := x.k, x.k.widgets
	box := it.makeModels(still)
	var states []json.RawMessage // as they are before a front end can change them
	for _, m := range it.models {
		state, err := json.Marshal(m.state)
		if err != nil {
			return nil, err
		}
		states = append(states, state)
	}
	w.mu.Lock()
	var old []*interaction
	w.all = append(w.all, it)
	if n := len(w.all) - maxInteractions; n > 0 {
		old = slices.Clone(w.all[:n])
	}
	for _, m := range it.models {
		w.models[m.id] = m
	}
	w.mu.Unlock()
	k.forget(x.request, func(it *interaction) bool { return slices.Contains(old, it) })
	for i, m := range it.models { // those that others name come first
		k.publish("comm_open", x.request, map[string]any{
			"comm_id": m.id, "target_name": widgetTarget, "data": map[string]any{"state": states[i], "buffer_paths": []any{}},
		}, map[string]string{"version": widgetVersion})
	}
	return json.Marshal(map[string]any{"model_id": box.id, "version_major": 2, "version_minor": 0})
}

// makeModels makes the widgets: a control for each parameter, the output, and the
// box around them.
func (it *interaction) makeModels(still map[string]json.RawMessage) (box *model) {
	add := func(index int, module, version, name, view string, state map[string]any) *model {
		state["_model_module"], state["_model_module_version"], state["_model_name"] = module, version, name
		state["_view_module"], state["_view_module_version"], state["_view_name"] = module, version, view
		m := &model{id: jupyter.NewID(), state: state, of: it, index: index}
		it.models = append(it.models, m)
		return m
	}
	control := func(i int, kind string, state map[string]any) *model {
		return add(i, "@jupyter-widgets/controls", "2.0.0", kind+"Model", kind+"View", state)
	}
	var children []string
	for i, c := range it.said.Controls {
		var m *model
		switch c.Kind {
		case contract.FloatSlider, contract.IntSlider:
			kind, format := "FloatSlider", fmt.Sprintf(".%df", digits(c.Step))
			if c.Kind == contract.IntSlider {
				kind, format = "IntSlider", "d"
			}
			m = control(i, kind, map[string]any{
				"description": c.Name, "min": c.Min, "max": c.Max, "step": c.Step, "value": c.Value, "readout_format": format, "continuous_update": true,
			})
		case contract.DropDown:
			m = control(i, "Dropdown", map[string]any{"description": c.Name, "_options_labels": c.Options, "index": int(c.Value)})
		default:
			m = control(i, "Checkbox", map[string]any{"description": c.Name, "value": c.Value != 0, "indent": true})
		}
		children = append(children, "IPY_MODEL_"+m.id)
	}
	outputs := []any{}
	if len(still) > 0 {
		outputs = append(outputs, map[string]any{"output_type": "display_data", "data": still, "metadata": struct{}{}})
	}
	it.output = add(-1, "@jupyter-widgets/output", "1.0.0", "OutputModel", "OutputView", map[string]any{"msg_id": "", "outputs": outputs})
	return control(-1, "VBox", map[string]any{"children": append(children, "IPY_MODEL_"+it.output.id)})
}

// digits is how many digits behind the point a step has.
func digits(step float64) int {
	_, behind, _ := strings.Cut(strconv.FormatFloat(step, 'f', -1, 64), ".")
	return min(len(behind), 20)
}
