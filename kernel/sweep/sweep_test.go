package sweep

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odslab/kernel/notebook"
	"odslab/kernel/toolchain"
	"odslab/odslib"
	"odslab/odslib/engine"
)

// trial is a sweep of a notebook in a folder of its own.
func trial(t *testing.T, grid string, cells ...string) Config {
	t.Helper()
	nb := &notebook.Notebook{Metadata: map[string]any{"kernelspec": map[string]any{"name": "odslab", "display_name": "Go (odslab)", "language": "go"}}}
	for i, src := range cells {
		c := notebook.Cell{Type: "code", Source: src, Metadata: map[string]any{}}
		if i == 0 {
			c.Metadata["tags"] = []any{"parameters"}
		}
		nb.Cells = append(nb.Cells, c)
	}
	dir := t.TempDir()
	cfg := Config{Path: filepath.Join(dir, "nb.ipynb"), Out: filepath.Join(dir, "sweep"), Index: -1, Version: "test"}
	if err := nb.WriteFile(cfg.Path); err != nil {
		t.Fatal(err)
	}
	var err error
	if cfg.Grid, err = ParseGrid([]byte(grid)); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Index by index in real kernels: where they work, what a failure leaves, that it
// alone runs again, and that what is there is joined.
func TestSweep(t *testing.T) {
	if testing.Short() {
		t.Skip("six kernels")
	}
	l := toolchain.ForTest(t)
	cfg := trial(t, "k: [1, 2]\nname: [one, two]", "k := 0\nname := \"\"\nseed := 1",
		`if _, err := os.Stat(os.Getenv("ODSLAB_NOTEBOOK") + "/mended"); err != nil && k == 2 && name == "one" {
	panic("not yet")
}
os.WriteFile("square.csv", fmt.Appendf(nil, "label,square\n%s,%d\n", name, k*k), 0o644)`)
	cfg.Kernel = notebook.Command{
		Argv: []string{l.Tool("odslab"), "kernel", "-f", "{connection_file}"},
		Env:  []string{"ODSLAB_MODULE=" + l.Clone, "ODSLAB_CACHE=" + l.Root},
	}
	var log bytes.Buffer
	cfg.Log = &log
	err := Run(t.Context(), cfg)
	if err == nil || !strings.HasPrefix(err.Error(), "index 2 (k=2 name=one): ") || !strings.Contains(err.Error(), "cell[2]:2: panic: not yet") {
		t.Fatalf("%v\n%s", err, log.String())
	}
	first := stamps(t, cfg.Out)
	if len(first) != 4 {
		t.Fatalf("outcomes %v", first)
	}
	if left, err := Left(cfg.Out); err != nil || fmt.Sprint(left) != "[2]" {
		t.Errorf("left %v, %v", left, err)
	}
	var out bytes.Buffer
	if err := Collect(cfg.Out, &out); err == nil || !strings.Contains(err.Error(), "1 of 4 points are missing (2)") {
		t.Errorf("collect with a failure: %v", err)
	}
	// As a task of an array whose index is done, and then the one that failed.
	if err := os.WriteFile(filepath.Join(filepath.Dir(cfg.Path), "mended"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, index := range []int{3, 2} {
		cfg.Index = index
		if err := Run(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	for name, when := range stamps(t, cfg.Out) {
		if again := filepath.Base(filepath.Dir(name)) == "0002"; when.Equal(first[name]) == again {
			t.Errorf("%s: run again: %v", name, !when.Equal(first[name]))
		}
	}
	if err := Collect(cfg.Out, io.Discard); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(filepath.Join(cfg.Out, "collected", "tables", "square.csv"))
	if want := "index,k,name,label,square\n0,1,one,one,1\n1,1,two,two,1\n2,2,one,one,4\n3,2,two,two,4\n"; err != nil || string(text) != want {
		t.Errorf("%v: %s", err, text)
	}
}

// stamps are the times of the outcomes.
func stamps(t *testing.T, out string) map[string]time.Time {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(out, "[0-9]*", pointFile))
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]time.Time{}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		times[f] = info.ModTime()
	}
	return times
}

func TestBadSweeps(t *testing.T) {
	for _, c := range []struct {
		grid, want string
		index      int
	}{
		{"m: [1]", `no parameter "m"; it has k, seed`, -1},
		{"k: [1, many]", `index 1: parameter k: "many" is not a number`, -1},
		{"k: [1, 2]", "index 2 is beyond the grid: it has 2 points, 0 to 1", 2},
	} {
		cfg := trial(t, c.grid, "k := 0\nseed := 1")
		cfg.Index = c.index
		if err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", c.grid, err)
		}
		if _, err := os.Stat(cfg.Out); err == nil {
			t.Errorf("%q: the folder was made", c.grid)
		}
	}
}

// Two sweeps, or two processes at one index, never write to one folder.
func TestOneFolderOneSweep(t *testing.T) {
	cfg := trial(t, "k: [1, 2]", "k := 0")
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	Run(stopped, cfg) // claims the folder, and runs nothing
	other := func(change func(*Config), want string) {
		t.Helper()
		c := cfg
		change(&c)
		if err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	other(func(c *Config) { c.Grid, _ = ParseGrid([]byte("k: [1, 2, 3]")) }, "another grid (2 points, k)")
	other(func(c *Config) { c.Threads = 2 }, "-threads 1")
	other(func(c *Config) { c.Path = trial(t, "k: 1", "k := 3").Path }, "another notebook")
	other(func(c *Config) { c.Version = "2" }, "version test")

	r, err := cfg.record()
	if err != nil {
		t.Fatal(err)
	}
	f, err := claim(cfg.Out, r)
	if err != nil {
		t.Fatal(err)
	}
	free, err := f.take(1)
	if err != nil {
		t.Fatal(err)
	}
	other(func(c *Config) { c.Index = 1 }, "is being run by another process")
	free()
	if free, err = f.take(1); err != nil {
		t.Error(err)
	} else {
		free()
	}

	strange := t.TempDir()
	if err := os.Mkdir(filepath.Join(strange, "0000"), 0o755); err != nil {
		t.Fatal(err)
	}
	other(func(c *Config) { c.Out = strange }, "choose an empty folder")
	if err := Collect(t.TempDir(), io.Discard); err == nil || !strings.Contains(err.Error(), "holds no sweep") {
		t.Error(err)
	}
}

// log Ẑ over seeds is the log of the mean of Ẑ; Results of one seed count once.
func TestCollectEvidence(t *testing.T) {
	cfg := trial(t, "sigma: [1, 2]\nseed: [1, 2, 3]", "sigma := 0.\nseed := 1")
	r, err := cfg.record()
	if err != nil {
		t.Fatal(err)
	}
	f, err := claim(cfg.Out, r)
	if err != nil {
		t.Fatal(err)
	}
	logZ := []float64{-1, -2, -3, -700, -701, -701}
	for index, p := range r.Points {
		if err := os.MkdirAll(f.indexDir(index), 0o755); err != nil {
			t.Fatal(err)
		}
		seed := uint64(index)
		if index == 5 {
			seed = 4 // a notebook that does not use its seed
		}
		res := &odslib.Result{Sampler: "SMC", Samples: engine.NewArray(2, 1), Seed: seed, LogZ: logZ[index], LogZError: math.NaN(), Shift: math.NaN()}
		if err := res.WriteJSON(filepath.Join(f.indexDir(index), "smc.json")); err != nil {
			t.Fatal(err)
		}
		if err := writeJSON(filepath.Join(f.indexDir(index), pointFile), outcome{Index: index, Parameters: p, Status: "ok"}); err != nil {
			t.Fatal(err)
		}
	}
	err = Collect(cfg.Out, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "index 4 and index 5 was drawn with the same seed") {
		t.Errorf("%v", err)
	}
	text, err := os.ReadFile(filepath.Join(cfg.Out, "collected", "evidence.csv"))
	if err != nil {
		t.Fatal(err)
	}
	var got [2][2]float64
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		fields := strings.Split(line, ",")
		if _, err := fmt.Sscan(fields[3]+" "+fields[4], &got[i][0], &got[i][1]); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	for i, l := range [][]float64{logZ[:3], logZ[3:5]} {
		var mean, square float64
		for _, v := range l {
			w := math.Exp(v - l[0])
			mean += w / float64(len(l))
			square += w * w / float64(len(l))
		}
		want := l[0] + math.Log(mean)
		se := math.Sqrt((square/(mean*mean) - 1) / float64(len(l)-1))
		if math.Abs(got[i][0]-want) > 1e-9 || math.Abs(got[i][1]-se) > 1e-9 {
			t.Errorf("point %d: log Z %v ± %v, want %v ± %v", i, got[i][0], got[i][1], want, se)
		}
	}
}

// Seeds that agree by chance do not make the error smaller than the runs' own.
func TestErrorOverSeeds(t *testing.T) {
	for _, c := range []struct {
		logZ, own []float64
		want      float64
	}{
		{[]float64{-3}, []float64{.1}, .1},
		{[]float64{-3}, nil, math.NaN()},
		{[]float64{-3, -3, -3, -3}, []float64{.1, .1, .1, .1}, .05},
		{[]float64{-3, -3}, []float64{.1}, 0},
		{[]float64{-2, -4}, []float64{.01, .01}, (1 - math.Exp(-2)) / (1 + math.Exp(-2))},
	} {
		if _, se := logMeanExp(c.logZ, c.own); math.Abs(se-c.want) > 1e-12 || math.IsNaN(se) != math.IsNaN(c.want) {
			t.Errorf("%v ± %v: %v, want %v", c.logZ, c.own, se, c.want)
		}
	}
}
