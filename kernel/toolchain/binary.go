package toolchain

import (
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
)

// commandPackage is the odslab command.
const commandPackage = "odslab/kernel"

// binaryStep puts the odslab command where Jupyter and the seam find it: the
// program that go run makes is gone when it ends. The seam's go is that same
// program under another name.
func (l Layout) binaryStep(m *module, o Options) (step, bool) {
	s := step{
		name:  "odslab",
		what:  "installing odslab",
		stamp: l.stampOf("odslab"),
	}
	own := ""
	// The command's own test program has the same path: installed in its place
	// it would run the tests, which would run it.
	if info, ok := debug.ReadBuildInfo(); ok && info.Path == commandPackage && flag.Lookup("test.v") == nil {
		if exe, err := os.Executable(); err == nil {
			if sameFile(exe, l.Tool("odslab")) {
				return step{}, false
			}
			if sum, err := hashFile(exe); err == nil {
				own, s.inputs = exe, fixed(hashOf(sum))
			}
		}
	}
	if own == "" {
		s.inputs = fixed(hashOf(m.hash(), sourceState(l.Clone, "kernel")))
	}
	s.do = func(ctx context.Context, _ *stepLine) (*stepResult, error) {
		var err error
		if own != "" {
			err = l.copyBinary(ctx, own)
		} else {
			err = l.buildProgram(ctx, o, commandPackage, l.Tool("odslab"))
		}
		if err != nil {
			return nil, err
		}
		if err := l.linkSeam(); err != nil {
			return nil, err
		}
		out, err := outputOf(l.Tool("odslab"))
		if err != nil {
			return nil, err
		}
		return &stepResult{what: "the odslab command", outputs: []string{out.Path, filepath.Join(l.Seam(), "go")}, size: out.Size}, nil
	}
	return s, true
}

func (l Layout) copyBinary(ctx context.Context, exe string) error {
	work, remove, err := l.work()
	if err != nil {
		return err
	}
	defer remove()
	tmp := filepath.Join(work, "odslab")
	if err := copyFile(tmp, exe, 0o755); err != nil {
		return err
	}
	if err := between(ctx, "copied"); err != nil {
		return err
	}
	return place(tmp, l.Tool("odslab"))
}

// linkSeam makes the seam's go; a relative link, so that the cache may move.
func (l Layout) linkSeam() error {
	if err := os.MkdirAll(l.Seam(), 0o755); err != nil {
		return err
	}
	link, target := filepath.Join(l.Seam(), "go"), filepath.Join("..", "bin", "odslab")
	if now, err := os.Readlink(link); err == nil && now == target {
		return nil
	}
	tmp := link + ".new"
	os.Remove(tmp)
	if err := os.Symlink(target, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, link)
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

func copyFile(to, from string, mode os.FileMode) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if e := dst.Close(); err == nil {
		err = e
	}
	return err
}
