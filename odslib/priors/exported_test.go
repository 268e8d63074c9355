package priors

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// xla skips where exported programs cannot run.
func xla(t *testing.T) {
	t.Helper()
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	if e.Name != "xla-cpu" {
		t.Skip("the fixtures were exported for xla-cpu, this is " + e.Name)
	}
}

// checkFile is what JAX made of some inputs.
type checkFile struct {
	Inputs                     [][]float32
	Output, Cotangent, Product []float32
}

func readCheck(t *testing.T, name string) (c checkFile) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "exported", name+".check.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func close32(t *testing.T, what string, a, b []float32) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%s: %d values, JAX has %d", what, len(a), len(b))
	}
	for i, v := range a {
		if !(math.Abs(float64(v-b[i])) < 1e-5) {
			t.Fatalf("%s: value %d is %v, JAX has %v", what, i, v, b[i])
		}
	}
}

// TestExported: programs that JAX exported give what JAX gave, in batches of other sizes too, and are priors.
func TestExported(t *testing.T) {
	xla(t)
	ctx := context.Background()
	g, err := OpenExported(filepath.Join("testdata", "exported", "generator"))
	if err != nil {
		t.Fatal(err)
	}
	c := readCheck(t, "generator")
	z := odslib.Array{Shape: []int{16, 3}, Data: c.Inputs[0]}
	for _, n := range []int{16, 5, 37} {
		rows := diffusion.Padded(z, n).Slice(0, n)
		x, err := g.GenerateHost(ctx, rows)
		if err != nil {
			t.Fatal(err)
		}
		close32(t, "x", x.Slice(0, min(n, 16)).Data, c.Output[:10*min(n, 16)])
	}
	product, err := g.VJP(ctx, z, odslib.Array{Shape: []int{16, 10}, Data: c.Cotangent})
	if err != nil {
		t.Fatal(err)
	}
	close32(t, "Jᵀ·v", product.Data, c.Product)
	if x, err := g.Sample(ctx, 100, 1); err != nil || x.Len() != 100 || x.NonFinite() > 0 {
		t.Errorf("samples %v, %v", x, err)
	}

	d, err := OpenExportedDiffusion(filepath.Join("testdata", "exported", "denoiser"), diffusion.VPCosine{})
	if err != nil {
		t.Fatal(err)
	}
	c = readCheck(t, "denoiser")
	in := make([]odslib.Array, 4)
	for i := range in {
		in[i] = odslib.Array{Shape: d.Inputs[i], Data: c.Inputs[i]}
	}
	x0, err := d.run(ctx, "mlirbc", 0, in...)
	if err != nil {
		t.Fatal(err)
	}
	close32(t, "x̂0", x0.Data, c.Output)
	x, err := d.Sample(ctx, 500, 1)
	if err != nil {
		t.Fatal(err)
	}
	mean := 0.
	for _, v := range x.Data {
		mean += float64(v) / 1000
	}
	if math.Abs(mean-3) > .08 { // five standard errors
		t.Errorf("the denoiser of N(3, ¼) draws a mean of %.3f", mean)
	}
}

// TestExportedRefused: what is not as its header says is one line, before XLA sees it.
func TestExportedRefused(t *testing.T) {
	from := filepath.Join("testdata", "exported", "generator")
	head, err := os.ReadFile(from + ".json")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(from + ".mlirbc")
	if err != nil {
		t.Fatal(err)
	}
	sum := func(b []byte) string {
		s := sha256.Sum256(b)
		return hex.EncodeToString(s[:])
	}
	cut := program[:len(program)/2]
	with := func(old, new string) string {
		s := strings.Replace(string(head), old, new, 1)
		if s == string(head) {
			t.Fatalf("the header lacks %q", old)
		}
		return s
	}
	for name, c := range map[string]struct {
		head    string
		program []byte
		want    string
	}{
		"truncated":       {string(head), cut, "its SHA-256 differs"},
		"longer":          {string(head), append(program[:len(program):len(program)], 0), "its SHA-256 differs"},
		"no program":      {with(sum(program), sum([]byte("hello"))), []byte("hello"), "no MLIR bytecode"},
		"another version": {with("exported 1", "exported 9"), program, `its format is "odslab exported 9"`},
		"another machine": {with(`"cpu"`, `"tpu"`), program, `it was exported for "tpu"`},
		"another dtype":   {with(`"float32"`, `"float64"`), program, `its arrays are "float64"`},
		"not JSON":        {"{", program, "no JSON"},
		"a huge array":    {with("16,\n\t\t\t3", "16,\n\t\t\t3000000000"), program, "an array of shape"},
		"another batch":   {with("16,\n\t\t\t3", "8,\n\t\t\t3"), program, "all have the same batch"},
		"negative":        {with("16,\n\t\t\t3", "16,\n\t\t\t-3"), program, "an array of shape"},
		"a huge header":   {strings.Repeat(" ", maxExportedHead+1), program, "more than 65536 bytes"},
	} {
		path := filepath.Join(t.TempDir(), "p")
		if err := os.WriteFile(path+".json", []byte(c.head), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".mlirbc", c.program, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenExported(path); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", name, err, c.want)
		}
	}
	if _, err := OpenExported(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there")
	}
	if _, err := OpenExported(filepath.Join("testdata", "exported", "denoiser")); err == nil || !strings.Contains(err.Error(), "a generator has one input") {
		t.Errorf("a denoiser as generator: %v", err)
	}
	if _, err := OpenExportedDiffusion(from, diffusion.VPCosine{}); err == nil || !strings.Contains(err.Error(), "a denoiser takes") {
		t.Errorf("a generator as denoiser: %v", err)
	}
	// What has the right sum but is none XLA can read, or says another shape than the program has, fails when it runs.
	xla(t)
	for name, c := range map[string]struct {
		head    string
		program []byte
	}{
		"half a program": {with(sum(program), sum(cut)), cut},
		"another output": {with("16,\n\t\t10", "16,\n\t\t11"), program},
		"another input":  {with("16,\n\t\t\t3", "16,\n\t\t\t4"), program},
	} {
		path := filepath.Join(t.TempDir(), "p")
		if err := os.WriteFile(path+".json", []byte(c.head), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".mlirbc", c.program, 0o644); err != nil {
			t.Fatal(err)
		}
		g, err := OpenExported(path)
		if err == nil {
			_, err = g.Sample(context.Background(), 3, 1)
		}
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}

// What export.py hands on names no folder of the machine that it ran on.
func TestExportedNamesNoFolder(t *testing.T) {
	files, err := filepath.Glob("testdata/exported/*.mlirbc")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(b, []byte("export.py")) || bytes.Contains(b, []byte("/export.py")) {
			t.Errorf("%s has the folder of its source, or not its source", f)
		}
	}
}
