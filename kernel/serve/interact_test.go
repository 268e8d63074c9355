package serve

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"odslab/kernel/jupyter"
)

// widgetFront is a front end with widgets: what JupyterLab's manager keeps of them.
type widgetFront struct {
	*jupyter.Client
	t testing.TB

	mu     sync.Mutex
	more   *sync.Cond
	states map[string]map[string]any // by comm
	opened []string
	closed map[string]bool
	seen   []*jupyter.Message // messages of comms
	status string
}

func watchWidgets(t testing.TB, c *jupyter.Client) *widgetFront {
	w := &widgetFront{Client: c, t: t, states: map[string]map[string]any{}, closed: map[string]bool{}}
	w.more = sync.NewCond(&w.mu)
	c.Watch(func(m *jupyter.Message) {
		w.mu.Lock()
		defer w.mu.Unlock()
		defer w.more.Broadcast()
		if m.Header.Type == "status" {
			var s struct {
				State string `json:"execution_state"`
			}
			m.Decode(&s)
			w.status = s.State
			return
		}
		if !strings.HasPrefix(m.Header.Type, "comm_") {
			return
		}
		w.seen = append(w.seen, m)
		var c struct {
			ID   string `json:"comm_id"`
			Data struct {
				Method string
				State  map[string]any
				States map[string]struct{ State map[string]any }
			}
		}
		m.Decode(&c)
		switch m.Header.Type {
		case "comm_open":
			w.opened = append(w.opened, c.ID)
			w.states[c.ID] = c.Data.State
		case "comm_close":
			w.closed[c.ID] = true
		case "comm_msg":
			for id, s := range c.Data.States {
				w.states[id] = s.State
			}
			for key, v := range c.Data.State {
				if w.states[c.ID] != nil {
					w.states[c.ID][key] = v
				}
			}
		}
	})
	return w
}

// ask opens the comm by which JupyterLab asks for all states.
func (w *widgetFront) ask() {
	w.Send(jupyter.Shell, "comm_open", map[string]any{"comm_id": "talk" + w.t.Name(), "target_name": "jupyter.widget.control", "data": struct{}{}})
	w.Send(jupyter.Shell, "comm_msg", map[string]any{"comm_id": "talk" + w.t.Name(), "data": map[string]any{"method": "request_states"}})
}

// wait waits until the condition holds; it is called with the lock.
func (w *widgetFront) wait(what string, ok func() bool) {
	w.t.Helper()
	over := time.AfterFunc(30*time.Second, w.more.Broadcast)
	defer over.Stop()
	deadline := time.Now().Add(30 * time.Second)
	w.mu.Lock()
	defer w.mu.Unlock()
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("not seen: %s; models %v", what, w.states)
		}
		w.more.Wait()
	}
}

// find is the comm of the widget of a kind, the last that was made; it is called with the lock.
func (w *widgetFront) find(name string) (id string) {
	for _, o := range w.opened {
		if w.states[o]["_model_name"] == name+"Model" && !w.closed[o] {
			id = o
		}
	}
	return id
}

// get is find without the lock, and state is what a model has now.
func (w *widgetFront) get(name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.find(name)
}

func (w *widgetFront) state(id string) map[string]any {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.states[id])
}

// messages are those of comms so far.
func (w *widgetFront) messages() []*jupyter.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

// shows is the text of the output widget.
func (w *widgetFront) shows() string {
	b, _ := json.Marshal(w.states[w.find("Output")]["outputs"])
	return string(b)
}

func (w *widgetFront) set(id, key string, v any) {
	w.Send(jupyter.Shell, "comm_msg", map[string]any{"comm_id": id, "data": map[string]any{"method": "update", "state": map[string]any{key: v}, "buffer_paths": []any{}}})
}

func (w *widgetFront) waitShown(text string) {
	w.t.Helper()
	w.wait(text, func() bool { return strings.Contains(w.shows(), text) })
}

const interactCell = `n++
fmt.Println("before")
interact(func(y float64, kind string, log bool, k int) any {
	n++
	fmt.Println("inside", k)
	return fmt.Sprintf("y=%g %s %v n=%d", y, kind, log, n)
}, []float64{-4, 4}, []string{"exact", "DPS"}, true, []int{1, 9})`

// A change of a widget calls the cell's function with the new values, on a copy
// of the values that the cell had: nothing is counted, kept or made stale.
func TestInteract(t *testing.T) {
	f := startCells(t)
	w := watchWidgets(t, f.Client)
	w.ask()
	f.run("n := 10")
	cell := func(o *jupyter.ExecuteOptions) { o.CellID = "a" }
	s := f.run(interactCell, cell)
	if s.Status != "ok" || s.stdout != "before\ninside 5\n" {
		t.Fatal(s)
	}
	data := fmt.Sprint(s.last("execute_result")["data"])
	w.wait("the models", func() bool { return len(w.opened) == 6 })
	if box := w.get("VBox"); !strings.Contains(data, "map[model_id:"+box+" version_major:2 version_minor:0]") || !strings.Contains(data, "y=0 exact true n=12") {
		t.Error(data)
	}
	slider := w.state(w.get("FloatSlider"))
	if fmt.Sprint(slider["min"], slider["max"], slider["step"], slider["value"], slider["description"]) != "-4 4 0.1 0y" {
		t.Error(slider)
	}
	for _, m := range w.messages() {
		if m.Header.Type == "comm_open" && !strings.Contains(string(m.Metadata), `"version":"2.1.0"`) {
			t.Errorf("metadata %s", m.Metadata)
		}
	}
	w.waitShown("y=0 exact true n=12")
	w.set(w.get("FloatSlider"), "value", 2.5)
	w.waitShown("y=2.5 exact true n=12")
	w.waitShown(`inside 5\n`)
	if shown := fmt.Sprint(w.state(w.get("Output"))["outputs"]); strings.Contains(shown, "before") {
		t.Errorf("what stands before the call is shown again: %s", shown)
	}
	w.set(w.get("Dropdown"), "index", 1)
	w.waitShown("y=2.5 DPS true n=12")
	w.set(w.get("Checkbox"), "value", false)
	w.waitShown("y=2.5 DPS false n=12")
	w.set(w.get("IntSlider"), "value", 7)
	w.waitShown(`inside 7\n`)
	s = f.run("n")
	if fmt.Sprint(s.last("execute_result")["data"]) != "map[text/plain:12]" || s.ExecutionCount != 3 || s.stderr != "" {
		t.Errorf("the notebook has noticed: %v", s)
	}
	// What the notebook has now is another matter: the copy stays.
	f.run(`n := "text"`)
	w.set(w.get("FloatSlider"), "value", -1)
	w.waitShown("y=-1 DPS false n=12")

	// What no control can be is put right, in one line.
	for _, bad := range []struct {
		id, key string
		v       any
		says    string
	}{
		{w.get("FloatSlider"), "value", 99, "y = 99: it goes from -4 to 4"},
		{w.get("FloatSlider"), "value", "x", "y can't be x"},
		{w.get("Dropdown"), "index", 2, "kind can't be 2"},
		{w.get("Dropdown"), "index", nil, "kind can't be"},
		{w.get("IntSlider"), "value", 1.5, "k = 1.5"},
		{w.get("Checkbox"), "value", 3, "log can't be 3"},
	} {
		w.set(bad.id, bad.key, bad.v)
		w.waitShown(bad.says)
	}
	if v := w.state(w.get("FloatSlider"))["value"]; v != -1.0 {
		t.Errorf("a wrong value stays: %v", v)
	}
	w.set(w.get("FloatSlider"), "", 1) // nobody's
	w.set(w.get("Output"), "outputs", nil)

	// A cell that runs again has new widgets; the old ones are closed.
	old := w.get("VBox")
	f.run("n := 1")
	if s := f.run(interactCell, cell); s.Status != "ok" {
		t.Fatal(s)
	}
	w.wait("close", func() bool { return w.closed[old] && w.find("VBox") != "" && w.find("VBox") != old })
	w.wait("idle", func() bool { return w.status == "idle" })
	if left, _ := filepath.Glob(filepath.Join(f.kernel.keep, "interaction*")); len(left) != 1 {
		t.Errorf("copies left: %q", left)
	}
	// A front end that closes one closes all of its interaction.
	w.Send(jupyter.Shell, "comm_close", map[string]any{"comm_id": w.get("FloatSlider"), "data": struct{}{}})
	w.wait("all closed", func() bool { return len(w.closed) == len(w.opened) })
}

// While the function runs the newest of the changes waits, and only that one is run.
func TestInteractNewestWins(t *testing.T) {
	f := startCells(t)
	w := watchWidgets(t, f.Client)
	w.ask()
	file := filepath.Join(t.TempDir(), "calls")
	s := f.run(fmt.Sprintf(`interact(func(y int) string {
	f, _ := os.OpenFile(%q, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	fmt.Fprintln(f, y)
	f.Close()
	time.Sleep(300 * time.Millisecond)
	return fmt.Sprint("y is ", y)
}, []int{0, 1000})`, file))
	if s.Status != "ok" {
		t.Fatal(s)
	}
	w.wait("slider", func() bool { return w.find("IntSlider") != "" })
	for v := range 60 {
		w.set(w.get("IntSlider"), "value", v+1)
		time.Sleep(10 * time.Millisecond)
	}
	w.waitShown("y is 60")
	calls, err := os.ReadFile(file)
	if n := strings.Count(string(calls), "\n"); err != nil || n > 10 || n < 2 || !strings.HasSuffix(string(calls), "\n60\n") {
		t.Errorf("%d calls: %q", n, calls)
	}
}

// Two front ends: what one sets the other sees, and one that comes later gets all.
func TestInteractTwoFrontEnds(t *testing.T) {
	f := startCells(t)
	first := watchWidgets(t, f.Client)
	first.ask()
	client, err := jupyter.Connect(f.ctx, f.conn)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	second := watchWidgets(t, client)
	if s := f.run(`interact(func(a, b float64) float64 { return a * b }, []float64{0, 10}, []float64{0, 10, 1, 3})`); s.Status != "ok" {
		t.Fatal(s)
	}
	second.wait("models", func() bool { return second.find("VBox") != "" })
	second.mu.Lock()
	slider := second.opened[0]
	second.mu.Unlock()
	second.set(slider, "value", 8)
	first.wait("echo", func() bool { return first.states[slider]["value"] == 8.0 })
	first.waitShown(`"24"`)
	second.waitShown(`"24"`)
	for _, m := range first.messages() {
		var c struct{ Data struct{ Method string } }
		m.Decode(&c)
		if c.Data.Method == "echo_update" && !strings.Contains(string(m.Parent), "comm_msg") {
			t.Errorf("an echo's parent is %s", m.Parent)
		}
	}
	third, err := jupyter.Connect(f.ctx, f.conn)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	late := watchWidgets(t, third)
	late.ask()
	late.wait("states", func() bool { return late.states[slider]["value"] == 8.0 && len(late.states) == 4 })
	for _, target := range []string{"", "jupyter.widget", "other"} {
		content := map[string]any{}
		if target != "" {
			content["target_name"] = target
		}
		m, err := third.Request(f.ctx, jupyter.Shell, "comm_info_request", content)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(m.Content), `"target_name":"jupyter.widget"`); n != map[string]int{"": 4, "jupyter.widget": 4}[target] {
			t.Errorf("comm_info of %q: %s", target, m.Content)
		}
	}
	// request_state gives one model's.
	late.mu.Lock()
	late.states[slider] = map[string]any{}
	late.mu.Unlock()
	late.Send(jupyter.Shell, "comm_msg", map[string]any{"comm_id": slider, "data": map[string]any{"method": "request_state"}})
	late.wait("state", func() bool { return late.states[slider]["max"] == 10.0 })
}

// An interrupt ends the call and not the widgets; so does whatever the function does wrong.
func TestInteractFailures(t *testing.T) {
	f := startCells(t)
	w := watchWidgets(t, f.Client)
	w.ask()
	s := f.run(`interact(func(y int) (string, error) {
	switch y {
	case 1:
		fmt.Println("on"); os.Stdout.Sync(); for {}
	case 2:
		var q []int
		_ = q[y]
	case 3:
		return "", errors.New("three is wrong")
	case 4:
		os.Exit(4)
	case 5:
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case 6:
		go func() { panic("aside") }()
		select {}
	case 7:
		var b [8]byte
		os.Stdin.Read(b[:])
		exec.Command("sleep", "1000").Start()
	case 8:
		return strings.Repeat("x", 200<<20), nil
	}
	return fmt.Sprint("fine ", y), nil
}, []int{0, 9, 1, 0})`)
	if s.Status != "ok" {
		t.Fatal(s)
	}
	w.wait("slider", func() bool { return w.find("IntSlider") != "" })
	slider := w.get("IntSlider")
	w.set(slider, "value", 1)
	w.wait("busy", func() bool { return w.status == "busy" })
	time.Sleep(300 * time.Millisecond)
	if _, err := f.Request(f.ctx, jupyter.Control, "interrupt_request", struct{}{}); err != nil {
		t.Fatal(err)
	}
	w.waitShown(`"ename":"interrupted"`)
	for v, says := range []string{2: "index out of range [2]", 3: "three is wrong", 4: "os.Exit(4)", 5: `"ename":"killed"`, 6: "aside", 7: "fine 7", 8: "has shown more than 128 MB", 9: "fine 9"} {
		if says != "" {
			w.set(slider, "value", v)
			w.waitShown(says)
		}
	}
	w.wait("idle", func() bool { return w.status == "idle" })
	if s := f.run("1 + 1"); s.Status != "ok" || s.ExecutionCount != 2 {
		t.Error(s)
	}
}

// What is wrong in the call is one line; a front end without widgets sees values side by side.
func TestInteractWithoutWidgets(t *testing.T) {
	f := startCells(t)
	for _, test := range []struct{ code, err string }{
		{"interact(3, 4)", "the first argument is a function"},
		{"interact(func(y float64) any { return y })", "the function has 1 parameters, and 0 controls are given"},
		{"interact(func(y float64) any { return y }, []float64{1, 1})", "y: from 1 to 1 there is nothing to slide"},
		{"interact(func(y float64) any { return y }, []float64{0, math.NaN()})", "y: NaN is no end of a slider"},
		{"interact(func(y float64) any { return y }, []float64{0, 1, 2})", "y: 2 is no step between 0 and 1"},
		{"interact(func(y float64) any { return y }, []float64{0, 1, .1, 3})", "y: 3, the start, lies outside 0 … 1"},
		{"interact(func(y float64) any { return y }, \"a\")", "y: a float64 wants []float64{min, max[, step[, start]]}, not a string"},
		{"interact(func(n uint8) any { return n }, []int{0, 300})", "n: 300 is no uint8"},
		{"interact(func(n int) any { return n }, []float64{0, 1.5})", "n: 1.5 is no whole number"},
		{"interact(func(s string) any { return s }, []string{})", "s: there is nothing to choose from"},
		{"interact(func(s string) any { return s }, []string{\"a\", \"a\"})", "s: \"a\" stands twice"},
		{"interact(func(b bool) any { return b }, nil)", "b: a bool wants true or false, not a nil"},
		{"interact(func(c complex128) any { return c }, 1)", "c: no control sets a complex128"},
		{"interact(func(y ...float64) any { return y }, []float64{0, 1})", "name each parameter"},
		{"interact(func(y float64) (int, int) { return 1, 2 }, []float64{0, 1})", "gives one value"},
		{"interact(func(y float64) error { return errors.New(\"no luck\") }, []float64{0, 1})", "no luck"},
		{"interact()", "not enough arguments in call to interact"},
	} {
		if s := f.run(test.code); s.Status != "error" || !strings.Contains(s.EValue, test.err) || strings.Contains(s.EValue, "\n") || strings.Contains(s.EValue, "interact.") {
			t.Errorf("%s: %s", test.code, s.EValue)
		}
	}
	s := f.run(`interact(func(y float64, s string) any {
	fmt.Println(y)
	if y == 4 { panic("at the end") }
	return live.Bundle{"text/plain": fmt.Sprint(y, s), "image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'/>"}
}, []float64{-4, 4}, []string{"a<b", "c"})`)
	data, _ := s.last("execute_result")["data"].(map[string]any)
	page := fmt.Sprint(data["text/html"])
	for _, want := range []string{"y = -4", "y = -2", "y = 0", "y = 2", "y = 4", "panic: at the end", "s = a&lt;b", "data:image/svg+xml;base64,"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in %s", want, page)
		}
	}
	if len(data) != 2 || !strings.Contains(fmt.Sprint(data["text/plain"]), "interact: y = 0 (-4 … 4), s = a<b of [a<b c]\n0a<b") || s.stdout != "0\n" {
		t.Errorf("%v %v", s, data)
	}
	// The strip's pictures are of a copy too.
	f.run("k := 1")
	if s := f.run("interact(func(y int) int { k++; return k }, []int{0, 8})\nk"); s.Status != "ok" || fmt.Sprint(s.last("execute_result")["data"]) != "map[text/plain:2]" {
		t.Error(s)
	}
	if s := f.run("interact(func(y int) int { k++; return k }, []int{0, 8})"); strings.Count(fmt.Sprint(s.last("execute_result")["data"]), "<pre>3</pre>") != 5 {
		t.Error(s.last("execute_result"))
	}
	if s := f.run("k"); fmt.Sprint(s.last("execute_result")["data"]) != "map[text/plain:3]" {
		t.Error(s.last("execute_result"))
	}
	if left, _ := filepath.Glob(filepath.Join(f.kernel.keep, "interaction*")); len(left) > 0 {
		t.Errorf("copies left: %q", left)
	}
	w := watchWidgets(t, f.Client)
	for _, kind := range []string{"comm_msg", "comm_open"} {
		f.Send(jupyter.Shell, kind, map[string]any{"comm_id": kind, "target_name": "jupyter.widget", "data": map[string]any{"method": "update", "state": map[string]any{"value": 1}}})
		w.wait("closed", func() bool { return w.closed[kind] }) // of a kernel before this one; of nobody
	}
}

// What a change of a slider costs until the picture of 2,000 points is sent:
// seconds that pass, and of the processor in the program that runs again.
func BenchmarkInteract(b *testing.B) {
	f := startCells(b)
	w := watchWidgets(b, f.Client)
	w.ask()
	f.run("rng := rand.New(rand.NewPCG(1, 2))\npoints := [][]float64{}\nfor range 2000 {\n\tx := rng.NormFloat64()\n\tpoints = append(points, []float64{x, x*x/2 + rng.NormFloat64()/2})\n}")
	s := f.run(`interact(func(tilt float64) any {
	moved := [][]float64{}
	for _, p := range points {
		moved = append(moved, []float64{p[0], p[1] + tilt*p[0]})
	}
	return plotting.Density2D(moved, plotting.Names(fmt.Sprint("x at ", tilt), "y"))
}, []float64{0, 1000000, 1})`)
	if s.Status != "ok" {
		b.Fatal(s)
	}
	w.wait("slider", func() bool { return w.find("FloatSlider") != "" })
	slider := w.get("FloatSlider")
	usage := func() (d time.Duration) {
		var u syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := usage()
	n := 0
	for b.Loop() {
		n++
		w.set(slider, "value", n)
		w.waitShown(fmt.Sprintf("x at %d", n))
	}
	b.ReportMetric(float64((usage()-before).Milliseconds())/float64(n), "cpu-ms/op")
}

// A policy that is trained for all measurements answers for the one that a
// slider gives, in the resident process that the notebook has, which keeps what
// the copy stands for when the notebook itself has dropped it, and comes back
// when it has been killed.
func TestInteractAmortised(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a policy")
	}
	f, tag := withXLA(t)
	w := watchWidgets(t, f.Client)
	w.ask()
	for _, code := range []string{
		`flat := priors.Gaussian([]float64{0}, 1)
family, err := odslib.FamilyOf(odslib.Given(flat, constraint.Gaussian{A: constraint.Identity{}, Y: []float64{0}, Sigma: .5}))
xs, err := flat.Sample(ctx, 256, 1)
ys, err := family.Y(ctx, xs, 2)
policy := train(rtb.Sampler{Steps: 10, Paths: 128}, family.Rows(ys), odslib.Budget{Steps: 150})
t := tensors.FromValue([]float32{1, 2, 4})`,
		`interact(func(y float64) string {
	given := engine.FromRows(slices.Repeat([][]float64{{y}}, 400))
	r := draw(policy, family.Rows(given), 400)
	mean := 0.
	for _, x := range r.Samples.Rows() {
		mean += x[0] / 400
	}
	return fmt.Sprintf("at %g mean %+.0f held %v", y, 10*mean, t.Value())
}, []float64{-2, 2})`,
	} {
		if s := f.run(code); s.Status != "ok" {
			t.Fatal(s)
		}
	}
	w.wait("slider", func() bool { return w.find("FloatSlider") != "" })
	slider, pid := w.get("FloatSlider"), residentPID(t, tag)
	mean := func(y float64) float64 {
		t.Helper()
		w.set(slider, "value", y)
		w.waitShown(fmt.Sprintf("at %g mean ", y))
		w.mu.Lock()
		defer w.mu.Unlock()
		_, text, _ := strings.Cut(w.shows(), " mean ")
		var m float64
		if _, err := fmt.Sscanf(text, "%g held [1 2 4]", &m); err != nil {
			t.Fatalf("%v: %s", err, w.shows())
		}
		return m / 10
	}
	// The exact mean is .8 y; a short training is within .4 of it.
	for _, y := range []float64{1.5, -1.5} {
		if m := mean(y); m < .8*y-.4 || m > .8*y+.4 {
			t.Errorf("at y = %g the mean is %.1f, not %.1f", y, m, .8*y)
		}
	}
	f.run("t := 0\npolicy := 0")
	mean(1)
	if now := residentPID(t, tag); now != pid {
		t.Errorf("another resident process: %d, not %d", now, pid)
	}
	kill9(pid)
	gone(t, tag, pid)
	mean(-1)
}
