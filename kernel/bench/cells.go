package bench

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// workload is a cell with a number in it: another number makes it a cell that
// the kernel has not seen.
type workload struct {
	name    string
	imports []string
	body    string // of Go; %s is the number
	own     string // body for this kernel, where it needs less; no imports then
	before  string // cell of this kernel and of Python that comes first; GoNB keeps no values
	python  func(i int) string
	want    func(i int) string
}

var began = time.Now().UnixNano()

func (w workload) code(l live, i int) (code, want string) {
	if l.python {
		return w.python(i), w.want(i)
	}
	// The comment makes it a cell that no kernel has seen, and no earlier run of the
	// benchmark: binaries stay for the next kernel.
	number := fmt.Sprintf("%d /* %s, %d */", i, w.name, began)
	if l.Name == "odslab" && w.own != "" {
		return l.cell(fmt.Sprintf(w.own, number)), w.want(i)
	}
	var b strings.Builder
	if len(w.imports) > 0 {
		b.WriteString("import (\n\t" + strings.Join(w.imports, "\n\t") + "\n)\n")
	}
	return b.String() + l.cell(fmt.Sprintf(w.body, number)), w.want(i)
}

// workloads are the cells; those on XLA only if there is a plugin. Each begins
// in an empty notebook: what was once imported is linked into all cells that
// follow.
func workloads(plugin string) []workload {
	ws := []workload{
		{
			name:   "print",
			body:   `fmt.Println("number", %s)` + "\n",
			python: func(i int) string { return fmt.Sprintf("print(\"number\", %d)\n", i) },
			want:   func(i int) string { return fmt.Sprintf("number %d", i) },
		},
		graphCell("gomlx, go", `_ "github.com/gomlx/compute/gobackend"`, "go:ops_sequential"),
	}
	// What 8 MB of kept values add to a cell that uses them, and to one that does not.
	const pyPrint, data = "print(\"number\", %d, %s)\n", "data := make([]float64, 1<<20)"
	for _, k := range []struct{ name, body, python string }{
		{"8 MB kept, unused", `fmt.Println("number", %s)`, "0"},
		{"8 MB kept, used", `fmt.Println("number", %s, data[7])`, "data[7]"},
	} {
		ws = append(ws, workload{
			name: k.name, own: k.body, before: data,
			python: func(i int) string { return fmt.Sprintf(pyPrint, i, k.python) },
			want:   func(i int) string { return fmt.Sprintf("number %d", i) },
		})
	}
	if plugin != "" {
		w := graphCell("gomlx, xla", `_ "github.com/gomlx/go-xla/compute/xla"`, "xla:"+plugin)
		w.own = "start := time.Now()\nbackend := compute.MustNew()\n" + sumOfSquares
		ws = append(ws, w)
	}
	return ws
}

// graphCell makes a backend, and builds, compiles and runs a small graph.
func graphCell(name, backend, config string) workload {
	return workload{
		name: name,
		imports: []string{
			`"fmt"`, `"time"`, `"github.com/gomlx/compute"`, `"github.com/gomlx/gomlx/core/graph"`, backend,
		},
		body: "start := time.Now()\nbackend, err := compute.NewWithConfig(" + fmt.Sprintf("%q", strings.ReplaceAll(config, "%", "%%")) + `)
if err != nil {
	panic(err)
}
` + sumOfSquares,
		want: func(i int) string { return fmt.Sprint("sum ", float32(25+i*i)) },
	}
}

const sumOfSquares = `sum := graph.MustExecOnce(backend, func(x *graph.Node) *graph.Node {
	return graph.ReduceAllSum(graph.Mul(x, x))
}, []float32{3, 4, %s})
fmt.Println("sum", sum.Value())
fmt.Println("took", time.Since(start).Microseconds())
`

// Odslab is this kernel.
func Odslab(argv, env []string) Peer {
	return Peer{Name: "odslab", Argv: argv, Env: env, reset: "%reset", cell: func(s string) string { return s }}
}

// GoNB is the stock kernel: its binary, the folder that holds goimports, which
// it needs on PATH, and the folder of a go.mod and go.sum with the versions
// that its cells are to use.
func GoNB(binary, tools, path, module string) Peer {
	return Peer{
		Name: "gonb",
		Argv: []string{binary, "-raw_error", "-kernel", "{connection_file}"},
		Env:  []string{"PATH=" + path + string(filepath.ListSeparator) + tools},
		setUp: []string{
			"!*cp " + quote(filepath.Join(module, "go.mod")) + " " + quote(filepath.Join(module, "go.sum")) + " .",
			"!*go mod edit -module=gonb",
		},
		reset: "%reset",
		cell:  func(s string) string { return "%%\n" + s },
	}
}

// IPyKernel is Python's kernel.
func IPyKernel(python string) Peer {
	return Peer{Name: "ipykernel", Argv: []string{python, "-m", "ipykernel_launcher", "-f", "{connection_file}"}, python: true}
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
