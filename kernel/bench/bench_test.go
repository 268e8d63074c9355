package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"odslab/kernel/jupyter"
)

// echo is a kernel that puts out whatever is asked for after "want:".
type echo struct {
	said  func(code string) string
	delay time.Duration
	codes []string
}

func (e *echo) PID() int                       { return os.Getpid() }
func (e *echo) Shutdown(context.Context) error { return nil }
func (e *echo) Execute(_ context.Context, code string, o jupyter.ExecuteOptions) (*jupyter.Reply, error) {
	e.codes = append(e.codes, code)
	time.Sleep(e.delay)
	text, err := json.Marshal(map[string]string{"text": e.said(code)})
	if err != nil {
		return nil, err
	}
	o.OnOutput(&jupyter.Message{Header: jupyter.Header{Type: "stream"}, Content: text})
	return &jupyter.Reply{Status: "ok"}, nil
}

// printed does what the print cell asks for.
func printed(code string) string {
	_, rest, _ := strings.Cut(code, `"number", `)
	n, _, _ := strings.Cut(rest, " /*") // the comment is no earlier run's
	return "number " + n + "\n"
}

func peer(name string, e *echo) Peer {
	return Peer{Name: name, cell: func(s string) string { return s }, started: func() (kernel, error) { return e, nil }}
}

func find(rows []Row, what, impl string) *Row {
	for i := range rows {
		if rows[i].What == what && rows[i].Impl == impl {
			return &rows[i]
		}
	}
	return nil
}

func TestRunTakesTurnsAndChecks(t *testing.T) {
	fast := &echo{said: printed}
	slow := &echo{said: printed, delay: 20 * time.Millisecond}
	var out bytes.Buffer
	rows, err := Run(t.Context(), Config{N: 3, Out: &out, JSON: true, Peers: []Peer{peer("odslab", fast), peer("gonb", slow)}})
	// The graph cell's output is wrong here, and must be told rather than timed.
	if err == nil || !strings.Contains(err.Error(), `odslab: gomlx, go: put out "number`) {
		t.Errorf("error %v", err)
	}
	if find(rows, "gomlx, go, changed", "odslab") != nil {
		t.Error("a wrong output was timed")
	}
	for _, what := range []string{"print, changed", "print, unchanged"} {
		a, b := find(rows, what, "odslab"), find(rows, what, "gonb")
		if a == nil || b == nil {
			t.Fatalf("%s: no row in %+v", what, rows)
		}
		if b.MinMS < 20 || a.MedianMS >= b.MinMS || a.N != 3 || a.RSSMB <= 0 || b.MedianMS < b.MinMS {
			t.Errorf("%s: %+v, %+v", what, a, b)
		}
	}
	var kept []string
	for _, c := range fast.codes {
		if strings.Contains(c, "make([]float64") {
			break // cells of the other cases
		}
		if strings.Contains(c, "number") {
			kept = append(kept, printed(c))
		}
	}
	if got := strings.Join(kept, ""); got != "number 2000\nnumber 2001\nnumber 2002\nnumber 1000\nnumber 0\nnumber 0\nnumber 1\nnumber 1\nnumber 2\nnumber 2\n" {
		t.Errorf("cells %q, want each twice after one that is not timed", got)
	}
	for line := range strings.Lines(out.String()) {
		var r Row
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&r); err != nil || r.Impl == "" || r.What == "" {
			t.Errorf("line %q: %v", line, err)
		}
	}
}

func TestRunWithoutAPeer(t *testing.T) {
	bad := Peer{Name: "gonb", started: func() (kernel, error) { return nil, errors.New("no such file") }}
	var out bytes.Buffer
	rows, err := Run(t.Context(), Config{N: 1, Out: &out, Peers: []Peer{peer("odslab", &echo{said: printed}), bad}})
	if err == nil || !strings.Contains(err.Error(), "gonb: no such file") {
		t.Errorf("error %v", err)
	}
	if find(rows, "print, changed", "odslab") == nil || !strings.Contains(out.String(), "print, changed") {
		t.Errorf("the other one was not measured: %s", out.String())
	}
}

func TestOneCase(t *testing.T) {
	e := &echo{said: printed}
	rows, err := Run(t.Context(), Config{N: 1, Out: &bytes.Buffer{}, Case: "print", Peers: []Peer{peer("odslab", e)}})
	if err != nil || find(rows, "print, changed", "odslab") == nil || find(rows, "start", "odslab") == nil {
		t.Errorf("%+v, %v", rows, err)
	}
	for _, c := range e.codes {
		if strings.Contains(c, "graph") {
			t.Errorf("a cell of another case has run: %q", c)
		}
	}
}

func TestPythonGetsPython(t *testing.T) {
	e := &echo{said: printed}
	p := peer("ipykernel", e)
	p.python = true
	if _, err := Run(t.Context(), Config{N: 1, Out: &bytes.Buffer{}, Peers: []Peer{p}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range e.codes {
		if !strings.HasPrefix(c, "print(") && !strings.HasPrefix(c, "data = [") {
			t.Errorf("not Python: %q", c)
		}
	}
}

func TestRowOfEven(t *testing.T) {
	r := row("x", "y", []time.Duration{4 * time.Millisecond, time.Millisecond, 2 * time.Millisecond, 8 * time.Millisecond}, 0)
	if r.MedianMS != 3 || r.MinMS != 1 || r.N != 4 {
		t.Errorf("%+v", r)
	}
}

func TestTreeMBCountsChildren(t *testing.T) {
	if treeMB(os.Getpid()) == 0 {
		t.Log("no /proc here: memory is not measured")
		return
	}
	alone := treeMB(os.Getpid())
	child := exec.Command("sleep", "5")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		child.Process.Kill()
		child.Wait()
	}()
	if own := treeMB(child.Process.Pid); own <= 0 || treeMB(os.Getpid()) < alone {
		t.Errorf("child %v MB, tree %v MB, before %v MB", own, treeMB(os.Getpid()), alone)
	}
	if own := privateMB(child.Process.Pid); len(own) != 1 || own["sleep"] <= 0 || own["sleep"] > treeMB(child.Process.Pid) {
		t.Errorf("private %v", own)
	}
}
