package notebook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odslab/kernel/jupyter"
)

// scripted is a kernel whose cells are commands, one a line:
//
//	print TEXT | loop | deaf | panic LINE TEXT | show ID TEXT | update ID TEXT | clear | wait-clear | big N
type scripted struct {
	count       int
	interrupted chan struct{}
	killed      chan struct{}
	ran         []string
}

func newScripted() *scripted {
	return &scripted{interrupted: make(chan struct{}, 1), killed: make(chan struct{})}
}

func (k *scripted) Interrupt() error { k.interrupted <- struct{}{}; return nil }

func (k *scripted) Shutdown(context.Context) error {
	select {
	case <-k.killed:
	default:
		close(k.killed)
	}
	return nil
}

func (k *scripted) Execute(ctx context.Context, code string, o jupyter.ExecuteOptions) (*jupyter.Reply, error) {
	k.count++
	k.ran = append(k.ran, code)
	emit := func(kind string, content any) {
		raw, err := json.Marshal(content)
		if err != nil {
			panic(err)
		}
		o.OnOutput(&jupyter.Message{Header: jupyter.Header{Type: kind}, Content: raw})
	}
	type dict = map[string]any
	for i, line := range strings.Split(code, "\n") {
		command, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch command {
		case "print":
			emit("stream", dict{"name": "stdout", "text": rest + "\n"})
		case "big":
			for range 50 {
				emit("stream", dict{"name": "stdout", "text": strings.Repeat("x", 1<<20)})
			}
		case "show", "update":
			id, text, _ := strings.Cut(rest, " ")
			kind := map[string]string{"show": "display_data", "update": "update_display_data"}[command]
			emit(kind, dict{"data": dict{"text/plain": text}, "metadata": dict{}, "transient": dict{"display_id": id}})
		case "clear", "wait-clear":
			emit("clear_output", dict{"wait": command == "wait-clear"})
		case "loop":
			select {
			case <-k.interrupted:
				return &jupyter.Reply{Status: "error", EName: "interrupt", EValue: "signal: interrupt", ExecutionCount: k.count}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		case "deaf":
			select {
			case <-k.killed:
				return nil, jupyter.ErrDead
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		case "panic":
			at := fmt.Sprintf("cell[%d]:%d", k.count, i+1)
			tb := []string{"\x1b[31mpanic: " + rest + "\x1b[0m", at + " main.f()"}
			emit("error", dict{"ename": "panic", "evalue": rest, "traceback": tb})
			return &jupyter.Reply{Status: "error", EName: "panic", EValue: rest, Traceback: tb, ExecutionCount: k.count}, nil
		case "die":
			return nil, fmt.Errorf("%w (signal: killed)", jupyter.ErrDead)
		}
	}
	return &jupyter.Reply{Status: "ok", ExecutionCount: k.count}, nil
}

// write makes a notebook file of cells given as "tag,tag|source".
func write(t *testing.T, name string, cells ...string) string {
	t.Helper()
	nb := &Notebook{Metadata: map[string]any{"kernelspec": map[string]any{"name": "odslab", "display_name": "Go (odslab)", "language": "go"}}}
	for _, c := range cells {
		tags, src, ok := strings.Cut(c, "|")
		if !ok {
			tags, src = "", c
		}
		meta := map[string]any{}
		if tags != "" {
			var list []any
			for _, tag := range strings.Split(tags, ",") {
				list = append(list, tag)
			}
			meta["tags"] = list
		}
		nb.Cells = append(nb.Cells, Cell{Type: "code", Source: src, Metadata: meta})
	}
	path := filepath.Join(t.TempDir(), name+".ipynb")
	if err := nb.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// runOn runs a notebook on a scripted kernel and returns what was written.
func runOn(t *testing.T, cfg Config, path string) (*Notebook, string, *scripted, error) {
	t.Helper()
	k := newScripted()
	var out bytes.Buffer
	cfg.Paths, cfg.Out = []string{path}, &out
	cfg.connect = func(context.Context, string) (client, error) { return k, nil }
	err := Run(t.Context(), cfg)
	nb, readErr := ReadFile(filepath.Join(filepath.Dir(path), "out", filepath.Base(path)))
	if readErr != nil && !errors.Is(readErr, os.ErrNotExist) {
		t.Fatal(readErr)
	}
	return nb, out.String(), k, err
}

func TestRunWritesOutputsAndTable(t *testing.T) {
	path := write(t, "a", "print one\nprint two", "check|print fine", "  \n", "skip-execution|panic never")
	nb, out, k, err := runOn(t, Config{}, path)
	if err != nil {
		t.Fatal(err)
	}
	if got := nb.Cells[0].Outputs; len(got) != 1 || got[0].Text != "one\ntwo\n" {
		t.Errorf("outputs %+v, want one merged stream", got)
	}
	if nb.Cells[1].ExecutionCount != 2 || len(k.ran) != 2 {
		t.Errorf("count %d, ran %q; empty and skipped cells must not run", nb.Cells[1].ExecutionCount, k.ran)
	}
	for _, want := range []string{"2/2", "1 ok", filepath.Join("out", "a.html")} {
		if !strings.Contains(out, want) {
			t.Errorf("table lacks %q:\n%s", want, out)
		}
	}
	page, err := os.ReadFile(strings.TrimSuffix(path, "a.ipynb") + "out/a.html")
	if err != nil || !bytes.Contains(page, []byte("check ok")) {
		t.Errorf("page without the check's badge: %v", err)
	}
}

func TestRunStopsAtErrorWithItsLine(t *testing.T) {
	path := write(t, "a", "print a", "print b\n  panic boom", "check|print never")
	nb, out, k, err := runOn(t, Config{}, path)
	var ce *CellError
	if !errors.As(err, &ce) || !errors.Is(err, ErrFailed) {
		t.Fatalf("error %v", err)
	}
	if !nb.Cells[1].failed() {
		t.Error("the error is not in the executed notebook")
	}
	want := path + ": cell[2]:2: panic: boom\n    panic boom"
	if len(k.ran) != 2 {
		t.Errorf("ran %d cells, want 2", len(k.ran))
	}
	if err.Error() != want {
		t.Errorf("got  %q\nwant %q", err, want)
	}
	if !strings.Contains(out, "2/3") || !strings.Contains(out, "1 not run") {
		t.Errorf("table: %s", out)
	}
}

func TestRunFailedCheck(t *testing.T) {
	_, out, _, err := runOn(t, Config{}, write(t, "a", "check|print x", "check|panic W1 is 0.7, over .5"))
	if err == nil || !strings.Contains(err.Error(), "check cell[2]:1: panic: W1 is 0.7, over .5") {
		t.Errorf("error %v", err)
	}
	if !strings.Contains(out, "1 ok, 1 failed") {
		t.Errorf("table: %s", out)
	}
}

func TestRunRaisesException(t *testing.T) {
	nb, _, k, err := runOn(t, Config{}, write(t, "a", "raises-exception|panic meant", "print on"))
	if err != nil || len(k.ran) != 2 {
		t.Fatalf("ran %d, %v", len(k.ran), err)
	}
	if !nb.Cells[0].failed() {
		t.Error("the meant error is not in the outputs")
	}
}

func TestRunTimeoutInterrupts(t *testing.T) {
	path := write(t, "a", "print a", "print started\nloop", "print never")
	begin := time.Now()
	nb, _, k, err := runOn(t, Config{Timeout: 50 * time.Millisecond}, path)
	if err == nil || !strings.Contains(err.Error(), "cell[2]: ran longer than 50ms and was interrupted") {
		t.Fatalf("error %v", err)
	}
	if time.Since(begin) > 3*time.Second || len(k.ran) != 2 {
		t.Errorf("took %v, ran %d", time.Since(begin), len(k.ran))
	}
	if out := nb.Cells[1].Outputs; len(out) != 2 || out[0].Text != "started\n" || out[1].Type != "error" {
		t.Errorf("outputs %+v, want what was printed and why it stopped", out)
	}
}

func TestTimeoutKillsTheDeaf(t *testing.T) {
	k := newScripted()
	r := &runner{
		kernel: k, timeout: 20 * time.Millisecond, grace: 30 * time.Millisecond, now: time.Now,
		began: func(int, int, *Cell) {}, ended: func(int, int, *Cell, time.Duration) {},
	}
	nb := &Notebook{Cells: []Cell{{Type: "code", Source: "deaf", Metadata: map[string]any{}}}}
	s := r.run(t.Context(), nb)
	if s.Failure == nil || !strings.Contains(s.Failure.Message, "was killed") {
		t.Fatalf("failure %v", s.Failure)
	}
	select {
	case <-k.killed:
	default:
		t.Error("the kernel lives on")
	}
}

func TestCancelKeepsWhatThereIs(t *testing.T) {
	path := write(t, "a", "print kept", "loop", "print never")
	k := newScripted()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	err := Run(ctx, Config{Paths: []string{path, path}, connect: func(context.Context, string) (client, error) { return k, nil }})
	if err == nil || !strings.Contains(err.Error(), "cell[2]: interrupted") {
		t.Fatalf("error %v", err)
	}
	if len(k.ran) != 2 {
		t.Errorf("ran %q: the second notebook must not begin", k.ran)
	}
	nb, err := ReadFile(filepath.Join(filepath.Dir(path), "out", "a.ipynb"))
	if err != nil || nb.Cells[0].Outputs[0].Text != "kept\n" {
		t.Errorf("not kept: %v", err)
	}
}

func TestKernelDies(t *testing.T) {
	_, _, k, err := runOn(t, Config{}, write(t, "a", "die", "print never"))
	if err == nil || !strings.Contains(err.Error(), "cell[1]: the kernel died (signal: killed)") || len(k.ran) != 1 {
		t.Errorf("ran %d, error %v", len(k.ran), err)
	}
}

func TestDisplaysAndClearing(t *testing.T) {
	nb, _, _, err := runOn(t, Config{}, write(t, "a",
		"show d first", "print x\nupdate d second", "print gone\nclear\nprint kept", "print gone\nwait-clear", "print gone\nwait-clear\nprint new"))
	if err != nil {
		t.Fatal(err)
	}
	if got := nb.Cells[0].Outputs[0].Data["text/plain"]; got != "second" {
		t.Errorf("updated from a later cell: %v", got)
	}
	if got := nb.Cells[1].Outputs; len(got) != 1 {
		t.Errorf("an update is no output of its own: %+v", got)
	}
	if got := nb.Cells[2].Outputs; len(got) != 1 || got[0].Text != "kept\n" {
		t.Errorf("clear: %+v", got)
	}
	if got := nb.Cells[3].Outputs; len(got) != 1 || got[0].Text != "gone\n" {
		t.Errorf("clear that waits for output which does not come: %+v", got)
	}
	if got := nb.Cells[4].Outputs; len(got) != 1 || got[0].Text != "new\n" {
		t.Errorf("clear that waits: %+v", got)
	}
}

func TestHugeOutputIsCut(t *testing.T) {
	path := write(t, "a", "big", "print after")
	nb, _, _, err := runOn(t, Config{}, path)
	if err != nil {
		t.Fatal(err)
	}
	out := nb.Cells[0].Outputs
	if last := out[len(out)-1].Text; !strings.Contains(last, "printed 50.0 MB, of which 2.0 MB are kept") {
		t.Errorf("last output %.80q", last)
	}
	info, err := os.Stat(filepath.Join(filepath.Dir(path), "out", "a.ipynb"))
	if err != nil || info.Size() > maxStream+4096 {
		t.Errorf("size %d, %v", info.Size(), err)
	}
	if nb.Cells[1].Outputs[0].Text != "after\n" {
		t.Error("the next cell was cut too")
	}
}

func TestPrepareRefusesBeforeRunning(t *testing.T) {
	good := write(t, "good", "parameters|n := 1")
	bad := filepath.Join(t.TempDir(), "bad.ipynb")
	if err := os.WriteFile(bad, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	started := func(context.Context, string) (client, error) {
		t.Error("a kernel was started")
		return nil, errors.New("no")
	}
	for _, c := range []struct {
		name, want string
		cfg        Config
	}{
		{"nothing to run", "no notebook given", Config{}},
		{"one of two is broken", "not JSON", Config{Paths: []string{good, bad}}},
		{"missing", "no such file", Config{Paths: []string{good + "x"}}},
		{"unknown parameter", `has no parameter "m"; it has n`, Config{Paths: []string{good}, Params: map[string]string{"m": "1"}}},
		{"known to none of several", `none of the notebooks has a parameter "m"`, Config{Paths: []string{good, good}, Params: map[string]string{"m": "1"}}},
		{"over the source", "would replace the notebook itself", Config{Paths: []string{good}, OutDir: filepath.Dir(good)}},
	} {
		c.cfg.connect = started
		if err := Run(t.Context(), c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestUnwritable(t *testing.T) {
	path := write(t, "a", "print x")
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "out"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	k := newScripted()
	err := Run(t.Context(), Config{Paths: []string{path}, connect: func(context.Context, string) (client, error) { return k, nil }})
	if want := filepath.Join(filepath.Dir(path), "out", "a.ipynb") + " cannot be written: not a directory"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestParamsReachTheKernel(t *testing.T) {
	nb, _, k, err := runOn(t, Config{Params: map[string]string{"n": "200"}}, write(t, "a", "parameters|n := 10 // draws", "print x"))
	if err != nil || k.ran[0] != "n := 200 // draws" || nb.Cells[0].Source != k.ran[0] {
		t.Errorf("ran %q, %v", k.ran, err)
	}
}

func TestSameNameTwice(t *testing.T) {
	a, b := write(t, "same", "print a"), write(t, "same", "print b")
	dir := t.TempDir()
	err := Run(t.Context(), Config{Paths: []string{a, b}, OutDir: dir, connect: func(context.Context, string) (client, error) { return newScripted(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"same.ipynb", "same.html", "same-2.ipynb", "same-2.html"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".odslab-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
