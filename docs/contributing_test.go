package docs

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var placed = regexp.MustCompile("(?s)```go\n// (\\S+\\.go)\n\n(.*?)```")

// The sampler that CONTRIBUTING.md shows builds where it says that it goes, together with its line in the table, and passes
// the test that it shows.
func TestContributing(t *testing.T) {
	text, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	// An overlay is a copy of the module in which these files differ.
	dir, replace := t.TempDir(), map[string]string{}
	for i, m := range placed.FindAllStringSubmatch(string(text), -1) {
		path, code := filepath.Join(root, filepath.FromSlash(m[1])), m[2]
		if old, err := os.ReadFile(path); err == nil { // a line for a file that is there
			const list, imports = "\treturn []Line{\n", "\nimport (\n"
			if strings.Count(string(old), list) != 1 || !strings.Contains(string(old), imports) {
				t.Fatalf("%s has no list of lines to add to", m[1])
			}
			code = strings.NewReplacer(list, list+code, imports, imports+"\t\"odslab/odslib/importance\"\n").Replace(string(old))
		}
		file := filepath.Join(dir, fmt.Sprintf("%d.go", i))
		if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[path] = file
	}
	if all := strings.Count(string(text), "```go\n"); len(replace) != 3 || all != 3 {
		t.Fatalf("%d of %d programs say where they go", len(replace), all)
	}
	overlay := filepath.Join(dir, "overlay.json")
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(overlay, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	test := filepath.Join(dir, "importance.test")
	for _, args := range [][]string{
		{"go", "build", "-overlay", overlay, "odslab/odslib/importance", "odslab/odslib/compare/..."},
		{"go", "test", "-vet=off", "-overlay", overlay, "-c", "-o", test, "odslab/odslib/importance"},
		{test, "-test.v"},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		if args[0] == test && !strings.Contains(string(out), "--- PASS: TestEvidence") {
			t.Errorf("%s", out)
		}
	}
}
