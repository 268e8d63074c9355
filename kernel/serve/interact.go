package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"odslab/kernel/gonb"
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
	for _, m := range it.models { // those that others name come first
		k.publish("comm_open", x.request, map[string]any{
			"comm_id": m.id, "target_name": widgetTarget, "data": map[string]any{"state": m.state, "buffer_paths": []any{}},
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

// again calls an interaction's function with the newest values. What it shows
// goes to the widgets; nothing else of the notebook changes.
func (k *kernel) again(ctx context.Context, it *interaction) {
	w := k.widgets
	w.mu.Lock()
	it.waits = false
	values, request, gone := slices.Clone(it.values), it.request, !slices.Contains(w.all, it)
	w.mu.Unlock()
	if gone {
		return
	}
	x := &execution{k: k, request: request, n: it.n, started: time.Now(), stopped: make(chan struct{})}
	k.mu.Lock()
	k.running = x
	k.status(request, "busy")
	k.mu.Unlock()
	k.renumber = nil
	outputs, f := x.callAgain(ctx, it, values)
	if f != nil {
		outputs = append(outputs, f.output())
	}
	k.output(request, it, outputs)
	k.mu.Lock()
	k.running = nil
	k.status(request, "idle")
	k.mu.Unlock()
}

// output is the failure as an output of a notebook.
func (f *failure) output() map[string]any {
	content := f.content()
	content["output_type"] = "error"
	return content
}

func (x *execution) callAgain(ctx context.Context, it *interaction, values []float64) (outputs []any, f *failure) {
	k := x.k
	if it.resident && k.resident != nil {
		if f := k.ready(newOutput(k, x.request, 0, true)); f != nil {
			return nil, f
		}
	}
	what, err := json.Marshal(contract.Again{Call: it.said.Call, Values: values})
	if err != nil {
		return nil, kernelFailure(err)
	}
	failed := filepath.Join(it.dir, "failure.json")
	os.Remove(failed)
	var said jupyter.Tail
	cmd := exec.CommandContext(ctx, filepath.Join(it.dir, "cell"))
	cmd.Dir, cmd.Stderr = it.cwd, &said
	cmd.Env = append(slices.Clone(it.env), contract.EnvKeep+"="+it.dir, contract.EnvError+"="+failed, contract.EnvAgain+"="+string(what), gonb.MarkEnv+"="+k.mark+".again")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	gonb.DeathSignal(cmd)
	over := make(chan struct{})
	end := func() { // at once: there is nothing to be kept
		select {
		case <-over:
		default:
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	}
	var got gathered
	var reading sync.WaitGroup
	var reads []*os.File
	for range 3 { // contract.AgainShown and so on
		r, theirs, err := os.Pipe()
		if err != nil {
			return nil, kernelFailure(err)
		}
		defer theirs.Close()
		defer r.Close()
		cmd.ExtraFiles, reads = append(cmd.ExtraFiles, theirs), append(reads, r)
	}
	if err := cmd.Start(); err != nil {
		return nil, kernelFailure(err)
	}
	for i, take := range []func(io.Reader){got.messages, got.prints("stdout"), got.prints("stderr")} {
		cmd.ExtraFiles[i].Close()
		reading.Go(func() {
			take(reads[i])
			if got.full() {
				end()
			}
			io.Copy(io.Discard, reads[i])
		})
	}
	go func() {
		select {
		case <-x.stopped:
			end()
		case <-over:
		}
	}()
	err = cmd.Wait()
	close(over)
	for _, r := range reads { // what it has left behind may hold the other ends
		r.SetReadDeadline(time.Now().Add(time.Second))
	}
	reading.Wait()
	out := &gonb.Outcome{Interrupted: x.interrupted()}
	if err != nil {
		out.Failed = err.Error()
		if report := said.String(); bytes.Contains([]byte(report), []byte("goroutine ")) {
			out.Crash = report
		}
	}
	if b, err := os.ReadFile(failed); err == nil {
		own := &gonb.Failure{}
		if json.Unmarshal(b, own) == nil {
			out.Failure = own
		}
	}
	f = x.judge(out, gonb.Cell{Program: []byte{}})
	if f == nil && got.full() {
		f = &failure{Name: "cut", Value: fmt.Sprintf("the function has shown more than %d MB", maxRich>>20)}
	}
	return got.outputs(), f
}

// gathered is what a program that runs again has shown.
type gathered struct {
	mu    sync.Mutex
	said  []any // prints, as outputs of a notebook,
	list  []any // and displays
	ids   map[string]int
	bytes int
}

// full says that it has shown more than is taken.
func (g *gathered) full() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bytes > maxRich
}

func (g *gathered) outputs() (all []any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append(append([]any{}, g.said...), g.list...)
}

// messages reads displays. One with the id of an earlier one takes its place.
func (g *gathered) messages(r io.Reader) {
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, maxRich)
	for !g.full() && scan.Scan() {
		var m contract.AgainMessage
		if json.Unmarshal(scan.Bytes(), &m) != nil {
			continue
		}
		if m.Metadata == nil {
			m.Metadata = map[string]any{}
		}
		delete(m.Metadata, contract.MarkResult)
		delete(m.Metadata, contract.MarkOrder)
		o := map[string]any{"output_type": "display_data", "data": m.Data, "metadata": m.Metadata}
		g.mu.Lock()
		g.bytes += len(scan.Bytes())
		if i, ok := g.ids[m.ID]; ok && m.ID != "" {
			g.list[i] = o
		} else {
			if g.ids == nil {
				g.ids = map[string]int{}
			}
			g.ids[m.ID] = len(g.list)
			g.list = append(g.list, o)
		}
		g.mu.Unlock()
	}
	if scan.Err() != nil { // a line without end
		g.mu.Lock()
		g.bytes = maxRich + 1
		g.mu.Unlock()
	}
}

// prints reads a stream.
func (g *gathered) prints(name string) func(io.Reader) {
	return func(r io.Reader) {
		text, _ := io.ReadAll(io.LimitReader(r, maxStream))
		if len(text) == 0 {
			return
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.said = append(g.said, map[string]any{"output_type": "stream", "name": name, "text": string(bytes.ToValidUTF8(text, []byte("\uFFFD")))})
	}
}
