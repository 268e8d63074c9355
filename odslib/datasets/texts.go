package datasets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// text is a text in the cache, or the beginning of one in the package.
type text struct {
	path string // below the data folder
	sum  string // SHA-256 of the whole
	size int    // bytes that the package keeps: whole lines
}

var (
	kjv    = text{"texts/kjv.txt", "376f0fd8429cec6cc77659d428b2debd01f069dbfb3917776a09a36a7cfed5c4", 160000}
	austen = text{"texts/austen.txt", "7fbf7cd9c5f59994ea122a669f83083b204701ebf1b891a35bd00e09bdfb88c8", 240000}
)

// KJV returns the beginning of the King James Bible, 160 kB of 4.3 MB: a verse
// a line, without its number.
func KJV() string { return kjv.kept() }

// Austen returns the beginning of Jane Austen's novels, 240 kB of 4.1 MB:
// a paragraph a line, Sense and Sensibility first.
func Austen() string { return austen.kept() }

// KJVFull returns all 31,102 verses from dir, or from [DefaultDir] if dir is
// empty. [FetchTexts] gets them.
func KJVFull(dir string) (string, error) { return kjv.read(dir) }

// AustenFull returns the six novels from dir, or from [DefaultDir] if dir is
// empty. [FetchTexts] gets them.
func AustenFull(dir string) (string, error) { return austen.read(dir) }

// kept is the part that the package keeps.
func (t text) kept() string {
	name := "data/" + strings.TrimSuffix(filepath.Base(t.path), ".txt") + ".txt.gz"
	packed, err := kept.ReadFile(name)
	if err == nil {
		var all []byte
		if all, err = unzip(packed); err == nil {
			return string(all)
		}
	}
	panic("datasets: " + name + ": " + err.Error()) // it is part of the package
}

func unzip(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// Kept is the part of a whole text that the package keeps, gzip'd: for the
// command that makes it.
func (t text) pack(whole string) ([]byte, error) {
	part := whole[:min(t.size, len(whole))]
	part = part[:strings.LastIndexByte(part, '\n')+1]
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(z, part); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}

// KeptTexts are the files that the package keeps of the whole texts in dir, by
// name: what the command of data/ writes.
func KeptTexts(dir string) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, t := range []text{kjv, austen} {
		whole, err := t.read(dir)
		if err != nil {
			return nil, err
		}
		if out[filepath.Base(t.path)+".gz"], err = t.pack(whole); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// read returns the whole text.
func (t text) read(dir string) (string, error) {
	dir, err := orDefault(dir)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, filepath.FromSlash(t.path))
	whole, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("datasets: %s is not there; get it with: go run ./odslib/datasets/make -texts", path)
	}
	if err != nil {
		return "", fmt.Errorf("datasets: %w", err)
	}
	if sum := sha256.Sum256(whole); hex.EncodeToString(sum[:]) != t.sum {
		return "", fmt.Errorf("datasets: %s is damaged (SHA-256 %.12x…, not %.12s…); delete it and run: go run ./odslib/datasets/make -texts", path, sum, t.sum)
	}
	return string(whole), nil
}

// Sentences takes a text apart at '.', '!' and '?' that end a word, and keeps
// those of least to most characters.
func Sentences(text string, least, most int) (out []string) {
	for _, line := range strings.Split(text, "\n") {
		start := 0
		for i := range line {
			if (line[i] == '.' || line[i] == '!' || line[i] == '?') && (i+1 == len(line) || line[i+1] == ' ') {
				s := strings.TrimSpace(line[start : i+1])
				if n := len([]rune(s)); n >= least && n <= most {
					out = append(out, s)
				}
				start = i + 1
			}
		}
	}
	return out
}
