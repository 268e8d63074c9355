package docs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"odslab/kernel/toolchain"
)

var shown = regexp.MustCompile("(?s)```go\n(.*?)```\n\n```\n(.*?)```")

// Every program of engine.md runs, and prints what stands below it. XLA is wanted, since it has a While.
func TestEngineRuns(t *testing.T) {
	l := toolchain.NeedXLA(t)
	text, err := os.ReadFile("engine.md")
	if err != nil {
		t.Fatal(err)
	}
	programs := shown.FindAllStringSubmatch(string(text), -1)
	if all := strings.Count(string(text), "```go\n"); len(programs) != all || all < 7 {
		t.Fatalf("%d of %d programs have an output", len(programs), all)
	}
	var src strings.Builder
	src.WriteString("package main\n")
	for _, path := range []string{"context", "fmt", "os", "github.com/gomlx/gomlx/core/graph", "github.com/gomlx/gomlx/core/tensors", "odslab/odslib/engine"} {
		fmt.Fprintf(&src, "import %q\n", path)
	}
	src.WriteString("import _ \"odslab/odslib/engine/xla\"\n\nvar _ = context.Background\nvar _ tensors.Tensor\n\n")
	src.WriteString("func check(err error) {\n\tif err != nil {\n\t\tpanic(err)\n\t}\n}\n\nfunc main() {\n\tmap[string]func(){\n")
	for i := range programs {
		fmt.Fprintf(&src, "\t\t\"%d\": program%d,\n", i, i)
	}
	src.WriteString("\t}[os.Args[1]]()\n}\n")
	for i, p := range programs {
		fmt.Fprintf(&src, "\nfunc program%d() {\n//line main.go:1\n%s}\n", i, p[1])
	}
	dir := t.TempDir()
	file, binary := filepath.Join(dir, "engine.go"), filepath.Join(dir, "engine")
	if err := os.WriteFile(file, []byte(src.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", binary, file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, p := range programs {
		cmd := exec.Command(binary, fmt.Sprint(i))
		cmd.Env = append(os.Environ(), "ODSLAB_PLUGIN="+l.Plugin(), "ODSLAB_ENGINE=xla-cpu")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("program %d: %v\n%s", i+1, err, stderr.String())
		} else if trim(string(out)) != trim(p[2]) {
			t.Errorf("program %d prints\n%s\nand not\n%s", i+1, out, p[2])
		}
	}
}

// trim takes blanks off the ends of lines.
func trim(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
