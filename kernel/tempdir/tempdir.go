// Package tempdir makes temporary folders that do not outlive their process for
// long: each holds a file that its process keeps locked, so whoever can take
// that lock knows that the process is dead, however it died, and whoever has its
// number now.
//
//	d, err := tempdir.Make(tempdir.Short(), mark)
//	defer d.Remove()
//	go tempdir.Sweep(gonb.End) // what others have left
package tempdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// prefix begins the names of the folders.
const prefix = "odslab-"

// ownerFile is locked while the process lives and holds its mark.
const ownerFile = ".owner"

// Dir is a folder of this process, which nobody else may read.
type Dir struct {
	Path string
	lock *os.File
}

// Make makes a folder in base. The mark says which processes belong to it; ""
// says none.
func Make(base, mark string) (d *Dir, err error) {
	for range 3 { // a Sweep that could not know of this one may take the folder before it is owned
		if d, err = makeOne(base, mark); err == nil || !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return d, err
}

func makeOne(base, mark string) (*Dir, error) {
	release, err := hold(base, syscall.LOCK_SH)
	for i := 0; i < 200 && errors.Is(err, syscall.EWOULDBLOCK); i++ { // a Sweep has it for microseconds; whoever has it for longer is none of ours
		time.Sleep(5 * time.Millisecond)
		release, err = hold(base, syscall.LOCK_SH)
	}
	defer release()
	path, err := os.MkdirTemp(base, prefix)
	if err != nil {
		return nil, err
	}
	d := &Dir{Path: path}
	if d.lock, err = own(path, mark); err != nil {
		os.RemoveAll(path)
		return nil, err
	}
	return d, nil
}

// hold locks the folder that the others are in: shared while one is made, alone while one without owner is removed. With an
// error, EWOULDBLOCK where somebody else has it, nothing is locked and there is nothing to release.
func hold(base string, how int) (release func(), err error) {
	f, err := os.Open(base)
	if err != nil {
		return func() {}, err
	}
	if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err != nil {
		f.Close()
		return func() {}, err
	}
	return func() { f.Close() }, nil
}

// own locks the file before it gets its name: nobody finds it free.
func own(path, mark string) (*os.File, error) {
	name := filepath.Join(path, ownerFile)
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
		_, err = f.WriteString(mark)
	}
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Remove removes the folder, if there is one.
func (d *Dir) Remove() {
	if d == nil {
		return
	}
	remove(d.Path)
	d.lock.Close()
}

// remove removes a folder, the file that says whose it was last: whoever ends in the middle leaves one that the next finds.
func remove(path string) {
	entries, _ := os.ReadDir(path)
	for _, e := range entries {
		if e.Name() != ownerFile {
			os.RemoveAll(filepath.Join(path, e.Name()))
		}
	}
	os.RemoveAll(path)
}

// Short is where sockets may lie: their paths have room for about 100 bytes.
func Short() string {
	if dir := os.TempDir(); len(dir) <= 60 {
		return dir
	}
	return "/tmp"
}

// Sweep removes the folders of this user's dead processes, and first has end
// end the processes with their marks. Without bases it looks where temporary
// files are.
func Sweep(end func(mark string), bases ...string) {
	if len(bases) == 0 {
		bases = []string{os.TempDir()}
		if Short() != bases[0] {
			bases = append(bases, Short())
		}
	}
	for _, base := range bases {
		entries, _ := os.ReadDir(base)
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), prefix) && e.IsDir() {
				bury(filepath.Join(base, e.Name()), end)
			}
		}
	}
}

// bury removes a folder if its process is dead.
func bury(path string, end func(mark string)) {
	if info, err := os.Lstat(path); err != nil || !info.IsDir() || !mine(info) {
		return
	}
	f, err := os.OpenFile(filepath.Join(path, ownerFile), os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		abandoned(path)
	}
	if err != nil {
		return // not ours
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || !mine(info) {
		return // somebody has laid it there
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return
	}
	mark := make([]byte, 256)
	n, _ := f.Read(mark)
	if n > 0 && end != nil {
		end(string(mark[:n]))
	}
	remove(path)
}

// abandoned removes a folder whose maker was killed before it owned it: while nobody makes one, that is so if it is empty and
// its name one of ours, which end in digits.
func abandoned(path string) {
	if strings.Trim(filepath.Base(path)[len(prefix):], "0123456789") != "" {
		return
	}
	release, err := hold(filepath.Dir(path), syscall.LOCK_EX)
	if err != nil {
		return
	}
	defer release()
	name := filepath.Join(path, ownerFile)
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	if info, err := os.Lstat(name + ".new"); err == nil && info.Mode().IsRegular() && mine(info) {
		os.Remove(name + ".new")
	}
	os.Remove(path)
}

func mine(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}
