package bench

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"odslab/kernel/trace"
)

// Trace measures where the time of a changed cell goes: checking, compiling,
// linking, and the rest, beside the bare compiler and linker on a program that
// prints one line.
func Trace(ctx context.Context, own Peer, n int, module string, out io.Writer) error {
	if n <= 0 {
		n = 7
	}
	dir, err := os.MkdirTemp("", "odslab-trace-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "spans")
	own.Env = append(slices.Clone(own.Env), trace.Env+"="+file)
	cfg := &Config{N: 1, Peers: []Peer{own}, Out: io.Discard, Log: io.Discard}
	_, kernels, err := cfg.startAll(ctx)
	if err != nil {
		return err
	}
	defer func() {
		for _, l := range kernels {
			_ = l.kernel.Shutdown(context.WithoutCancel(ctx))
		}
	}()
	parts := []string{"check", "compile", "link", "all else", "together"}
	bare := map[string][]float64{}
	columns := []map[string][]float64{}
	names := []string{}
	for _, w := range workloads("") {
		if w.name != "print" && w.name != "gomlx, go" {
			continue
		}
		w.own = map[string]string{"print": w.body, "gomlx, go": "start := time.Now()\nbackend := compute.MustNew()\n" + sumOfSquares}[w.name]
		spans := map[string][]float64{}
		for i := range n + 1 {
			os.Remove(file)
			began := time.Now()
			if _, err := kernels[0].check(ctx, w, i); err != nil {
				return err
			}
			took := float64(time.Since(began).Microseconds()) / 1000
			if i == 0 {
				continue // builds what the others reuse
			}
			one, rest := readSpans(file), took
			for _, part := range parts[:3] {
				spans[part] = append(spans[part], one[part])
				rest -= one[part]
			}
			spans["all else"], spans["together"] = append(spans["all else"], rest), append(spans["together"], took)
			if w.name == "print" { // in turns, so that both see the same machine
				if err := bareProgram(ctx, dir, module, i, bare); err != nil {
					return err
				}
			}
		}
		names, columns = append(names, w.name), append(columns, spans)
	}
	names, columns = append(names, "bare toolchain"), append(columns, bare)
	t := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "median ms of %d\t%s\t\n", n, strings.Join(names, "\t"))
	for _, part := range parts {
		fmt.Fprint(t, part)
		for _, c := range columns {
			fmt.Fprintf(t, "\t%.1f", median(c[part]))
		}
		fmt.Fprint(t, "\t\n")
	}
	fmt.Fprint(t, "to the bare toolchain")
	for _, c := range columns {
		fmt.Fprintf(t, "\t%.2f×", median(c["together"])/median(bare["together"]))
	}
	fmt.Fprint(t, "\t\nof minima") // of a busy machine these say more
	for _, c := range columns {
		fmt.Fprintf(t, "\t%.2f×", slices.Min(c["together"])/slices.Min(bare["together"]))
	}
	fmt.Fprint(t, "\t\n")
	if err := t.Flush(); err != nil {
		return err
	}
	return memory(ctx, kernels[0], out)
}

// firstCells are those of notebook 01 and of the README, to the first picture.
var firstCells = []string{
	"p := priors.Grid25()\npost := odslib.Given(p, constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5})",
	"truth := draw(exact.Sampler{}, post, 2000)",
	"dps := draw(guide.DPS{}, post, 2000)",
	"plotting.Pair(dps, plotting.Truth(truth))",
}

// memory says what all processes of the kernel have for themselves alone when those have run.
func memory(ctx context.Context, l live, out io.Writer) error {
	for _, code := range firstCells {
		if _, err := l.run(ctx, code); err != nil {
			return err
		}
	}
	total, parts := 0.0, []string{}
	private := privateMB(l.kernel.PID())
	for _, name := range slices.Sorted(maps.Keys(private)) {
		total += private[name]
		parts = append(parts, fmt.Sprintf("%s %.0f", name, private[name]))
	}
	_, err := fmt.Fprintf(out, "\nprivate memory after notebook 01's first cells: %.0f MB (%s)\n", total, strings.Join(parts, ", "))
	return err
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// readSpans reads what the kernel has written about one cell.
func readSpans(file string) map[string]float64 {
	out := map[string]float64{}
	data, _ := os.ReadFile(file)
	for line := range strings.Lines(string(data)) {
		i := strings.LastIndexByte(strings.TrimSpace(line), ' ')
		var ms float64
		if i > 0 {
			if _, err := fmt.Sscan(line[i+1:], &ms); err == nil {
				out[line[:i]] += ms
			}
		}
	}
	return out
}

// bareProgram compiles, links and runs fmt.Println as the go command would.
func bareProgram(ctx context.Context, dir, module string, i int, into map[string][]float64) error {
	config := filepath.Join(dir, "importcfg")
	if _, err := os.Stat(config); err != nil {
		list := exec.CommandContext(ctx, "go", "list", "-export", "-deps", "-f", "{{if .Export}}packagefile {{.ImportPath}}={{.Export}}{{end}}", "fmt")
		list.Dir = module
		text, err := list.Output()
		if err != nil {
			return fmt.Errorf("go list: %w", err)
		}
		if err := os.WriteFile(config, text, 0o600); err != nil {
			return err
		}
	}
	source, object, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "main.a"), filepath.Join(dir, "main")
	if err := os.WriteFile(source, fmt.Appendf(nil, "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(%d) }\n", i), 0o600); err != nil {
		return err
	}
	tools, err := exec.CommandContext(ctx, "go", "env", "GOTOOLDIR").Output()
	if err != nil {
		return err
	}
	tool := func(name string) string { return filepath.Join(strings.TrimSpace(string(tools)), name) }
	together := 0.0
	for _, step := range []struct {
		part string
		args []string
	}{
		{"compile", []string{tool("compile"), "-p", "main", "-complete", "-pack", "-importcfg", config, "-o", object, source}},
		{"link", []string{tool("link"), "-s", "-importcfg", config, "-o", binary, object}},
		{"all else", []string{binary}},
	} {
		began := time.Now()
		if said, err := exec.CommandContext(ctx, step.args[0], step.args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %.200s", step.part, err, said)
		}
		took := float64(time.Since(began).Microseconds()) / 1000
		into[step.part] = append(into[step.part], took)
		together += took
	}
	into["together"] = append(into["together"], together)
	return nil
}
