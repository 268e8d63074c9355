package sweep

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"odslab/kernel/notebook"
	"odslab/odslib/atomicfile"
)

// record is sweep.json: which sweep a folder holds. Every task of an array
// compares its own with it.
type record struct {
	Notebook string   `json:"notebook"`
	SHA256   string   `json:"sha256"` // of its sources
	Version  string   `json:"version"`
	Threads  int      `json:"threads"` // of XLA, in each kernel: they are part of the numbers
	Names    []string `json:"names"`
	Points   []Point  `json:"points"`
}

// outcome is point.json: how one index has ended.
type outcome struct {
	Index      int     `json:"index"`
	Parameters Point   `json:"parameters"`
	Status     string  `json:"status"` // "ok" or "failed"
	Error      string  `json:"error,omitempty"`
	Seconds    float64 `json:"seconds"`
	Host       string  `json:"host,omitempty"`
}

const (
	sweepFile = "sweep.json"
	pointFile = "point.json"
)

// folder is where a sweep keeps what it makes.
type folder struct {
	path string
	record
}

// indexDir is the folder of one index.
func (f folder) indexDir(index int) string { return filepath.Join(f.path, fmt.Sprintf("%04d", index)) }

// sourceSum is a hash of what a notebook says, whatever its outputs are.
func sourceSum(nb *notebook.Notebook) string {
	h := sha256.New()
	for _, c := range nb.Cells {
		if c.Type == "code" {
			fmt.Fprintf(h, "%q %q\n", c.Source, c.Tags())
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// claim makes the folder that of this sweep, or says whose it is.
func claim(path string, r record) (folder, error) {
	f := folder{path, r}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return f, fmt.Errorf("sweep: %w", err)
	}
	lock := flock.New(filepath.Join(path, ".lock"))
	if err := lock.Lock(); err != nil {
		return f, fmt.Errorf("sweep: %w", err)
	}
	defer lock.Unlock()
	old, err := open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if left, _ := filepath.Glob(filepath.Join(path, "[0-9][0-9][0-9][0-9]*")); len(left) > 0 {
			return f, fmt.Errorf("sweep: %s holds %s and no %s: choose an empty folder with -out", path, filepath.Base(left[0]), sweepFile)
		}
		return f, writeJSON(filepath.Join(path, sweepFile), r)
	case err != nil:
		return f, err
	}
	was := old.record
	switch {
	case was.SHA256 != r.SHA256:
		return f, fmt.Errorf("sweep: %s holds the sweep of another notebook, or of another version of it (%s): choose another folder with -out, or delete that one", path, was.Notebook)
	case !reflect.DeepEqual(was.Points, r.Points):
		return f, fmt.Errorf("sweep: %s holds the sweep of another grid (%d points, %s): choose another folder with -out, or delete that one", path, len(was.Points), strings.Join(was.Names, ", "))
	case was.Threads != r.Threads || was.Version != r.Version:
		return f, fmt.Errorf("sweep: %s was begun by version %s with -threads %d: numbers would not compare; choose another folder with -out", path, was.Version, was.Threads)
	}
	return f, nil
}

// open reads which sweep a folder holds.
func open(path string) (folder, error) {
	f := folder{path: path}
	text, err := os.ReadFile(filepath.Join(path, sweepFile))
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(text, &f.record); err != nil {
		return f, fmt.Errorf("%s: %w", filepath.Join(path, sweepFile), err)
	}
	return f, nil
}

// outcome reads how an index has ended; ok is false where it has not.
func (f folder) outcome(index int) (o outcome, ok bool) {
	text, err := os.ReadFile(filepath.Join(f.indexDir(index), pointFile))
	return o, err == nil && json.Unmarshal(text, &o) == nil
}

// take locks an index for this process. The system frees it when the process ends
// in any way.
func (f folder) take(index int) (free func(), err error) {
	path := filepath.Join(f.path, fmt.Sprintf(".%04d.lock", index))
	lock := flock.New(path)
	if ok, err := lock.TryLock(); err != nil {
		return nil, err
	} else if !ok {
		who, _ := os.ReadFile(path)
		return nil, fmt.Errorf("is being run by another process (%s): two arrays write to %s", strings.TrimSpace(string(who)), f.path)
	}
	host, _ := os.Hostname()
	_ = os.WriteFile(path, []byte(host+", process "+strconv.Itoa(os.Getpid())+"\n"), 0o666)
	return func() { lock.Unlock() }, nil
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, append(text, '\n'), 0o644)
}
