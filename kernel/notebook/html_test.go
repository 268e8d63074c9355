package notebook

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var (
	update   = flag.Bool("update", false, "write the golden files anew")
	pageFile = flag.String("page", "", "write the sample's page to this `file`")
)

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

// TestSamplePage writes the page for a look at it: -page FILE.
func TestSamplePage(t *testing.T) {
	if *pageFile == "" {
		return
	}
	if err := os.WriteFile(*pageFile, HTML(sample(t), PageOptions{}), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestHTMLGolden(t *testing.T) {
	page := HTML(sample(t), PageOptions{Note: "Made by a test."})
	font := regexp.MustCompile(`base64,[A-Za-z0-9+/=]+\) }`) // not worth keeping twice
	golden(t, "sample.html", font.ReplaceAll(page, []byte("base64,FONT) }")))
}
