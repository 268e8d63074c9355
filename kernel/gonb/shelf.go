package gonb

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// shelf keeps binaries of cells in a folder that all kernels of a clone share, so
// that a notebook that is run again need not be linked again. A binary is named by
// a hash of all that it is made from.
type shelf struct {
	dir  string
	mu   sync.Mutex // of tidy
	busy sync.WaitGroup
}

const (
	shelfMax = 512 << 20 // bytes; about a hundred binaries
	shelfTmp = "new-"
)

// take puts the binary of that name at the path to, or reports false.
func (s *shelf) take(name, to string) bool {
	if s.dir == "" {
		return false
	}
	from := filepath.Join(s.dir, name)
	if os.Link(from, to) != nil && copyFile(from, to) != nil {
		return false
	}
	now := time.Now()
	os.Chtimes(from, now, now) // what is used stays
	return true
}

// put adds a binary behind the caller's back: there is no hurry.
func (s *shelf) put(name, from string) {
	if s.dir == "" {
		return
	}
	f, err := os.Open(from) // it may be gone from its place soon
	if err != nil {
		return
	}
	s.busy.Go(func() {
		defer f.Close()
		if os.MkdirAll(s.dir, 0o700) != nil {
			return
		}
		tmp, err := os.CreateTemp(s.dir, shelfTmp)
		if err != nil {
			return
		}
		_, err = io.Copy(tmp, f)
		if err == nil {
			err = tmp.Chmod(0o700)
		}
		if err == nil {
			err = tmp.Sync() // a name must never stand for half a file, not after a power cut either
		}
		if e := tmp.Close(); err == nil {
			err = e
		}
		if err != nil || os.Rename(tmp.Name(), filepath.Join(s.dir, name)) != nil {
			os.Remove(tmp.Name())
			return
		}
		s.tidy(shelfMax)
	})
}

// tidy removes what was not used for longest beyond so many bytes, and what
// kernels that were killed have left half written.
func (s *shelf) tidy(limit int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	var files []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		half, _ := filepath.Match(shelfTmp+"*", e.Name())
		switch {
		case !half:
			files = append(files, info)
		case time.Since(info.ModTime()) > time.Hour:
			os.Remove(filepath.Join(s.dir, e.Name()))
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, info := range files {
		if limit -= info.Size(); limit < 0 {
			os.Remove(filepath.Join(s.dir, info.Name()))
		}
	}
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	tmp := to + ".tmp"
	out, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if e := out.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp, to)
	}
	if err != nil {
		os.Remove(tmp)
	}
	return err
}
