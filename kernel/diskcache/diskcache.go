// Package diskcache keeps files that took long to make in a folder that many kernels share, under the hash of all that they
// are made from. What was not used for longest goes first.
//
//	s := &diskcache.Cache{Dir: dir, Max: 512 << 20}
//	if !s.Take(hash, path) {
//		… make the file at path …
//		s.Put(hash, path)
//	}
//
// A Cache without a folder is always empty.
package diskcache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"odslab/odslib/atomicfile"
)

// Cache is such a folder. It is a help and no more: what can't be written is not kept.
type Cache struct {
	Dir string // made when it is needed; readable for this user only
	Max int64  // bytes in it

	tidying sync.Mutex
	busy    sync.WaitGroup
}

// unfinished begins the names of files that are being written, if they have one.
const unfinished = "."

// Take puts a file at the path to, or reports false. The file is not to be changed there.
func (s *Cache) Take(name, to string) bool {
	from := s.find(name)
	if from == "" {
		return false
	}
	if os.Link(from, to) != nil && copyTo(from, to) != nil {
		return false
	}
	f, err := os.Open(to)
	if err == nil {
		defer f.Close()
	}
	if err != nil || !strings.HasSuffix(from, sumOf(f)) {
		os.Remove(to)
		os.Remove(from) // it will be made anew
		return false
	}
	used(from)
	return true
}

// Read returns what a file holds, or nil.
func (s *Cache) Read(name string) []byte {
	from := s.find(name)
	data, err := os.ReadFile(from)
	if err != nil {
		return nil
	}
	if !strings.HasSuffix(from, sumOf(bytes.NewReader(data))) {
		os.Remove(from)
		return nil
	}
	used(from)
	return data
}

// find is where a file lies. The sum of what it holds is part of its name, so a
// file that is broken or has been exchanged is none.
func (s *Cache) find(name string) string {
	if s.Dir == "" {
		return ""
	}
	found, _ := filepath.Glob(filepath.Join(s.Dir, name+".*"))
	for _, path := range found {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
		os.RemoveAll(path)
	}
	return ""
}

func sumOf(r io.Reader) string {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "unreadable"
	}
	return "." + hex.EncodeToString(h.Sum(nil))
}

func used(path string) {
	now := time.Now()
	os.Chtimes(path, now, now)
}

// Drop removes a file that turned out to be of no use.
func (s *Cache) Drop(name string) {
	if path := s.find(name); path != "" {
		os.Remove(path)
	}
}

// Put adds a copy of the file at from, behind the caller's back.
func (s *Cache) Put(name, from string) {
	if s.Dir == "" {
		return
	}
	f, err := os.Open(from) // now: it may be gone soon
	if err != nil {
		return
	}
	s.busy.Go(func() {
		defer f.Close()
		s.write(name, f)
	})
}

// Write adds a file with this content, behind the caller's back.
func (s *Cache) Write(name string, content []byte) {
	if s.Dir != "" {
		s.busy.Go(func() { s.write(name, bytes.NewReader(content)) })
	}
}

// Wait waits until all is written.
func (s *Cache) Wait() { s.busy.Wait() }

func (s *Cache) write(name string, content io.ReadSeeker) {
	if os.MkdirAll(s.Dir, 0o700) != nil {
		return
	}
	name += sumOf(content)
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return
	}
	if atomicfile.Create(filepath.Join(s.Dir, name), 0o700, func(w io.Writer) error { // it may be a program
		_, err := io.Copy(w, content)
		return err
	}) == nil {
		s.tidy()
	}
}

// tidy removes what is beyond the limit, and what processes that were killed have left half written.
func (s *Cache) tidy() {
	s.tidying.Lock()
	defer s.tidying.Unlock()
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return
	}
	var files []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		switch {
		case !strings.HasPrefix(e.Name(), unfinished):
			files = append(files, info)
		case time.Since(info.ModTime()) > time.Hour:
			os.Remove(filepath.Join(s.Dir, e.Name()))
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	left := s.Max
	for _, info := range files {
		if left -= info.Size(); left < 0 {
			os.Remove(filepath.Join(s.Dir, info.Name()))
		}
	}
}

// copyTo is for folders on different devices.
func copyTo(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return atomicfile.Create(to, 0o700, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}
