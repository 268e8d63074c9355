package toolchain

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ours makes sure that others may not write what this process makes, nor the
// programs that it runs, whatever umask it was started with. lax: that one let everybody write.
func ours() (lax bool, undo func()) {
	old := syscall.Umask(0)
	syscall.Umask(old | 0o022)
	return old&0o002 == 0, func() { syscall.Umask(old) }
}

// reclaim takes from others what `go run` has made under the umask that this process was started with: the go command's caches, which
// the programs are built from, and the folders that ours stands in.
func (l Layout) reclaim(ctx context.Context) {
	if home, err := os.UserHomeDir(); err == nil {
		for dir := filepath.Dir(l.Root); strings.HasPrefix(dir, home+string(filepath.Separator)); dir = filepath.Dir(dir) {
			if info, err := os.Lstat(dir); err == nil {
				takeBack(dir, info)
			}
		}
	}
	c, err := goCommand(l.Clone, "env", "GOCACHE", "GOMODCACHE")
	if err != nil {
		return
	}
	var out bytes.Buffer
	if c.Out = &out; run(ctx, c) != nil {
		return
	}
	for dir := range strings.Lines(out.String()) {
		_ = filepath.WalkDir(strings.TrimSpace(dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil {
				if info, err := d.Info(); err == nil {
					takeBack(path, info)
				}
			}
			return nil
		})
	}
}

// takeBack leaves what belongs to another user, links, and folders like /tmp.
func takeBack(path string, info fs.FileInfo) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if ok && int(s.Uid) == os.Geteuid() && info.Mode()&(fs.ModeSymlink|fs.ModeSticky) == 0 && info.Mode().Perm()&0o022 != 0 {
		_ = os.Chmod(path, info.Mode()&^0o022)
	}
}
