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
)

// shown is a program of a page and what stands below it as its output.
var shown = regexp.MustCompile("(?s)```go\n(.*?)```\n\n```\n(.*?)```")

// runPrograms runs every program of a page, at least so many, and compares what each prints with what stands below it. head is what
// they share behind the package clause: imports and functions.
func runPrograms(t *testing.T, page string, least int, head string, env ...string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	programs := shown.FindAllStringSubmatch(string(text), -1)
	if all := strings.Count(string(text), "```go\n"); len(programs) != all || all < least {
		t.Fatalf("%d of %d programs have an output", len(programs), all)
	}
	var src strings.Builder
	src.WriteString("package main\n" + head)
	src.WriteString("func check(err error) {\n\tif err != nil {\n\t\tpanic(err)\n\t}\n}\n\nfunc main() {\n\tmap[string]func(){\n")
	for i := range programs {
		fmt.Fprintf(&src, "\t\t\"%d\": program%d,\n", i, i)
	}
	src.WriteString("\t}[os.Args[1]]()\n}\n")
	for i, p := range programs {
		fmt.Fprintf(&src, "\nfunc program%d() {\n//line main.go:1\n%s}\n", i, p[1])
	}
	dir := t.TempDir()
	file, binary := filepath.Join(dir, "page.go"), filepath.Join(dir, "page")
	if err := os.WriteFile(file, []byte(src.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", binary, file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, p := range programs {
		cmd := exec.Command(binary, fmt.Sprint(i))
		cmd.Env = append(os.Environ(), env...)
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
