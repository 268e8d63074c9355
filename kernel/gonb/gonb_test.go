package gonb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"odslab/kernel/gonb"
	"odslab/kernel/gonb/gonbtest"
)

func TestMain(m *testing.M) { gonbtest.Main(m) }

func start(t *testing.T) (*gonb.Child, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Second)
	t.Cleanup(cancel)
	c, err := gonb.Start(ctx, gonbtest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, ctx
}

// seen collects what a run shows.
type seen struct {
	mu             sync.Mutex
	stdout, stderr string
	displays       []string
}

func (s *seen) events() gonb.Events {
	return gonb.Events{
		Stream: func(name, text string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if name == "stderr" {
				s.stderr += text
			} else {
				s.stdout += text
			}
		},
		Display: func(update bool, content json.RawMessage) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.displays = append(s.displays, fmt.Sprint(update, string(content)))
		},
	}
}

func (s *seen) out() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stdout
}

func program(imports, body string) gonb.Cell {
	var b strings.Builder
	b.WriteString("package main\n")
	for _, p := range strings.Fields(imports) {
		fmt.Fprintf(&b, "import %q\n", p)
	}
	b.WriteString("func main() {\n//line cell[5]:1:1\n" + body + "\n}\n")
	return gonb.Cell{Program: []byte(b.String())}
}

func mustRun(t *testing.T, c *gonb.Child, ctx context.Context, cell gonb.Cell) (*gonb.Outcome, *seen) {
	t.Helper()
	s := &seen{}
	out, err := c.Run(ctx, cell, s.events())
	if err != nil {
		t.Fatal(err)
	}
	return out, s
}

func TestPrograms(t *testing.T) {
	c, ctx := start(t)
	t.Run("print", func(t *testing.T) {
		out, s := mustRun(t, c, ctx, program("fmt os", `fmt.Println("hello"); fmt.Fprintln(os.Stderr, "oops")`))
		if !out.OK() || s.stdout != "hello\n" || s.stderr != "oops\n" {
			t.Errorf("%+v %+v", out, s)
		}
	})
	t.Run("unchanged program is not built again", func(t *testing.T) {
		p := program("fmt", `fmt.Println("again")`)
		mustRun(t, c, ctx, p)
		before := binaries(t, c)
		out, s := mustRun(t, c, ctx, p)
		if !out.OK() || s.stdout != "again\n" {
			t.Errorf("%+v %+v", out, s)
		}
		if after := binaries(t, c); after != before {
			t.Errorf("binaries before %s, after %s", before, after)
		}
	})
	t.Run("compile error", func(t *testing.T) {
		out, s := mustRun(t, c, ctx, program("", "\nx := nosuch"))
		if !strings.Contains(out.BuildLog, "cell[5]:2:6: undefined: nosuch") || s.stdout+s.stderr != "" || len(s.displays) > 0 {
			t.Errorf("%+v %+v", out, s)
		}
	})
	t.Run("panic", func(t *testing.T) {
		out, s := mustRun(t, c, ctx, program("fmt", "var q []int\nfmt.Println(\"hm\")\nfmt.Println(q[3])"))
		if !strings.HasPrefix(out.Crash, "panic: runtime error: index out of range [3]") || !strings.Contains(out.Crash, "cell[5]:3") ||
			s.stdout != "hm\n" || s.stderr != "" || out.Failed != "exit status 2" {
			t.Errorf("%+v %+v", out, s)
		}
	})
	t.Run("only looks like a panic", func(t *testing.T) {
		out, s := mustRun(t, c, ctx, program("fmt os", `fmt.Fprintln(os.Stderr, "panic: not really")`))
		if !out.OK() || s.stderr != "panic: not really\n" {
			t.Errorf("%+v %+v", out, s)
		}
	})
	t.Run("exit", func(t *testing.T) {
		out, s := mustRun(t, c, ctx, program("os", `os.Exit(3)`))
		if out.Failed != "exit status 3" || s.stderr != "" {
			t.Errorf("%+v %+v", out, s)
		}
	})
	t.Run("failure file", func(t *testing.T) {
		out, _ := mustRun(t, c, ctx, program("os", `os.WriteFile(os.Getenv("ODSLAB_ERROR"), []byte(`+"`"+`{"ename":"Oops","evalue":"no","line":4,"traceback":"a\nb\n"}`+"`"+`), 0o600); os.Exit(1)`))
		if f := out.Failure; f == nil || f.EName != "Oops" || f.EValue != "no" || f.Line != 4 || len(f.Traceback) != 2 {
			t.Errorf("%+v", out)
		}
		if out, _ := mustRun(t, c, ctx, program("fmt", "fmt.Println()")); !out.OK() {
			t.Errorf("a failure outlives its cell: %+v", out)
		}
	})
	t.Run("rich output", func(t *testing.T) {
		out, s := mustRun(t, c, ctx, program("github.com/janpfeifer/gonb/gonbui", `gonbui.DisplayHTML("<b>x</b>"); gonbui.UpdateHTML("id1", "a"); gonbui.UpdateHTML("id1", "b"); gonbui.Sync()`))
		if !out.OK() || len(s.displays) != 3 || !strings.HasPrefix(s.displays[0], "false") || !strings.HasPrefix(s.displays[2], "true") {
			t.Errorf("%+v %+v", out, s)
		}
	})
	t.Run("arguments", func(t *testing.T) {
		cell := program("fmt os", `fmt.Println(os.Args[1:])`)
		cell.Magics = []string{"%args a b"}
		if out, s := mustRun(t, c, ctx, cell); !out.OK() || s.stdout != "[a b]\n" {
			t.Errorf("%+v %+v", out, s)
		}
		cell.Magics = []string{"%% --n=3"}
		if out, s := mustRun(t, c, ctx, cell); !out.OK() || s.stdout != "[--n=3]\n" {
			t.Errorf("%+v %+v", out, s)
		}
	})
	t.Run("grandchildren end with an interrupt", func(t *testing.T) {
		interrupted(t, c, ctx, program("fmt os/exec", `fmt.Println("ready"); exec.Command("sleep", "100").Run()`), 0)
	})
}

func binaries(t *testing.T, c *gonb.Child) string {
	t.Helper()
	entries, err := os.ReadDir(c.Binaries())
	if err != nil {
		t.Fatal(err)
	}
	s := ""
	for _, e := range entries {
		info, _ := e.Info()
		s += e.Name() + info.ModTime().String() + "\n"
	}
	return s
}

func TestMagics(t *testing.T) {
	c, ctx := start(t)
	run := func(p string, magics ...string) (*gonb.Outcome, *seen) {
		t.Helper()
		cell := gonb.Cell{Magics: magics}
		if p != "" {
			cell.Program = program("fmt os", p).Program
		}
		return mustRun(t, c, ctx, cell)
	}
	if out, s := run(`fmt.Println(os.Getenv("FOO"))`, "!echo one", "%env FOO=bar"); !out.OK() || !strings.HasPrefix(s.stdout, "one\n") || !strings.HasSuffix(s.stdout, "bar\n") {
		t.Errorf("%+v %+v", out, s)
	}
	if out, s := run(`fmt.Println("ran")`, "!echo a; exit 3"); out.Failed != "exit status 3" || s.stdout != "a\n" || s.stderr != "" {
		t.Errorf("%+v %+v", out, s)
	}
	if out, s := run("", "!cat; echo end"); !out.OK() || s.stdout != "end\n" {
		t.Errorf("a command that reads: %+v %+v", out, s)
	}
	if out, _ := run("", "%env FOO"); out.Failed == "" {
		t.Errorf("wrong use of a magic: %+v", out)
	}
	dir := t.TempDir()
	if out, s := run(`fmt.Println(os.Getwd())`, "%cd "+dir); !out.OK() || !strings.Contains(s.stdout, dir+" <nil>") {
		t.Errorf("%+v %+v", out, s)
	}
	if out, _ := mustRun(t, c, ctx, gonb.Cell{Raw: "%%writefile " + dir + "/f\nhello\n"}); !out.OK() {
		t.Errorf("%+v", out)
	}
	if out, s := mustRun(t, c, ctx, gonb.Cell{Raw: "%%bash\ncat " + dir + "/f; exit 4"}); out.Failed != "exit status 4" || !strings.HasPrefix(s.stdout, "hello") {
		t.Errorf("%+v %+v", out, s)
	}
	// GoNB's own cells still compile, with the module of cells.
	raw := gonb.Cell{Raw: "import (\n\t\"testing\"\n\t\"github.com/janpfeifer/gonb/gonbui\"\n)\nfunc TestA(t *testing.T) { if !gonbui.IsNotebook { t.Error() } }\n%test\n"}
	if out, s := mustRun(t, c, ctx, raw); !out.OK() || !strings.Contains(s.stdout, "PASS") {
		t.Errorf("%+v %+v", out, s)
	}
}

func TestInput(t *testing.T) {
	c, ctx := start(t)
	cell := program("fmt", `var a, b string; fmt.Scan(&a); fmt.Println("got", a); fmt.Scan(&b); fmt.Println("and", b)`)
	s := &seen{}
	ev := s.events()
	answers := []string{"x", "y"}
	ev.Input = func(string, bool) (string, error) {
		a := answers[0]
		answers = answers[1:]
		return a, nil
	}
	out, err := c.Run(ctx, cell, ev)
	if err != nil || !out.OK() || s.stdout != "got x\nand y\n" || len(answers) != 0 {
		t.Errorf("%+v %+v %v, answers left %q", out, s, err, answers)
	}
	// A question of the cell's own is asked once, with its prompt, and answers what is read next.
	var asked []string
	s = &seen{}
	ev = s.events()
	ev.Input = func(prompt string, password bool) (string, error) {
		asked = append(asked, fmt.Sprint(prompt, password))
		time.Sleep(300 * time.Millisecond) // people are slow
		return fmt.Sprint("answer", len(asked)), nil
	}
	own := gonb.Cell{Program: []byte(`package main
import ("fmt"; "github.com/janpfeifer/gonb/gonbui"; _ "odslab/kernel/runtime/rich")
func main() {
	var a, b, c string
	gonbui.RequestInput("name?", false)
	fmt.Scan(&a)
	gonbui.RequestInput("secret?", true)
	fmt.Scan(&b)
	fmt.Scan(&c)
	fmt.Println(a, b, c)
}`)}
	out, err = c.Run(ctx, own, ev)
	if err != nil || !out.OK() || s.stdout != "answer1 answer2 answer3\n" || fmt.Sprint(asked) != "[name?false secret?true false]" {
		t.Errorf("%+v %+v %v, asked %q", out, s, err, asked)
	}
	start := time.Now()
	out, s2 := mustRun(t, c, ctx, cell)
	if !out.AskedInput || out.OK() || !strings.Contains(s2.stdout, "got") {
		t.Errorf("no input allowed: %+v %+v", out, s2)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("took %v", d)
	}
}

// interrupted runs a cell, interrupts it once it says "ready" and checks that
// nothing is left of it.
func interrupted(t *testing.T, c *gonb.Child, ctx context.Context, cell gonb.Cell, least time.Duration) *seen {
	t.Helper()
	s := &seen{}
	ev := s.events()
	var begin time.Time
	show := ev.Stream
	ev.Stream = func(name, text string) {
		show(name, text)
		if text == "ready\n" {
			time.Sleep(50 * time.Millisecond) // it is in what comes next
			begin = time.Now()
			c.Interrupt()
		}
	}
	out, err := c.Run(ctx, cell, ev)
	took := time.Since(begin)
	if err != nil || !out.Interrupted {
		t.Fatalf("%+v %v", out, err)
	}
	if took < least || took > least+1800*time.Millisecond {
		t.Errorf("ended %v after the interrupt", took)
	}
	for _, pid := range gonb.Marked(c.Mark()) {
		if pid != c.PID() {
			cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			t.Errorf("process %d is left: %s", pid, cmdline)
		}
	}
	return s
}

func TestInterrupt(t *testing.T) {
	c, ctx := start(t)
	interrupted(t, c, ctx, program("fmt", `fmt.Println("ready"); for {}`), 0)
	interrupted(t, c, ctx, gonb.Cell{Magics: []string{"!echo ready; sleep 100"}}, 0)
	s := interrupted(t, c, ctx, program("fmt os os/signal", `ch := make(chan os.Signal, 1); signal.Notify(ch, os.Interrupt); fmt.Println("ready"); <-ch; fmt.Println("partial result")`), 0)
	if s.out() != "ready\npartial result\n" {
		t.Errorf("%+v", s)
	}
	interrupted(t, c, ctx, program("fmt os os/signal", `signal.Ignore(os.Interrupt); fmt.Println("ready"); for {}`), gonb.InterruptGrace)
	if out, s := mustRun(t, c, ctx, program("fmt", `fmt.Println("alive")`)); !out.OK() || s.stdout != "alive\n" {
		t.Errorf("%+v %+v", out, s)
	}
}

// GoNB killed in the middle of a cell takes the cell along and says so.
func TestGonbKilled(t *testing.T) {
	c, ctx := start(t)
	time.AfterFunc(time.Second, func() { syscall.Kill(c.PID(), syscall.SIGKILL) })
	_, err := c.Run(ctx, program("time", `time.Sleep(time.Hour)`), gonb.Events{})
	if err == nil {
		t.Fatal("no error")
	}
	waitGone(t, c.Mark())
}

func waitGone(t *testing.T, mark string) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		pids := gonb.Marked(mark)
		if len(pids) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("processes %v are left", pids)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	c, ctx := start(t)
	mustRun(t, c, ctx, gonb.Cell{Magics: []string{"!(setsid sleep 100 >/dev/null 2>&1 &)"}})
	if len(gonb.Marked(c.Mark())) < 2 {
		t.Fatal("the background process does not run")
	}
	c.Close()
	waitGone(t, c.Mark())
	if _, err := os.Stat(c.Dir()); !os.IsNotExist(err) {
		t.Errorf("the private folder is left: %v", err)
	}
}
