package datasets

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKeptTexts: the package keeps whole lines of the beginnings, in plain characters and without verse numbers.
func TestKeptTexts(t *testing.T) {
	for want, s := range map[string]string{"In the beginning God created": KJV(), "SENSE AND SENSIBILITY\n": Austen()} {
		if !strings.HasPrefix(s, want) || !strings.HasSuffix(s, "\n") || strings.Contains(s, "  ") || strings.Contains(s, "\n\n") {
			t.Errorf("a text begins %.60q and ends %q", s, s[len(s)-20:])
		}
		if n := len(s); n < 100000 || n > 240000 {
			t.Errorf("%d bytes are kept", n)
		}
	}
	if verses := strings.Count(KJV(), "\n"); verses < 1000 {
		t.Errorf("%d verses", verses)
	}
	if s := Sentences(Austen(), 20, 90); len(s) < 500 || len([]rune(s[0])) < 20 || !strings.ContainsAny(s[0][len(s[0])-1:], ".!?") {
		t.Errorf("%d sentences, the first %q", len(s), s[:min(1, len(s))])
	}
	if s := Sentences("No. Yes! Is it 3.14 or more? an end", 4, 100); len(s) != 2 || s[1] != "Is it 3.14 or more?" {
		t.Errorf("sentences %q", s)
	}
}

// TestFullTexts: one that is absent names the command, one that is damaged says so; where they are, the package keeps their beginnings.
func TestFullTexts(t *testing.T) {
	dir := t.TempDir()
	if _, err := KJVFull(dir); !oneLine(err) || !strings.Contains(err.Error(), "make -texts") {
		t.Errorf("error %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "texts"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, austen.path), []byte("Chapter 1"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := AustenFull(dir); !oneLine(err) || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("error %v", err)
	}
	files, err := KeptTexts("")
	if err != nil {
		t.Skip(err)
	}
	for name, want := range files {
		if have, err := kept.ReadFile("data/" + name); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s is not the beginning of the whole: %v", name, err)
		}
	}
}

// TestRData: what is cut or in another form is an error, and nothing is read beyond it.
func TestRData(t *testing.T) {
	good := []byte("X\n\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x00\x09\x00\x00\x00\x02ab")
	lines, err := strings16(good)
	if err != nil || len(lines) != 1 || lines[0] != "ab" {
		t.Fatalf("%q, %v", lines, err)
	}
	for n := range good {
		if lines, err := strings16(good[:n]); err == nil && len(lines) > 0 {
			t.Errorf("of %d bytes: %q", n, lines)
		}
	}
}
