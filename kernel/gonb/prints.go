package gonb

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"
)

// What a cell's program prints comes by two pipes with names, and not by way of
// GoNB, which makes JSON of every read: a character that a read has cut in two
// would be lost.

// prints are the ends of the pipes that are read.
type prints struct {
	files  [3]*os.File // 1 and 2
	ends   [3]chan struct{}
	closed chan struct{}
	once   sync.Once
}

func openPrints(dir string) (*prints, error) {
	p := &prints{closed: make(chan struct{})}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	for fd := 1; fd <= 2; fd++ {
		path := filepath.Join(dir, strconv.Itoa(fd))
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			return nil, err
		}
		// Open for writing too, so that it does not end with each program.
		f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
		if err != nil {
			return nil, err
		}
		p.files[fd], p.ends[fd] = f, make(chan struct{}, 1)
	}
	return p, nil
}

// mark is what drain writes behind all that a program has printed.
const mark = "\x1b_odslab end\x1b\\"

// read passes on what comes, in whole characters.
func (p *prints) read(fd int, name string, pass func(name, text string)) {
	buf, rest := make([]byte, 64<<10), ""
	for {
		n, err := p.files[fd].Read(buf)
		if err != nil {
			return
		}
		text := rest + string(buf[:n])
		rest = ""
		for {
			before, after, ended := strings.Cut(text, mark)
			if !ended {
				break
			}
			pass(name, strings.ToValidUTF8(before, "\uFFFD"))
			select {
			case p.ends[fd] <- struct{}{}:
			default: // of a drain that did not wait so long
			}
			text = after
		}
		cut := len(text) - unfinished(text)
		if text, rest = text[:cut], text[cut:]; text != "" {
			pass(name, strings.ToValidUTF8(text, "\uFFFD"))
		}
	}
}

// unfinished is how many bytes at the end of a text belong to something that is
// not yet whole: a character, or the mark.
func unfinished(text string) int {
	for n := min(len(mark)-1, len(text)); n > 0; n-- {
		if strings.HasPrefix(mark, text[len(text)-n:]) {
			return n
		}
	}
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if b := text[len(text)-n]; utf8.RuneStart(b) {
			if !utf8.FullRuneInString(text[len(text)-n:]) {
				return n
			}
			break
		}
	}
	return 0
}

// drain waits until all has been passed on that programs which have ended have
// printed.
func (p *prints) drain() {
	for fd := 1; fd <= 2; fd++ {
		p.files[fd].SetWriteDeadline(time.Now().Add(drainLimit))
		if _, err := p.files[fd].WriteString(mark); err != nil {
			continue
		}
		select {
		case <-p.ends[fd]:
		case <-p.closed:
		case <-time.After(drainLimit):
		}
	}
}

// drainLimit bounds the wait for what a program has printed: a process that it
// has left behind may go on.
const drainLimit = 5 * time.Second

func (p *prints) close() {
	p.once.Do(func() {
		close(p.closed)
		for fd := 1; fd <= 2; fd++ {
			p.files[fd].Close()
		}
	})
}
