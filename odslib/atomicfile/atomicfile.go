package atomicfile

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Write puts data at path. A new file gets the mode, less the umask; one that
// is replaced keeps its own.
func Write(path string, data []byte, mode fs.FileMode) error {
	return Create(path, mode, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Create is Write of what write writes. If write fails, the old file stays and
// its error is returned.
func Create(path string, mode fs.FileMode, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil {
		switch {
		case info.IsDir():
			return &fs.PathError{Op: "write", Path: path, Err: errors.New("it is a folder")}
		case !info.Mode().IsRegular() || strings.HasPrefix(path, "/dev/"):
			return direct(path, write)
		}
	}
	kept := false
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
		mode, kept = info.Mode().Perm(), true
	}
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, name, err := unnamed(dir, mode)
	if err != nil {
		sweep(dir, base)
		if f, err = named(dir, base, mode); err != nil {
			return err
		}
		name = f.Name()
	}
	defer f.Close()
	defer func() {
		if name != "" {
			os.Remove(name) // fails, as it should, after the rename
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if kept {
		if err := f.Chmod(mode); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if name == "" {
		name = temporary(dir, base)
		if err := link(f, name); err != nil {
			return err
		}
	}
	if err := os.Rename(name, path); err != nil {
		return err
	}
	name = ""
	syncDir(dir)
	return f.Close()
}

// named makes a new file beside the one to be written.
func named(dir, base string, mode fs.FileMode) (*os.File, error) {
	return os.OpenFile(temporary(dir, base), os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
}

func temporary(dir, base string) string {
	return filepath.Join(dir, prefix(base)+rand.Text())
}

func prefix(base string) string { return "." + base[:min(len(base), 100)] + ".new-" }

// sweep removes what a program that was killed has left of this file.
func sweep(dir, base string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); strings.HasPrefix(e.Name(), prefix(base)) && err == nil && time.Since(info.ModTime()) > time.Hour {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

func direct(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	err = write(f)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// syncDir makes the new name last. Not every file system can, and the file is
// whole without it.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}
