package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Only the file that was promised is loaded, whatever lies under its name, and
// the open file stays that one when another takes its name.
func TestPromised(t *testing.T) {
	good := bytes.Repeat([]byte("plugin"), 1000)
	h := sha256.Sum256(good)
	sum := hex.EncodeToString(h[:])
	turned := bytes.Clone(good)
	turned[3000] ^= 1
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	if err := os.WriteFile(whole, good, 0o600); err != nil {
		t.Fatal(err)
	}
	holds := func(b []byte) func(string) error {
		return func(path string) error { return os.WriteFile(path, b, 0o600) }
	}
	for name, c := range map[string]struct {
		lay func(path string) error
		ok  bool
	}{
		"as it was": {holds(good), true},
		"a link":    {func(path string) error { return os.Symlink(whole, path) }, true},
		"a bit":     {holds(turned), false},
		"cut":       {holds(good[:5999]), false},
		"longer":    {holds(append(bytes.Clone(good), 0)), false},
		"empty":     {holds(nil), false},
		"a folder":  {func(path string) error { return os.Mkdir(path, 0o700) }, false},
		"a pipe":    {func(path string) error { return syscall.Mkfifo(path, 0o600) }, false},
		"a device":  {func(path string) error { return os.Symlink("/dev/null", path) }, false},
		"a loop":    {func(path string) error { return os.Symlink(path, path) }, false},
		"gone":      {func(string) error { return nil }, false},
	} {
		path := filepath.Join(dir, name)
		if err := c.lay(path); err != nil {
			t.Fatal(err)
		}
		f, err := promised(path, sum)
		if (err == nil) != c.ok || err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		os.Remove(path)
		if err := os.WriteFile(path, turned, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, good) {
			t.Errorf("%s: the open file is another now: %v", name, err)
		}
		f.Close()
	}
}
