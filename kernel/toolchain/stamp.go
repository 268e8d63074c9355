package toolchain

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"odslab/odslib/atomicfile"
)

// stamp remembers what a step was made from and what it made. It is written
// last, so a step without one was not finished.
type stamp struct {
	Inputs  string   `json:"inputs"`
	Outputs []output `json:"outputs"`
	Note    string   `json:"note,omitempty"` // shown by doctor
	Sum     string   `json:"sum,omitempty"`  // sha256 of the first output, where it was checked
	Failed  string   `json:"failed,omitempty"`
	NoC     bool     `json:"noC,omitempty"` // it failed where there was no C compiler
	At      int64    `json:"at"`            // unix seconds
}

// output is a file as it was left. Its content counts; that size and time are
// the same tells in a microsecond that the content is. Times alone tell nothing:
// an image layer keeps whole seconds of them, some copies nothing.
type output struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	Time int64  `json:"time"` // modification, unix nanoseconds
	Sum  string `json:"sum"`  // sha256
}

func outputOf(path string) (output, error) {
	info, err := os.Stat(path)
	if err != nil {
		return output{}, err
	}
	return output{Path: path, Size: info.Size(), Time: info.ModTime().UnixNano()}, nil
}

func (o output) unchanged() bool {
	now, err := outputOf(o.Path)
	if err != nil || now.Size != o.Size {
		return false
	}
	if now.Time == o.Time {
		return true
	}
	sum, err := hashFile(o.Path)
	return err == nil && sum == o.Sum
}

// refresh writes down new times of files that are as they were, so that their
// content need not be read again. What can't be written is read again.
func (s stamp) refresh(path string) {
	changed := false
	for i, o := range s.Outputs {
		if now, err := outputOf(o.Path); err == nil && now.Time != o.Time {
			s.Outputs[i].Time, changed = now.Time, true
		}
	}
	if changed {
		_ = s.write(path)
	}
}

// readStamp reads a stamp. What lies beside it, or beside its folder, is
// written down as it lies there: a cache may be copied to another place.
func readStamp(path string) (stamp, bool) {
	var s stamp
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &s) != nil {
		return stamp{}, false
	}
	for i, o := range s.Outputs {
		if !filepath.IsAbs(o.Path) {
			s.Outputs[i].Path = filepath.Join(filepath.Dir(path), o.Path)
		}
	}
	return s, true
}

// current reports whether nothing has changed since the stamp was written.
func (s stamp) current(inputs string) bool {
	if s.Failed != "" || s.Inputs != inputs {
		return false
	}
	for _, o := range s.Outputs {
		if !o.unchanged() {
			return false
		}
	}
	return true
}

func writeStamp(path, inputs string, r *stepResult) error {
	s := stamp{Inputs: inputs, Note: r.note, Sum: r.sum, At: time.Now().Unix()}
	for _, p := range r.outputs {
		o, err := outputOf(p)
		if err != nil {
			return err
		}
		if info, err := os.Stat(p); err == nil && !info.IsDir() {
			if o.Sum, err = hashFile(p); err != nil {
				return err
			}
		}
		s.Outputs = append(s.Outputs, o)
	}
	return s.write(path)
}

// writeFailure remembers that a step which can be done without has failed, so
// that not every run waits for the same network again.
func writeFailure(path, inputs string, why error) error {
	return stamp{Inputs: inputs, Failed: why.Error(), NoC: noCompiler(), At: time.Now().Unix()}.write(path)
}

func (s stamp) write(path string) error {
	s.Outputs = slices.Clone(s.Outputs)
	for i, o := range s.Outputs {
		if rel, err := filepath.Rel(filepath.Dir(path), o.Path); err == nil && !strings.HasPrefix(rel, filepath.Join("..", "..")) {
			s.Outputs[i].Path = rel
		}
	}
	data, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	return writeFile(path, append(data, '\n'))
}

// writeFile puts a whole file in place or none.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, data, 0o644)
}

// hashOf hashes the parts with the Go version, which every built thing depends on.
func hashOf(parts ...string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q", runtime.Version())
	for _, p := range parts {
		fmt.Fprintf(h, "%q", p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// fixed is the inputs of a step that earlier steps do not change.
func fixed(hash string) func() string { return func() string { return hash } }

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// sourceState is a text that changes whenever a source file below the folders
// does, of Go or of C.
func sourceState(clone string, dirs ...string) string {
	var b strings.Builder
	for _, dir := range dirs {
		filepath.WalkDir(filepath.Join(clone, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil // a folder that is not there has no sources
			}
			if d.IsDir() && d.Name() == "testdata" {
				return filepath.SkipDir
			}
			if d.IsDir() || !slices.Contains([]string{".go", ".c", ".h"}, filepath.Ext(path)) || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			if data, err := os.ReadFile(path); err == nil {
				fmt.Fprintf(&b, "%s %x\n", path, sha256.Sum256(data))
			}
			return nil
		})
	}
	return b.String()
}
