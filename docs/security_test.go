package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/security.md names beside a promise is there.
func TestPromisesHaveTests(t *testing.T) {
	text, err := os.ReadFile("security.md")
	if err != nil {
		t.Fatal(err)
	}
	promise, pkg := regexp.MustCompile(`(?m)^\| .* \| (.*) \|$`), regexp.MustCompile("^`([a-z/]+)` ?(.*)$")
	named := 0
	for _, row := range promise.FindAllStringSubmatch(string(text), -1) {
		for part := range strings.SplitSeq(row[1], "; ") {
			m := pkg.FindStringSubmatch(part)
			if m == nil {
				continue // a command, or no promise
			}
			var tests strings.Builder
			files, _ := filepath.Glob(filepath.Join("..", m[1], "*_test.go"))
			for _, file := range files {
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				tests.Write(b)
			}
			for name := range strings.SplitSeq(m[2], ", ") {
				if !strings.Contains(tests.String(), "\nfunc Test"+name+"(") && !strings.Contains(tests.String(), "\nfunc "+name+"(") {
					t.Errorf("%s has no test %q", m[1], name)
				}
				named++
			}
		}
	}
	if named < 30 {
		t.Errorf("only %d tests are named", named)
	}
}
