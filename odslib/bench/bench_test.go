package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"odslab/odslib/engine"
)

// TestMain lets the test binary be the children that the tests need.
func TestMain(m *testing.M) {
	switch os.Getenv("BENCH_CHILD") {
	case "odslab":
		if err := serve(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	case "dies":
		_, _ = io.WriteString(os.Stderr, "Traceback\nModuleNotFoundError: No module named 'jax'\n")
		os.Exit(1)
	case "other":
		_, _ = io.WriteString(os.Stdout, `{"version":"9","check":3}`+"\n")
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func childOf(t *testing.T, name, kind string) impl {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return impl{name, []string{"env", "BENCH_CHILD=" + kind, self}}
}

func TestRoundsInTurns(t *testing.T) {
	var seen []row
	cfg := config{
		cases: []string{"MLP forward, B=1024"}, rounds: 3, perRound: time.Millisecond, log: io.Discard,
		impls: []impl{childOf(t, "odslab", "odslab"), childOf(t, "twin", "odslab"), childOf(t, "jax", "dies"), childOf(t, "torch", "other")},
		each:  func(r row) error { seen = append(seen, r); return nil },
	}
	rows, err := cfg.measure(context.Background())
	if len(rows) != 2 || len(seen) != 2 || rows[0].Impl != "odslab" || rows[1].Impl != "twin" {
		t.Fatalf("rows %+v, seen %+v; want odslab and twin", rows, seen)
	}
	for _, r := range rows {
		if r.N < 3 || !(r.MinMS > 0) || r.MedianMS < r.MinMS {
			t.Errorf("%+v: want at least one repetition a round, 0 < minimum ≤ median", r)
		}
		if _, err := os.Stat("/proc/self/status"); err == nil && r.RSSMB < 10 {
			t.Errorf("%s: %g MB at its peak", r.Impl, r.RSSMB)
		}
	}
	if err == nil {
		t.Fatal("neither the dead child nor the one that does other work was reported")
	}
	for _, want := range []string{"jax: MLP forward, B=1024: ModuleNotFoundError: No module named 'jax'", "torch: MLP forward, B=1024: its check value is 3", "not the same work"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 2 {
		t.Errorf("%d lines for two failures: %q", lines, err)
	}
}

// TestDriversComputeTheSame: the loop and the single calls of a case are the same work.
func TestDriversComputeTheSame(t *testing.T) {
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	if !e.Loops() {
		if os.Getenv("CI") == "true" && os.Getenv(engine.EnvEngine) == "" {
			t.Fatalf("no While programs under CI: %s", e.Why)
		}
		return
	}
	host, err := setUp("100 sampling steps, B=1024, one call each")
	if err != nil {
		t.Fatal(err)
	}
	while, err := setUp("100 sampling steps, B=1024, in a loop")
	if err != nil {
		t.Fatal(err)
	}
	if d := math.Abs(host.check - while.check); !(d <= 1e-4*host.check) {
		t.Errorf("mean |x| %g by single calls, %g in a loop", host.check, while.check)
	}
}

func TestPeersKnowEveryCase(t *testing.T) {
	for _, source := range []string{jaxSource, torchSource} {
		for _, name := range names() {
			if !strings.Contains(source, `"`+name+`"`) {
				t.Errorf("a peer lacks the case %q", name)
			}
		}
	}
}

func TestPrinted(t *testing.T) {
	rows := []row{
		{What: "a", Impl: "odslab", N: 3, MinMS: 1, MedianMS: 3, RSSMB: 100, version: "xla-cpu"},
		{What: "a", Impl: "jax", N: 4, MinMS: 2, MedianMS: 2, RSSMB: 300, version: "0.10.2"},
	}
	var out bytes.Buffer
	if err := table(&out, rows); err != nil {
		t.Fatal(err)
	}
	if want := "jax 4 2.00 2.00 300 0.50 1.50 0.10.2"; !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
		t.Errorf("the table lacks %q:\n%s", want, &out)
	}
	out.Reset()
	if err := jsonLines(&out)(rows[1]); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), `{"what":"a","impl":"jax","n":4,"median_ms":2,"min_ms":2,"rss_mb":300}`+"\n"; got != want {
		t.Errorf("line %s, want %s", got, want)
	}
}

func TestWrongUse(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-n 0", "at least one round"},
		{"-case nothing", "MLP forward, B=1024"},
		{"-python /no/such/python", "-python"},
	} {
		err := run(context.Background(), strings.Fields(c.args), nil, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", c.args, err, c.want)
		}
	}
}

// TestPythonSource: the peers are Python that compiles, where there is a Python to ask.
func TestPythonSource(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		return
	}
	for name, source := range map[string]string{"jax": sharedSource + jaxSource, "torch": sharedSource + torchSource} {
		cmd := exec.Command(python, "-c", "import sys; compile(sys.stdin.read(), 'peer', 'exec')")
		cmd.Stdin = strings.NewReader(source)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// TestReverseTable: the peers walk the chain that the library walks.
func TestReverseTable(t *testing.T) {
	d, err := prior()
	if err != nil {
		t.Fatal(err)
	}
	p, err := chain.Of(d)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := p.Table()
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range reverseTable {
		for j, v := range row {
			if v != ours[i][j] {
				t.Fatalf("step %d, column %d: %g, the library has %g", i, j, v, ours[i][j])
			}
		}
	}
	if _, err := json.Marshal(reverseTable); err != nil {
		t.Errorf("the table cannot be sent: %v", err)
	}
}
