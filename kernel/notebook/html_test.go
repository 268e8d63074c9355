package notebook

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		i := 0
		for i < min(len(got), len(want)) && got[i] == want[i] {
			i++
		}
		from := max(0, i-80)
		t.Errorf("%s differs at byte %d (run with -update if that is meant)\n got …%q\nwant …%q", path, i, got[from:min(len(got), i+120)], want[from:min(len(want), i+120)])
	}
}

func sample(t *testing.T) *Notebook {
	t.Helper()
	nb, err := ReadFile("testdata/sample.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	return nb
}

func TestHTMLGolden(t *testing.T) {
	golden(t, "sample.html", HTML(sample(t), PageOptions{Note: "Made by a test."}))
}
