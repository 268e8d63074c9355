package cell

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odslab/kernel/runtime/contract"
)

// TestNotebooksCompile checks every cell of the notebooks, in order.
func TestNotebooksCompile(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("../../notebooks/*.ipynb")
	if len(files) == 0 {
		t.Fatal("no notebooks")
	}
	for _, f := range files {
		data, _ := os.ReadFile(f)
		var nb struct {
			Cells []struct {
				Type   string `json:"cell_type"`
				Source any
			}
		}
		if err := json.Unmarshal(data, &nb); err != nil {
			t.Fatal(err)
		}
		s := newSession(t)
		for i, c := range nb.Cells {
			if c.Type != "code" {
				continue
			}
			src := ""
			switch x := c.Source.(type) {
			case string:
				src = x
			case []any:
				for _, l := range x {
					src += l.(string)
				}
			}
			p, err := s.Compile(i+1, src)
			if err != nil {
				t.Errorf("%s cell %d: %v\n%s", f, i, err, src)
				continue
			}
			if strings.Contains(string(p.Source), "."+contract.CallUnread+"(") {
				t.Errorf("%s cell %d does not read its error:\n%s", f, i, src)
			}
			if len(p.Notes) > 0 {
				t.Logf("%s cell %d notes: %s", filepath.Base(f), i, strings.Join(p.Notes, "; "))
			}
			s.pretend(p)
		}
	}
}
