package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"odslab/kernel/gonb/gonbtest"
	"odslab/kernel/jupyter"
	"odslab/kernel/toolchain"
)

// The test binary is also the kernel that front ends start.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "kernel" {
		layout, err := toolchain.Default()
		if err == nil {
			err = Run(context.Background(), os.Args[3], layout, nil)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) == 2 && os.Args[1] == "intruder" {
		intrude()
		os.Exit(0)
	}
	gonbtest.Main(m)
}

// front is a kernel with a front end.
type front struct {
	*jupyter.Client
	t        testing.TB
	ctx      context.Context
	kernel   *kernel
	compiler *plainCompiler
	conn     jupyter.Connection
	log      *bytes.Buffer
}

func startKernel(t *testing.T) *front {
	t.Helper()
	compiler := &plainCompiler{goimports: gonbtest.Config(t).Goimports}
	f := startWith(t, func(string, []string) (Compiler, error) { return compiler, nil })
	f.compiler = compiler
	return f
}

func startWith(t testing.TB, prepare func(keep string, env []string) (Compiler, error)) *front {
	t.Helper()
	return startFor(t, 2*time.Minute, prepare)
}

func startFor(t testing.TB, limit time.Duration, prepare func(keep string, env []string) (Compiler, error), with ...func(*config)) *front {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	f := &front{t: t, ctx: ctx, log: &bytes.Buffer{}}
	conn := jupyter.LocalConnection(t.TempDir())
	cfg := config{
		conn: conn, child: gonbtest.Config(t), version: "test", log: f.log,
		prepare: prepare,
		history: t.TempDir() + "/history",
	}
	for _, change := range with {
		change(&cfg)
	}
	k, err := start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.kernel, f.conn = k, conn
	done := make(chan struct{})
	go func() { k.wait(ctx); close(done) }()
	t.Cleanup(func() { k.end(); <-done })
	if f.Client, err = jupyter.Connect(ctx, conn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Client.Close)
	return f
}

// shown is what a front end saw of one cell.
type shown struct {
	*jupyter.Reply
	types          []string
	messages       []*jupyter.Message
	stdout, stderr string
}

func (f *front) run(code string, opts ...func(*jupyter.ExecuteOptions)) *shown {
	f.t.Helper()
	s := &shown{}
	var mu sync.Mutex
	o := jupyter.ExecuteOptions{OnOutput: func(m *jupyter.Message) {
		mu.Lock()
		defer mu.Unlock()
		if m.Header.Type == "execute_input" {
			return
		}
		s.messages = append(s.messages, m)
		if m.Header.Type == "stream" {
			var c struct{ Name, Text string }
			m.Decode(&c)
			if c.Name == "stderr" {
				s.stderr += c.Text
			} else {
				s.stdout += c.Text
			}
			return
		}
		s.types = append(s.types, m.Header.Type)
	}}
	for _, opt := range opts {
		opt(&o)
	}
	var err error
	if s.Reply, err = f.Execute(f.ctx, code, o); err != nil {
		f.t.Fatalf("%q: %v", code, err)
	}
	return s
}

func (s *shown) String() string {
	return fmt.Sprintf("%+v %q stdout %q stderr %q", *s.Reply, s.types, s.stdout, s.stderr)
}

// last is the content of the last message of a type.
func (s *shown) last(msgType string) map[string]any {
	for i := len(s.messages) - 1; i >= 0; i-- {
		if s.messages[i].Header.Type == msgType {
			var c map[string]any
			s.messages[i].Decode(&c)
			return c
		}
	}
	return nil
}

func TestOutputs(t *testing.T) {
	f := startKernel(t)
	if s := f.run(`fmt.Println("hello"); fmt.Fprintln(os.Stderr, "oops")`); s.Status != "ok" || s.stdout != "hello\n" || s.stderr != "oops\n" || s.ExecutionCount != 1 || len(s.types) > 0 {
		t.Error(s)
	}
	s := f.run("1+2+3")
	result := s.last("execute_result")
	if s.Status != "ok" || result == nil || fmt.Sprint(result["data"]) != "map[text/plain:6]" || result["execution_count"] != 2.0 || fmt.Sprint(result["metadata"]) != "map[]" {
		t.Errorf("%v %v", s, result)
	}
	s = f.run(`gonbui.DisplayHTML("<b>x</b>"); gonbui.UpdateHTML("id", "a"); gonbui.UpdateHTML("id", "b"); gonbui.Sync()`)
	if s.Status != "ok" || fmt.Sprint(s.types) != "[display_data display_data update_display_data]" {
		t.Error(s)
	}
	// An earlier display is updated from a later cell.
	if s := f.run(`gonbui.UpdateHTML("id", "c"); gonbui.Sync()`); fmt.Sprint(s.types) != "[update_display_data]" {
		t.Error(s)
	}
	s = f.run(`fmt.Println("a"); clear("wait"); clear("now"); time.Sleep(50*time.Millisecond); fmt.Println("b")`)
	if fmt.Sprint(s.types) != "[clear_output clear_output]" || s.last("clear_output")["wait"] != false {
		t.Error(s)
	}
	if s := f.run("%clear wait\nfmt.Println(1)"); fmt.Sprint(s.types) != "[clear_output]" || s.last("clear_output")["wait"] != true || s.stdout != "1\n" {
		t.Error(s)
	}
	if s := f.run("   \n"); s.Status != "ok" || len(s.types) > 0 {
		t.Error(s)
	}
	for _, m := range s.messages {
		if !strings.Contains(string(m.Parent), "execute_request") {
			t.Errorf("%s has parent %s", m.Header.Type, m.Parent)
		}
	}
}

func TestErrors(t *testing.T) {
	f := startKernel(t)
	for _, test := range []struct{ code, name, value, trace string }{
		{"x := nosuch\n_ = x", "compile error", ": undefined: nosuch", "x := nosuch"},
		{"x := )", "compile error", "cell[%d]:1:6: expected operand", "x := )"},
		{"fmt.Println(1)\nvar q []int\n_ = q[3]", "panic", "runtime error: index out of range [3] with length 0", "cell[%d]:3    _ = q[3]"},
		{`panic("boom")`, "panic", "boom", `panic("boom")`},
		{`panic("two\nlines")`, "panic", "two\nlines", "cell[%d]:1"},
		{"go func() {\npanic(fmt.Errorf(\"in another\"))\n}()\nselect {}", "panic", "in another", "cell[%d]:2"},
		{"\nvar mu sync.Mutex\nmu.Unlock()", "fatal error", "sync: unlock of unlocked mutex", "cell[%d]:3"},
		{"os.Exit(3)", "exit", "the cell ended with exit status 3", ""},
		{"syscall.Kill(os.Getpid(), syscall.SIGKILL)\ntime.Sleep(time.Second)", "killed", "", ""},
		{"!exit 7", "command failed", "exit status 7", ""},
		{"!nosuchcommand", "command failed", "exit status 127", ""},
		{"%%bash\nexit 5", "command failed", "exit status 5", ""},
		{"%nosuch x", "unknown magic", "%nosuch is no magic", ""},
		{"%%nosuch x", "unknown magic", "%%nosuch is no magic", ""},
		{"%env", "command failed", "%env", ""},
		{`os.WriteFile(os.Getenv("ODSLAB_ERROR"), []byte("{\"ename\":\"ShapeError\",\"evalue\":\"no fit\",\"line\":1}"), 0o600); os.Exit(1)`, "ShapeError", "no fit", "cell[%d]:1"},
	} {
		s := f.run(test.code)
		n := s.ExecutionCount
		want := func(s string) string { return strings.ReplaceAll(s, "%d", fmt.Sprint(n)) }
		if s.Status != "error" || s.EName != test.name || !strings.Contains(s.EValue, want(test.value)) || !strings.Contains(strings.Join(s.Traceback, "\n"), want(test.trace)) {
			t.Errorf("%q:\n%v", test.code, s)
		}
		if fmt.Sprint(s.types) != "[error]" {
			t.Errorf("%q: %d messages %q, not one error", test.code, len(s.types), s.types)
		}
		if e := s.last("error"); e["ename"] != s.EName || e["evalue"] != s.EValue {
			t.Errorf("%q: error message %v, reply %v", test.code, e, s)
		}
		if strings.Contains(s.stderr, "exit status") || strings.Contains(s.stderr, "panic") {
			t.Errorf("%q: stderr %q", test.code, s.stderr)
		}
	}
	if len(f.compiler.committed) == 0 {
		t.Error("no commit after a panic")
	}
}

func TestStopOnError(t *testing.T) {
	f := startKernel(t)
	send := func(codes ...string) (statuses []string) {
		replies := make([]chan string, len(codes))
		for i, code := range codes {
			replies[i] = make(chan string, 1)
			keep := strings.HasPrefix(code, "//keep")
			go func() {
				r, err := f.Execute(f.ctx, code, jupyter.ExecuteOptions{KeepGoing: keep})
				if err != nil {
					replies[i] <- err.Error()
					return
				}
				replies[i] <- r.Status
			}()
			time.Sleep(20 * time.Millisecond) // in order
		}
		for _, r := range replies {
			statuses = append(statuses, <-r)
		}
		return statuses
	}
	if got := send("time.Sleep(100*time.Millisecond); panic(1)", "fmt.Println(1)", "fmt.Println(2)"); fmt.Sprint(got) != "[error aborted aborted]" {
		t.Errorf("statuses %q", got)
	}
	if got := send("//keep\ntime.Sleep(100*time.Millisecond); panic(1)", "fmt.Println(1)"); fmt.Sprint(got) != "[error ok]" {
		t.Errorf("keep going: statuses %q", got)
	}
	if s := f.run("fmt.Println(3)"); s.Status != "ok" {
		t.Error(s)
	}
	// What is sent once the failure is known was not waiting, however fast it comes.
	for range 300 {
		f.run("%nosuchmagic")
		if s := f.run(" "); s.Status != "ok" {
			t.Fatalf("sent after the failure: %v", s)
		}
	}
}

func TestCountsAndHistory(t *testing.T) {
	f := startKernel(t)
	noHistory := func(o *jupyter.ExecuteOptions) { o.NoHistory = true }
	silent := func(o *jupyter.ExecuteOptions) { o.Silent = true }
	if s := f.run("1+1"); s.ExecutionCount != 1 {
		t.Error(s)
	}
	if s := f.run("fmt.Println(2)", noHistory); s.ExecutionCount != 1 || s.stdout != "2\n" {
		t.Error(s)
	}
	if s := f.run("fmt.Println(3)", silent); s.ExecutionCount != 1 || len(s.messages) > 0 || s.Status != "ok" {
		t.Error(s)
	}
	if s := f.run("2+2"); s.ExecutionCount != 2 {
		t.Error(s)
	}
	ask := func(content map[string]any) string {
		t.Helper()
		m, err := f.Request(f.ctx, jupyter.Shell, "history_request", content)
		if err != nil {
			t.Fatal(err)
		}
		var c struct{ History json.RawMessage }
		m.Decode(&c)
		return string(c.History)
	}
	for _, test := range []struct {
		req  map[string]any
		want string
	}{
		{map[string]any{"hist_access_type": "tail", "n": 10}, `[[1,1,"1+1"],[1,2,"2+2"]]`},
		{map[string]any{"hist_access_type": "tail", "n": 1, "output": true}, `[[1,2,["2+2","4"]]]`},
		{map[string]any{"hist_access_type": "range", "session": 0, "start": 1, "stop": 2}, `[[1,1,"1+1"]]`},
		{map[string]any{"hist_access_type": "range", "session": 1, "start": 2}, `[[1,2,"2+2"]]`},
		{map[string]any{"hist_access_type": "range", "session": -1, "start": 1}, `[]`},
		{map[string]any{"hist_access_type": "search", "pattern": "1?1", "n": 5}, `[[1,1,"1+1"]]`},
		{map[string]any{"hist_access_type": "search", "pattern": "nosuch*"}, `[]`},
	} {
		if got := ask(test.req); got != test.want {
			t.Errorf("%v: %s, want %s", test.req, got, test.want)
		}
	}
	// The next kernel knows what this one ran.
	file := f.kernel.history.file.Name()
	next := openHistory(file)
	defer next.close()
	if next.session != 2 || len(next.entries) != 2 || next.entries[1].Input != "2+2" {
		t.Errorf("next kernel: session %d, %v", next.session, next.entries)
	}
}

func TestExpressions(t *testing.T) {
	f := startKernel(t)
	s := f.run("fmt.Println(1)", func(o *jupyter.ExecuteOptions) {
		o.Expressions = map[string]string{"a": "2*21", "b": "nosuch", "c": "fmt.Println(5)"}
	})
	if got := string(s.Expressions["a"]); !strings.Contains(got, `"status":"ok"`) || !strings.Contains(got, `"text/plain":"42"`) {
		t.Errorf("a: %s", got)
	}
	for _, name := range []string{"b", "c"} {
		if got := string(s.Expressions[name]); !strings.Contains(got, `"status":"error"`) || !strings.Contains(got, `"ename"`) || !strings.Contains(got, `"traceback"`) {
			t.Errorf("%s: %s", name, got)
		}
	}
	if s.stdout != "1\n" || s.Status != "ok" {
		t.Error(s)
	}
}

func TestPager(t *testing.T) {
	f := startKernel(t)
	for code, want := range map[string]string{"%help": "%%writefile", "alpha?": "alpha is a name", "?alpha": "alpha is a name", "%cd?": "folder of cells", "nosuch?": "nothing is known"} {
		s := f.run(code)
		if s.Status != "ok" || len(s.Payload) != 1 || s.Payload[0].Source != "page" || !strings.Contains(fmt.Sprint(s.Payload[0].Data["text/plain"]), want) || len(s.types) > 0 {
			t.Errorf("%q: %v", code, s)
		}
	}
}

// The page of %help names what a beginner needs.
func TestHelp(t *testing.T) {
	f := startKernel(t)
	page := fmt.Sprint(f.run("%help").Payload[0].Data["text/plain"])
	for _, want := range []string{
		"draw(sampler, posterior, n)", "train(trainer, input", "seed = 7", "need no import", "What is kept", "gone after its cell",
		"semicolon", "%get M@VERSION", "%who", "%drop NAME", "%stale", "%rerun", "name?", "!command", "math/rand/v2",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%%help does not tell of %q", want)
		}
	}
	for line := range strings.Lines(page) {
		if len(line) > 81 {
			t.Errorf("too long for a terminal: %s", line)
		}
	}
}

func TestMagicsAndStdin(t *testing.T) {
	f := startKernel(t)
	if s := f.run("!echo shell\n%env FOO=bar\nfmt.Println(os.Getenv(\"FOO\"))"); s.Status != "ok" || !strings.HasPrefix(s.stdout, "shell\n") || !strings.HasSuffix(s.stdout, "bar\n") {
		t.Error(s)
	}
	file := t.TempDir() + "/f"
	if s := f.run("%%writefile " + file + "\nhello\n"); s.Status != "ok" {
		t.Error(s)
	}
	if b, _ := os.ReadFile(file); !strings.HasPrefix(string(b), "hello\n") {
		t.Errorf("file holds %q", b)
	}
	answers := []string{"Ada", "36"}
	input := func(o *jupyter.ExecuteOptions) {
		o.OnInput = func(string, bool) (string, error) {
			a := answers[0]
			answers = answers[1:]
			return a, nil
		}
	}
	code := "var name string\nvar age int\nfmt.Print(\"who? \")\nfmt.Scanln(&name)\nfmt.Scan(&age)\nfmt.Println(name, age+1)"
	if s := f.run(code, input); s.Status != "ok" || !strings.HasSuffix(s.stdout, "Ada 37\n") {
		t.Error(s)
	}
	start := time.Now()
	if s := f.run(code); s.EName != "input not allowed" || fmt.Sprint(s.types) != "[error]" {
		t.Error(s)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("a question that nobody answers took %v", d)
	}
	// A question can be interrupted.
	time.AfterFunc(time.Second, func() { f.Interrupt() })
	if s := f.run(code, func(o *jupyter.ExecuteOptions) {
		o.OnInput = func(string, bool) (string, error) { time.Sleep(3 * time.Second); return "late", nil }
	}); s.EName != "interrupted" {
		t.Error(s)
	}
}

// While a cell runs, everything but cells is answered, on both channels.
func TestBusy(t *testing.T) {
	f := startKernel(t)
	var mu sync.Mutex
	var states []string
	f.Watch(func(m *jupyter.Message) {
		if m.Header.Type == "status" {
			var c struct {
				State string `json:"execution_state"`
			}
			m.Decode(&c)
			mu.Lock()
			states = append(states, c.State)
			mu.Unlock()
		}
	})
	done := make(chan *shown)
	started := make(chan struct{})
	go func() {
		done <- f.run(`fmt.Println("on"); time.Sleep(time.Hour)`, func(o *jupyter.ExecuteOptions) {
			o.OnOutput = func(m *jupyter.Message) {
				if m.Header.Type == "stream" {
					close(started)
				}
			}
		})
	}()
	<-started
	ctx, cancel := context.WithTimeout(f.ctx, 20*time.Second)
	defer cancel()
	cases := []struct {
		ch            jupyter.Channel
		request, want string
		content       any
	}{
		{jupyter.Shell, "kernel_info_request", `"implementation":"odslab"`, struct{}{}},
		{jupyter.Control, "kernel_info_request", `"protocol_version":"5.4"`, struct{}{}},
		{jupyter.Shell, "is_complete_request", `"indent":"\t","status":"incomplete"`, map[string]string{"code": "if x {"}},
		{jupyter.Shell, "complete_request", `"cursor_end":7,"cursor_start":5,"matches":["alpha","alphabet"]`, map[string]any{"code": "日本 = al+1", "cursor_pos": 7}},
		{jupyter.Shell, "complete_request", `"matches":["日本語"]`, map[string]any{"code": "fmt.日", "cursor_pos": 5}},
		{jupyter.Shell, "complete_request", `"matches":["%env"]`, map[string]any{"code": "x := 1\n%en", "cursor_pos": 10}},
		{jupyter.Shell, "inspect_request", `"found":true`, map[string]any{"code": "alpha", "cursor_pos": 5, "detail_level": 0}},
		{jupyter.Shell, "inspect_request", `"found":false`, map[string]any{"code": "beta", "cursor_pos": 4}},
		{jupyter.Shell, "history_request", `"history":[`, map[string]any{"hist_access_type": "tail", "n": 1}},
		{jupyter.Shell, "comm_info_request", `"comms":{}`, struct{}{}},
		{jupyter.Control, "nosuch_request", `"status":"error"`, struct{}{}},
	}
	for _, c := range cases {
		m, err := f.Request(ctx, c.ch, c.request, c.content)
		if err != nil {
			t.Fatalf("%s: %v", c.request, err)
		}
		if want := strings.Replace(c.request, "_request", "_reply", 1); m.Header.Type != want || !strings.Contains(string(m.Content), c.want) {
			t.Errorf("%s: %s %s", c.request, m.Header.Type, m.Content)
		}
	}
	mu.Lock()
	if last := states[len(states)-1]; last != "busy" {
		t.Errorf("the front end shows %q while a cell runs", last)
	}
	mu.Unlock()
	begin := time.Now()
	if m, err := f.Request(ctx, jupyter.Control, "interrupt_request", struct{}{}); err != nil || m.Header.Type != "interrupt_reply" {
		t.Fatal(m, err)
	}
	if s := <-done; s.EName != "interrupted" || !strings.Contains(s.EValue, "the cell was interrupted after") {
		t.Error(s)
	}
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("the interrupt took %v", d)
	}
	mu.Lock()
	if last := states[len(states)-1]; last != "idle" {
		t.Errorf("the front end shows %q at the end", last)
	}
	mu.Unlock()
}

func TestUnknownComm(t *testing.T) {
	f := startKernel(t)
	closed := make(chan string, 1)
	f.Watch(func(m *jupyter.Message) {
		if m.Header.Type == "comm_close" {
			closed <- string(m.Content)
		}
	})
	f.Send(jupyter.Shell, "comm_open", map[string]any{"comm_id": "abc", "target_name": "nosuch", "data": struct{}{}})
	select {
	case c := <-closed:
		if !strings.Contains(c, `"comm_id":"abc"`) {
			t.Error(c)
		}
	case <-time.After(5 * time.Second):
		t.Error("no comm_close")
	}
}

// A cell that floods its output harms neither kernel nor front end.
func TestFlood(t *testing.T) {
	f := startKernel(t)
	for _, stream := range []string{"Stdout", "Stderr"} {
		code := `line := []byte(strings.Repeat("é", 511) + "\n"); for range 50 << 10 { os.` + stream + `.Write(line) }`
		begin := time.Now()
		s := f.run(code)
		all := s.stdout + s.stderr
		if s.Status != "ok" || !strings.Contains(all, "cut: this cell has printed more than 1 MB") || len(all) < 1<<20 || len(all) > 1<<20+1000 {
			t.Errorf("%s: %v, %d bytes shown", stream, s.Status, len(all))
		}
		if len(s.messages) > 100 {
			t.Errorf("%d messages", len(s.messages))
		}
		t.Logf("50 MB to %s: %v, %d messages", stream, time.Since(begin).Round(time.Millisecond), len(s.messages))
	}
	s := f.run(`for i := range 20000 { fmt.Println(i); os.Stdout.Sync() }`)
	if s.Status != "ok" || !strings.HasSuffix(s.stdout, "19999\n") || len(s.messages) > 300 {
		t.Errorf("%s: %d messages", s.Status, len(s.messages))
	}
}

// GoNB that dies in a cell is started again, and the cell says so.
func TestGonbDies(t *testing.T) {
	f := startKernel(t)
	f.run("fmt.Println(1)")
	child, err := f.kernel.child.get(f.ctx)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(time.Second, func() { kill9(child.PID()) })
	if s := f.run("time.Sleep(time.Hour)"); s.EName != "kernel error" || !strings.Contains(s.EValue, "GoNB ended") {
		t.Error(s)
	}
	if s := f.run("fmt.Println(2)"); s.Status != "ok" || s.stdout != "2\n" {
		t.Error(s)
	}
}

func TestShutdown(t *testing.T) {
	f := startKernel(t)
	f.run("fmt.Println(1)")
	go f.Execute(f.ctx, "time.Sleep(time.Hour)", jupyter.ExecuteOptions{}) // never answered
	time.Sleep(500 * time.Millisecond)
	m, err := f.Request(f.ctx, jupyter.Control, "shutdown_request", map[string]bool{"restart": true})
	if err != nil || !strings.Contains(string(m.Content), `"restart":true`) {
		t.Fatal(m, err)
	}
	select {
	case <-f.Dead():
	case <-time.After(5 * time.Second):
		t.Error("the kernel does not end")
	}
}
