package serve

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"odslab/kernel/cell"
	"odslab/kernel/gonb/gonbtest"
	"odslab/kernel/jupyter"
)

// startCells is a kernel with the real compiler of cells.
func startCells(t testing.TB) *front { return startCellsFor(t, 2*time.Minute) }

func startCellsFor(t testing.TB, limit time.Duration) *front {
	t.Helper()
	cfg := gonbtest.Config(t)
	return startFor(t, limit, func(keep string, env []string) (Compiler, error) {
		return newCells(cell.Options{ModuleDir: cfg.Module, Go: cfg.Go, KeepDir: keep, Env: env})
	})
}

// cellCase is a cell and what a front end gets of it.
type cellCase struct{ code, stdout, result, err string }

func TestCells(t *testing.T) {
	startCells(t).runAll([]cellCase{
		{"x := []int{1, 4, 9}\nfmt.Println(len(x))", "3\n", "", ""},
		{"func double(n int) int {\n\treturn 2 * n\n}", "", "", ""},
		{"x[1] += double(3)\nx", "", "[]int{1, 10, 9}", ""},
		{"1 + 2 + 3", "", "6", ""},
		{"strings.ToUpper(\"abc\")", "", `ABC`, ""},
		{"y := x[7]", "", "", "panic: runtime error: index out of range [7] with length 3"},
		{"\nz := nosuch", "", "", "compile error: cell[7]:2:6: undefined: nosuch"},
		{"x = 5", "", "", "compile error: cell[8]:1:5: "},
		{"os.ReadFile(\"/nosuch\")", "", "", "error: open /nosuch: no such file or directory"},
		{"os.Exit(3)", "", "", "exit: "},
		{"len(x)", "", "3", ""},
		{"%who", "name", "", ""},
		{"!echo hi\nfmt.Println(x[0])", "hi\n1\n", "", ""},
		{"!echo hi; exit 3", "hi\n", "", "command failed: exit status 3"},
		{"%nosuch", "", "", "unknown magic: %nosuch is no magic"},
		{"%%bash\necho $((6*7))", "42\n", "", ""},
		{"%args -n 3\nfmt.Println(os.Args[1:])", "[-n 3]\n", "", ""},
		{"%%\nfmt.Println(\"as in GoNB\")", "as in GoNB\n", "", ""},
		{"var name string\nfmt.Scan(&name)", "", "", "input not allowed: "},
	})
}

// Cells in the forms in which people write them, one after the other.
func TestShapesOfCells(t *testing.T) {
	startCells(t).runAll([]cellCase{
		{"import m \"math\"\ntype P struct{ A, B float64 }\np := P{3, 4}\nfunc (p P) Norm() float64 { return m.Hypot(p.A, p.B) }\np.Norm()", "", "5", ""},
		{"type Stack[T any] struct{ items []T }\nfunc (s *Stack[T]) Push(v ...T) *Stack[T] { s.items = append(s.items, v...); return s }\nst := new(Stack[string])", "", "", ""},
		{"st.Push(\"a\", \"b\").items", "", "[]string{\"a\", \"b\"}", ""},
		{"i := 0; again: i++; if i < 3 { goto again }; fmt.Print(i); i", "3", "3", ""},
		{"outer:\n\tfor a := range 3 {\n\t\tfor { if a == 1 { break outer }; fmt.Print(a); continue outer }\n\t}", "0", "", ""},
		{"s := `raw\n%who\n!ls`; strings.Count(s, \"\\n\")", "", "2", ""},
		{"func main() { fmt.Println(\"own\") }\nfunc init() { fmt.Println(\"first\") }", "first\nown\n", "", ""},
		{"package main\nimport \"fmt\"\nfunc main() {\n\tfmt.Println(\"pasted\")\n}", "pasted\n", "", ""},
		{"x := 2", "", "", ""},
		{"x := \"another type\"; x", "", "another type", ""},
		{"rows := []struct{ Name string; N int }{{\"a\", 1}, {\"b\", 2}}\nrows", "", "Name", ""},
		{"v, err := strconv.Atoi(\"zz\"); err", "", "invalid syntax", ""},
		{"strconv.Atoi(\"zz\")", "", "", "error: strconv.Atoi: parsing \"zz\": invalid syntax"},
		{"go func() {\n\tpanic(\"aside\")\n}()\ntime.Sleep(time.Minute)", "", "", "panic: aside"},
		{"set := 1; go boom(set); time.Sleep(time.Minute)\nfunc boom(n int) { panic(n) }", "", "", "panic: 1"},
		{"set", "", "1", ""},
		{"fmt.Print(1)\nreturn\nfmt.Print(2)", "1", "", ""},
		{"defer fmt.Print(\"later \")\nfmt.Print(\"sooner \")", "sooner later ", "", ""},
		{"len := 2; string := \"s\"; fmt.Print(len, string)\n// a comment\n/* and\n%another */", "2s", "", ""},
		{"len + 1", "", "3", ""},
		{"%drop len string\nlen(\"ab\")", "", "2", ""},
		{"ctx.Err() == nil", "", "true", ""},
		{"f := func(a int) int { return a * set }; set = 5; f(2)", "", "10", ""},
		{"set = 7\nf(2)", "", "14", ""},
		{"switch v := any(set).(type) { case int: fmt.Print(\"int \", v); default: fmt.Print(\"?\") }", "int 7", "", ""},
		{"ch := make(chan int, 1); select { case ch <- 1: fmt.Print(\"sent\"); default: }", "sent", "", ""},
		{"for i, r := range \"aé\" { fmt.Print(i, string(r), \" \") }; for range 2 { fmt.Print(\".\") }", "0a 1é ..", "", ""},
		{"if n := set * 2; n > 10 { fmt.Print(n) } else if n > 5 { } else { }", "14", "", ""},
		{"set +", "", "", "compile error: cell["},
		{"graph", "", "", "compile error: cell["},
	})
}

func (f *front) runAll(cells []cellCase) {
	t := f.t
	t.Helper()
	for _, test := range cells {
		s := f.run(test.code)
		got := ""
		if s.Status == "error" {
			got = s.EName + ": " + s.EValue
		}
		if (got == "") != (test.err == "") || !strings.HasPrefix(got, test.err) {
			t.Errorf("%q: error %q, want %q (%v)", test.code, got, test.err, s)
		}
		if !strings.HasPrefix(s.stdout, test.stdout) {
			t.Errorf("%q: stdout %q", test.code, s.stdout)
		}
		result := ""
		if r := s.last("execute_result"); r != nil {
			result = fmt.Sprint(r["data"].(map[string]any)["text/plain"])
		}
		if !strings.Contains(result, test.result) || (test.result == "") != (result == "") {
			t.Errorf("%q: result %q, want %q", test.code, result, test.result)
		}
	}
}

// A cell run again unchanged is not built again, and its errors name its new number.
func TestUnchangedCell(t *testing.T) {
	f := startCells(t)
	code := "n := 3\nfmt.Println(n)\nvar q []int\n_ = q[n]"
	first := f.run(code)
	begin := time.Now()
	second := f.run(code)
	t.Logf("again: %v", time.Since(begin).Round(time.Millisecond))
	for i, s := range []*shown{first, second} {
		if want := fmt.Sprintf("cell[%d]:4    _ = q[n]", i+1); s.EName != "panic" || !strings.Contains(strings.Join(s.Traceback, "\n"), want) || s.stdout != "3\n" {
			t.Errorf("%v, want %s", s, want)
		}
	}
}

// %env reaches go build and the cell's process.
func TestEnvOfCells(t *testing.T) {
	f := startCells(t)
	built := "info, _ := debug.ReadBuildInfo()\nfor _, s := range info.Settings {\n\tif s.Key == \"-tags\" || s.Key == \"CGO_ENABLED\" {\n\t\tfmt.Println(s.Key, s.Value, os.Getenv(\"WHO\"))\n\t}\n}"
	f.run(built)
	s := f.run("%env GOFLAGS=-tags=mine\n%env CGO_ENABLED 0\n%env WHO=\"Ada L\"\n" + built)
	if s.Status != "ok" || !strings.Contains(s.stdout, ",mine Ada L\n") || !strings.Contains(s.stdout, "CGO_ENABLED 0 Ada L\n") {
		t.Error(s)
	}
	if s = f.run("%env GOFLAGS=-nosuchflag\n1 + 1"); s.EName != "compile error" || !strings.Contains(s.EValue, "nosuchflag") {
		t.Errorf("a flag that go does not know: %v", s)
	}
	if s = f.run("%env GOFLAGS=\"\"\n1 + 1"); s.Status != "ok" {
		t.Errorf("flags taken back: %v", s)
	}
}

func TestInputOfCells(t *testing.T) {
	f := startCells(t)
	for _, code := range []string{
		"var name string\nfmt.Scan(&name)\nfmt.Println(\"hello\", name)",
		"in := bufio.NewScanner(os.Stdin)\nin.Scan()\nfmt.Println(\"hello\", in.Text())",
	} {
		s := f.run(code, func(o *jupyter.ExecuteOptions) {
			o.OnInput = func(string, bool) (string, error) { return "Ada", nil }
		})
		if s.Status != "ok" || s.stdout != "hello Ada\n" {
			t.Errorf("%q: %v", code, s)
		}
	}
}

// What the cell itself asks, by gonbui, is asked once, whether it reads by Scan or by a Reader.
func TestOwnQuestion(t *testing.T) {
	f := startCells(t)
	for _, code := range []string{
		"gonbui.RequestInput(\"name? \", false)\nvar name string\nfmt.Scan(&name)\nfmt.Println(\"hello\", name)",
		"gonbui.RequestInput(\"name? \", false)\nline, _ := bufio.NewReader(os.Stdin).ReadString('\\n')\nfmt.Print(\"hello \", line)",
		"func ask(q string) (a string) { gonbui.RequestInput(q, false); fmt.Scanln(&a); return a }\nfmt.Println(\"hello\", ask(\"name? \"))",
	} {
		asked := 0
		s := f.run(code, func(o *jupyter.ExecuteOptions) {
			o.OnInput = func(prompt string, _ bool) (string, error) {
				if asked++; prompt != "name? " {
					t.Errorf("asked %q", prompt)
				}
				time.Sleep(200 * time.Millisecond)
				return "Ada", nil
			}
		})
		if s.Status != "ok" || s.stdout != "hello Ada\n" || asked != 1 {
			t.Errorf("%q: asked %d times, %v", code, asked, s)
		}
	}
}

// Out of memory is one line and the person's own frames.
func TestOutOfMemory(t *testing.T) {
	f := startCells(t)
	for _, test := range []struct{ code, line string }{
		{"kept := 1\nx := make([]byte, 1<<46)\nlen(x)", "2    x := make"},
		{"func room(n int) []float64 {\n\treturn make([]float64, n)\n}\nroom(1 << 43)", "]:4    room("},
		{"s := strings.Repeat(\"long\", 1<<45)\nlen(s)", "1    s := strings"},
	} {
		s := f.run(test.code)
		trace := strings.Join(s.Traceback, "\n")
		if s.EName != "fatal error" || s.EValue != "out of memory" || s.stderr != "" || !strings.Contains(trace, test.line) || strings.Contains(trace, "runtime.") {
			t.Errorf("%s: %v\n%s", test.code, s, trace)
		}
	}
	// Bit by bit: the system would kill it, or something else, if nothing stopped it before.
	limit := "var l syscall.Rlimit\nsyscall.Getrlimit(syscall.RLIMIT_DATA, &l)\n"
	if s := f.run(limit + "l.Cur < 1<<45"); s.last("execute_result") == nil || fmt.Sprint(s.last("execute_result")["data"]) != "map[text/plain:true]" {
		t.Errorf("no limit: %v", s)
	}
	for _, code := range []string{
		"var all [][]byte\nfor {\n\tall = append(all, make([]byte, 1<<20))\n}",
		"all := map[int]string{}\nfor i := 0; ; i++ {\n\tall[i] = strconv.Itoa(i)\n}",
		"func deep(n int) (all [][]int) {\n\tfor range n { all = append(all, make([]int, 1<<16)) }\n\treturn append(all, deep(n+1)...)\n}\nlen(deep(9))",
	} {
		s := f.run(limit + "l.Cur = 600 << 20\nsyscall.Setrlimit(syscall.RLIMIT_DATA, &l)\n" + code)
		s.stderr = strings.TrimPrefix(s.stderr, "note: what syscall.Setrlimit changes belongs to its package, and is gone after this cell\n")
		trace := strings.Join(s.Traceback, "\n")
		if s.EName != "fatal error" || s.EValue != "out of memory" || s.stderr != "" || !strings.Contains(trace, "cell[") || strings.Contains(trace, "runtime.") {
			t.Errorf("%s: %v\n%s", code, s, trace)
		}
	}
	if s := f.run("kept"); s.Status != "error" { // the process has ended at once: nothing of the cell is kept
		t.Errorf("%v", s)
	}
}

func TestInterruptedCell(t *testing.T) {
	f := startCells(t)
	f.run("fmt.Println(0)")
	for _, code := range []string{"for {}", "time.Sleep(time.Hour)", "<-ctx.Done()\nfmt.Println(\"partial\")"} {
		code = "a := 1\nfmt.Println(\"on\")\n" + code
		done := make(chan *shown)
		started := make(chan struct{})
		go func() {
			done <- f.run(code, func(o *jupyter.ExecuteOptions) {
				show := o.OnOutput
				o.OnOutput = func(m *jupyter.Message) {
					if show(m); m.Header.Type == "stream" && strings.Contains(string(m.Content), "on\\n") {
						close(started)
					}
				}
			})
		}()
		<-started
		time.Sleep(100 * time.Millisecond)
		begin := time.Now()
		f.Interrupt()
		s := <-done
		if s.EName != "interrupted" || fmt.Sprint(s.types) != "[error]" {
			t.Errorf("%q: %v", code, s)
		}
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("%q: %v after the interrupt", code, d)
		}
		if s := f.run("a"); s.Status != "ok" || s.last("execute_result") == nil {
			t.Errorf("%q: the variable is lost: %v", code, s)
		}
	}
}

func BenchmarkPrintChanged(b *testing.B) {
	f := startCells(b)
	f.run("fmt.Println(0)")
	for i := 0; b.Loop(); i++ {
		f.run(fmt.Sprintf("fmt.Println(\"changed %d\")", i))
	}
}

func BenchmarkPrintUnchanged(b *testing.B) {
	f := startCells(b)
	f.run("fmt.Println(0)")
	for b.Loop() {
		f.run("fmt.Println(0)")
	}
}

// Characters come whole, whatever a read has cut.
func TestWholeCharacters(t *testing.T) {
	f := startCells(t)
	for _, code := range []string{
		`fmt.Print(strings.Repeat("€", 20000))`, `fmt.Print("a" + strings.Repeat("🙂", 30000))`, `os.Stderr.WriteString(strings.Repeat("ä€", 9000))`,
		`for range 5000 { fmt.Print("né"); os.Stdout.Sync() }`, `exec.Command("sh", "-c", "printf €; printf € >/dev/stdout").Output()`,
	} {
		s := f.run(code)
		if strings.ContainsRune(s.stdout+s.stderr, '\uFFFD') || s.Status != "ok" {
			t.Errorf("%s: %d bytes with broken characters, %v", code, len(s.stdout+s.stderr), s.Status)
		}
	}
	if s := f.run(`fmt.Print(strings.Repeat("€", 20000))`); s.stdout != strings.Repeat("€", 20000) {
		t.Errorf("%d bytes have come", len(s.stdout))
	}
	if s := f.run("os.Stdout.Write([]byte{'a', 0xe2, 0x82})"); s.stdout != "a\uFFFD" {
		t.Errorf("an unfinished character: %q", s.stdout)
	}
	if s := f.run("x := []int{1}\nfmt.Println(1)\npanic(\"p\")"); s.EValue != "p" || s.stdout != "1\n" || s.stderr != "" {
		t.Errorf("%v", s)
	}
	if s := f.run("func deep(n int) int { return deep(n+1) + 1 }\ndeep(0)"); s.EName != "fatal error" || s.EValue != "stack overflow: a function calls itself without end" || s.stderr != "" || !strings.Contains(strings.Join(s.Traceback, "\n"), "cell[") {
		t.Errorf("%v", s)
	}
}

// What waits without end is named after two seconds, and the note goes when it moves.
func TestWaitNote(t *testing.T) {
	f := startCells(t)
	s := f.run("done := make(chan int)\ngo func() { time.Sleep(4 * time.Second); done <- 1 }()\nmiddle := make(chan int)\ngo func() { x := <-done; middle <- x }()\n<-middle")
	if fmt.Sprint(s.types) != "[execute_result]" { // one sleeps
		t.Errorf("%v", s)
	}
	end := time.AfterFunc(6*time.Second, func() { f.Interrupt() })
	s = f.run("c := make(chan int)\n<-c")
	end.Stop()
	if d := s.last("display_data"); s.EName != "interrupted" || d == nil || !strings.Contains(fmt.Sprint(d["data"]), "]:2 chan receive; interrupt to end") || !strings.Contains(strings.Join(s.Traceback, "\n"), "<-c") {
		t.Errorf("%v %v", s, s.Traceback)
	}
}

// Flags may be quoted, and taken back.
func TestFlags(t *testing.T) {
	startCells(t).runAll([]cellCase{
		{"%goflags \"-tags=mine\"\nx := 1", "", "", ""},
		{"x + 1", "", "2", ""},
		{"%goflags \"\"\nx + 2", "", "3", ""},
		{"x + 3", "", "4", ""},
		{"%env MINE=1 2\nos.Getenv(\"MINE\")", "", "1 2", ""},
		{"%env OTHER y\nos.Getenv(\"OTHER\")", "", "y", ""},
		{"%exec f", "", "", "unknown magic: %exec has no use here: call the function"},
		{"%main\nfmt.Println(x)", "1\n", "", ""},
		{"%goflags -race\nx + 4", "", "5", ""},
		{"n := 0\nvar wg sync.WaitGroup\nfor range 2 {\n\twg.Go(func() { for range 1000 { n++ } })\n}\nwg.Wait()", "", "", "exit: the cell ended with exit status 66"},
		{"%goflags \"\"\nx + 5", "", "6", ""},
		{"!*go get example.org/m", "", "", "no effect: cells get modules by %get MODULE@VERSION, not by go get: %get example.org/m"},
		{"!* go get -u example.org/m@v1.0.0\nx", "", "", "no effect: cells get modules by %get MODULE@VERSION, not by go get: %get example.org/m@v1.0.0"},
		{"!echo go get x", "go get x\n", "", ""},
	})
}
