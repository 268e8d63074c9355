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
func startCells(t testing.TB) *front {
	t.Helper()
	cfg := gonbtest.Config(t)
	return startWith(t, func(keep string, env []string) (Compiler, error) {
		return newCells(cell.Options{ModuleDir: cfg.Module, Go: cfg.Go, KeepDir: keep, Env: env})
	})
}

func TestCells(t *testing.T) {
	f := startCells(t)
	for _, test := range []struct{ code, stdout, result, err string }{
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
	} {
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
		if d := time.Since(begin); d > 2*time.Second {
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
