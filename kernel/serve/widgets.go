package serve

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"odslab/kernel/jupyter"
	"odslab/kernel/runtime/contract"
)

// Targets and version of Jupyter's widgets
// (https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/schema/messages.md).
const (
	widgetTarget  = "jupyter.widget"
	controlTarget = "jupyter.widget.control"
	widgetVersion = "2.1.0"
	widgetView    = "application/vnd.jupyter.widget-view+json"
)

// model is one widget as all front ends see it. Its state has the names of ipywidgets.
type model struct {
	id    string
	state map[string]any
	of    *interaction
	index int // of the control; -1: no control
}

// widgets are the models of this kernel, and the interactions that they belong to.
type widgets struct {
	mu     sync.Mutex
	there  bool // a front end has asked for widgets
	models map[string]*model
	talks  map[string]bool // comms by which front ends ask for all states
	all    []*interaction
	made   int
}

func newWidgets() *widgets { return &widgets{models: map[string]*model{}, talks: map[string]bool{}} }

// wanted notes that a front end shows widgets: only then cells make them. Others
// would keep the models in the notebook's file and show nothing.
func (k *kernel) wanted() {
	w := k.widgets
	w.mu.Lock()
	defer w.mu.Unlock()
	w.there = true
}

// commInfo answers comm_info_request.
func (k *kernel) commInfo(ch jupyter.Channel, m *jupyter.Message) {
	var c struct {
		Target string `json:"target_name"`
	}
	m.Decode(&c)
	if c.Target == widgetTarget {
		k.wanted()
	}
	comms := map[string]any{}
	k.widgets.mu.Lock()
	for id := range k.widgets.models {
		if c.Target == "" || c.Target == widgetTarget {
			comms[id] = map[string]string{"target_name": widgetTarget}
		}
	}
	k.widgets.mu.Unlock()
	k.reply(ch, m, "comm_info_reply", map[string]any{"status": "ok", "comms": comms})
}

// commContent is the content of the messages of a comm.
type commContent struct {
	ID     string `json:"comm_id"`
	Target string `json:"target_name"`
	Data   struct {
		Method string         `json:"method"`
		State  map[string]any `json:"state"`
	} `json:"data"`
}

// comm takes comm_open, comm_msg and comm_close of a front end.
func (k *kernel) comm(m *jupyter.Message) {
	var c commContent
	if m.Decode(&c) != nil {
		return
	}
	w := k.widgets
	w.mu.Lock()
	model, talk := w.models[c.ID], w.talks[c.ID]
	w.mu.Unlock()
	switch {
	case m.Header.Type == "comm_open" && c.Target == controlTarget:
		k.wanted()
		w.mu.Lock()
		if len(w.talks) > maxTalks {
			clear(w.talks)
		}
		w.talks[c.ID] = true
		w.mu.Unlock()
	case m.Header.Type == "comm_open" && model == nil:
		k.closeComm(m, c.ID) // there is no other target; the front end must not wait for one
	case m.Header.Type == "comm_close" && talk:
		w.mu.Lock()
		delete(w.talks, c.ID)
		w.mu.Unlock()
	case m.Header.Type == "comm_close" && model != nil:
		k.forget(m, func(it *interaction) bool { return it == model.of })
	case m.Header.Type == "comm_msg" && talk && c.Data.Method == "request_states":
		k.send(m, c.ID, map[string]any{"method": "update_states", "states": k.widgets.states(), "buffer_paths": []any{}})
	case m.Header.Type == "comm_msg" && model != nil:
		switch c.Data.Method {
		case "request_state":
			w.mu.Lock()
			data := update("update", model.state)
			w.mu.Unlock()
			k.send(m, c.ID, data)
		case "update":
			k.set(m, model, c.Data.State)
		}
	case m.Header.Type == "comm_msg" && !talk: // of a kernel before this one
		k.closeComm(m, c.ID)
	}
}

// maxTalks bounds how many front ends are remembered.
const maxTalks = 1000

func update(method string, state map[string]any) map[string]any {
	copied, _ := json.Marshal(state) // it goes on changing
	return map[string]any{"method": method, "state": json.RawMessage(copied), "buffer_paths": []any{}}
}

func (k *kernel) send(parent *jupyter.Message, id string, data any) {
	k.publish("comm_msg", parent, map[string]any{"comm_id": id, "data": data}, nil)
}

func (k *kernel) closeComm(parent *jupyter.Message, id string) {
	k.publish("comm_close", parent, map[string]any{"comm_id": id, "data": struct{}{}}, nil)
}

// states are those of all models, for a front end that comes later.
func (w *widgets) states() map[string]any {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]any{}
	for id, m := range w.models {
		copied, _ := json.Marshal(m.state)
		out[id] = map[string]any{
			"model_name": m.state["_model_name"], "model_module": m.state["_model_module"],
			"model_module_version": m.state["_model_module_version"], "state": json.RawMessage(copied),
		}
	}
	return out
}

// set takes what a front end has changed, tells it to the others, and has the
// function called where it is the value of a control. What no control can be is
// put right.
func (k *kernel) set(m *jupyter.Message, on *model, state map[string]any) {
	w := k.widgets
	w.mu.Lock()
	it, call := on.of, false
	var wrong string
	for key, v := range state {
		if on.index < 0 || key != valueKey(it.said.Controls[on.index]) {
			if _, ok := on.state[key]; ok && !strings.HasPrefix(key, "_") {
				on.state[key] = v
			}
			continue
		}
		x, err := valueOf(it.said.Controls[on.index], v)
		if err != nil {
			wrong = err.Error()
			state[key] = on.state[key]
			continue
		}
		on.state[key], it.values[on.index], call = v, x, true
	}
	echo := update("echo_update", state)
	if wrong != "" {
		echo = update("update", state)
	}
	if call {
		it.request = m
	}
	if call && !it.waits {
		it.waits = true
	} else {
		call = false // the one that waits takes the newest values
	}
	w.mu.Unlock()
	k.send(m, on.id, echo)
	if wrong != "" {
		k.output(m, it, []any{(&failure{Name: "bad input", Value: wrong}).output()})
	}
	if call {
		k.queue.put(queued{request: m, again: it})
	}
}

// valueKey is the name of a control's value in its state.
func valueKey(c contract.Control) string {
	if c.Kind == contract.DropDown {
		return "index"
	}
	return "value"
}

// valueOf is the value that a front end gives, if the control can have it.
func valueOf(c contract.Control, v any) (float64, error) {
	switch x := v.(type) {
	case bool:
		if c.Kind == contract.CheckBox {
			if x {
				return 1, nil
			}
			return 0, nil
		}
	case float64:
		whole := x == float64(int64(x))
		switch c.Kind {
		case contract.DropDown:
			if whole && x >= 0 && int(x) < len(c.Options) {
				return x, nil
			}
		case contract.FloatSlider, contract.IntSlider:
			if x >= c.Min && x <= c.Max && (whole || c.Kind == contract.FloatSlider) {
				return x, nil
			}
			return 0, fmt.Errorf("%s = %v: it goes from %v to %v", c.Name, x, c.Min, c.Max)
		}
	}
	return 0, fmt.Errorf("%s can't be %v", c.Name, v)
}

// output shows what the function has shown, in all front ends.
func (k *kernel) output(parent *jupyter.Message, it *interaction, outputs []any) {
	w := k.widgets
	w.mu.Lock()
	gone := !slices.Contains(w.all, it)
	it.output.state["outputs"] = outputs
	data := update("update", map[string]any{"outputs": outputs})
	w.mu.Unlock()
	if !gone {
		k.send(parent, it.output.id, data)
	}
}

// forget closes the interactions that which picks, and their widgets everywhere.
func (k *kernel) forget(parent *jupyter.Message, which func(*interaction) bool) {
	w := k.widgets
	w.mu.Lock()
	var ids []string
	w.all = slices.DeleteFunc(w.all, func(it *interaction) bool {
		if !which(it) {
			return false
		}
		for _, m := range it.models {
			delete(w.models, m.id)
			ids = append(ids, m.id)
		}
		os.RemoveAll(it.dir)
		return true
	})
	w.mu.Unlock()
	for _, id := range ids {
		k.closeComm(parent, id)
	}
}

// holds adds the arrays that interactions need to those of the notebook's values.
func (w *widgets) holds(held map[string][]string, shared []string) (map[string][]string, []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if held = maps.Clone(held); held == nil {
		held = map[string][]string{}
	}
	for _, it := range w.all {
		if len(it.held) > 0 {
			held[it.dir] = it.held
		}
		shared = append(shared, it.shared...)
	}
	return held, shared
}
