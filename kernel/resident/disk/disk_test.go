//go:build cgo && !noxla

package disk

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/kernel/diskcache"
	"odslab/kernel/toolchain"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
)

// The test binary is also the process whose programs are kept.
func TestMain(m *testing.M) {
	if dir := os.Getenv("DISK_TEST_DIR"); dir != "" {
		if err := process(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// outcome is what such a process says.
type outcome struct {
	Loaded int
	Sum    string // of all outputs
}

// process compiles and runs a few programs: a loop, a gradient with matrix products, a sort, and a
// step whose input is donated.
func process(dir string) error {
	p := &Programs{Cache: &diskcache.Cache{Dir: dir, Max: 1 << 20}}
	if err := p.Install(engine.Plugin("xla-cpu"), nil); err != nil {
		return err
	}
	e, err := engine.Open()
	if err != nil {
		return err
	}
	sum := sha256.New()
	x := tensors.FromFlatDataAndDimensions(make([]float32, 64*8), 64, 8)
	x.MutableFlatData(func(flat any) {
		for i, v := range flat.([]float32) {
			flat.([]float32)[i] = v + float32(i%37) - 11
		}
	})
	for _, f := range []func(x *graph.Node) *graph.Node{
		func(x *graph.Node) *graph.Node {
			g, n := x.Graph(), shapes.Make(dtypes.Int32)
			cond := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
				i := graph.Parameter(g, "i", n)
				graph.Parameter(g, "x", x.Shape())
				return []*graph.Node{graph.LessThan(i, graph.Const(g, int32(10)))}
			})
			body := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
				i, x := graph.Parameter(g, "i", n), graph.Parameter(g, "x", x.Shape())
				return []*graph.Node{graph.OnePlus(i), graph.Sin(graph.Add(x, graph.ConvertDType(i, x.DType())))}
			})
			return graph.While(cond, body, graph.Const(g, int32(0)), x)[1]
		},
		func(x *graph.Node) *graph.Node {
			loss := graph.ReduceAllSum(graph.Square(graph.Tanh(graph.Dot(x, graph.Transpose(x, 0, 1)).Product())))
			return graph.Gradient(loss, x)[0]
		},
		func(x *graph.Node) *graph.Node { return graph.Sort(x, 0, true) },
	} {
		out, err := graph.CallOnce(e.Backend, f, x)
		if err != nil {
			return err
		}
		fmt.Fprintln(sum, out.Value())
	}
	step := graph.MustNewExec(e.Backend, func(x *graph.Node) *graph.Node { return graph.Cos(graph.MulScalar(x, .9)) })
	for range 3 {
		given, err := graph.DonateTensorBuffer(x, e.Backend, 0)
		if err != nil {
			return err
		}
		out, err := step.Call(given)
		if err != nil {
			return err
		}
		x = out[0]
	}
	fmt.Fprintln(sum, x.Value())
	p.Cache.Wait()
	return json.NewEncoder(os.Stdout).Encode(outcome{p.Loaded(), fmt.Sprintf("%x", sum.Sum(nil))})
}

func runProcess(t *testing.T, dir string, env ...string) (o outcome) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(append(os.Environ(), "DISK_TEST_DIR="+dir), env...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	if err := json.Unmarshal(out, &o); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return o
}

// What one process compiles the next one loads, to the same bits; what is spoiled, or was made for other flags, is
// compiled again.
func TestProgramsStay(t *testing.T) {
	toolchain.NeedXLA(t)
	dir := filepath.Join(t.TempDir(), "programs")
	first := runProcess(t, dir)
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if first.Loaded != 0 || len(files) < 3 {
		t.Fatalf("%+v, %d files", first, len(files))
	}
	if again := runProcess(t, dir); again.Loaded != len(files) || again.Sum != first.Sum {
		t.Errorf("the second process: %+v, the first: %+v, %d files", again, first, len(files))
	}
	if other := runProcess(t, dir, "XLA_FLAGS=--xla_cpu_enable_fast_math=false"); other.Loaded != 0 {
		t.Errorf("with other flags: %+v", other)
	}
	for i, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		switch i % 3 {
		case 0:
			data = data[:len(data)/2]
		case 1:
			data[len(data)/2]++
		case 2:
			data = nil
		}
		if err := os.WriteFile(f, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if spoiled := runProcess(t, dir); spoiled.Loaded != 0 || spoiled.Sum != first.Sum {
		t.Errorf("with spoiled files: %+v", spoiled)
	}
	if mended := runProcess(t, dir); mended.Loaded != len(files) || mended.Sum != first.Sum {
		t.Errorf("after it: %+v", mended)
	}
}

// A plugin that is none is an error, and the next can be installed.
func TestInstallOfJunk(t *testing.T) {
	p := &Programs{Cache: &diskcache.Cache{}}
	junk := filepath.Join(t.TempDir(), "plugin.so")
	if err := p.Install(junk, nil); err == nil {
		t.Error("no file, no error")
	}
	os.WriteFile(junk, []byte("junk"), 0o600)
	for range 2 {
		if err := p.Install(junk, nil); err == nil || strings.Contains(err.Error(), "already") {
			t.Errorf("%v", err)
		}
	}
}

// The places in the table are those of go-xla's header.
func TestTable(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/gomlx/go-xla").Output()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(strings.TrimSpace(string(out)), "pjrt", "pjrt_c_api.h"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ours := map[string]int{}
	text, err := os.ReadFile("pjrt.h")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\t([A-Z_]+) = (\d+),$`).FindAllStringSubmatch(string(text), -1) {
		var at int
		fmt.Sscan(m[2], &at)
		ours[strings.ReplaceAll(m[1], "_", "")] = at
	}
	field := regexp.MustCompile(`^\s*_PJRT_API_STRUCT_FIELD\(PJRT_(\w+)\);`)
	at, found := 0, 0
	for s := bufio.NewScanner(f); s.Scan(); {
		m := field.FindStringSubmatch(s.Text())
		if m == nil {
			continue
		}
		if want, ok := ours[strings.ToUpper(strings.ReplaceAll(m[1], "_", ""))]; ok {
			found++
			if want != at {
				t.Errorf("%s is number %d of the table, not %d", m[1], at, want)
			}
		}
		at++
	}
	if found != len(ours) || found != 6 || at < 100 {
		t.Errorf("%d of %d names among %d", found, len(ours), at)
	}
}
