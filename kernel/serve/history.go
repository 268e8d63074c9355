package serve

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"odslab/kernel/jupyter"
)

// history is the cells of this kernel and of earlier ones, kept in a file of
// one JSON array a line, which several kernels may append to.
type history struct {
	mu      sync.Mutex
	session int
	entries []entry
	file    *os.File
}

// entry is one cell that ran.
type entry struct {
	Session int    `json:"s"`
	Line    int    `json:"n"`
	Input   string `json:"in"`
	Output  string `json:"out,omitempty"`
}

// maxHistory is how much of the file is read, from its end. When it is several
// times that, the rest goes.
const maxHistory = 2 << 20

func openHistory(file string) *history {
	h := &history{session: 1}
	if file == "" {
		return h
	}
	os.MkdirAll(filepath.Dir(file), 0o755)
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return h // a kernel without a past is still a kernel
	}
	h.file = f
	trimHistory(f)
	unix.Flock(int(f.Fd()), unix.LOCK_SH) // as long as we append to it
	if info, err := f.Stat(); err == nil {
		// A line that a killed kernel has left unfinished takes no other along.
		var last [1]byte
		if _, err := f.ReadAt(last[:], info.Size()-1); err == nil && last[0] != '\n' {
			f.Write([]byte("\n"))
		}
		f.Seek(max(0, info.Size()-maxHistory), io.SeekStart)
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxHistory)
	for lines.Scan() {
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Session > 0 {
			h.entries = append(h.entries, e)
			h.session = max(h.session, e.Session+1)
		}
	}
	return h
}

// maxEntry is what one cell may take of the history.
const maxEntry = maxHistory * 3 / 4

// beginning is what stays of a text that is too long to be kept.
func beginning(s string) string {
	const enough = 1000
	if len(s) <= enough {
		return s
	}
	return strings.ToValidUTF8(s[:enough], "") + fmt.Sprintf("\n… (%.1f MB in all, more than is kept)", float64(len(s))/1e6)
}

// trimHistory takes the oldest lines off a file that has become long, unless
// another kernel is writing to it.
func trimHistory(f *os.File) {
	info, err := f.Stat()
	if err != nil || info.Size() < 4*maxHistory || unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return
	}
	tail := make([]byte, maxHistory)
	if _, err := f.ReadAt(tail, info.Size()-maxHistory); err != nil {
		return
	}
	_, whole, _ := bytes.Cut(tail, []byte("\n"))
	if f.Truncate(0) == nil {
		f.Write(whole)
	}
}

func (h *history) add(n int, input, output string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := entry{h.session, n, input, output}
	line, err := json.Marshal(e)
	if len(line) > maxEntry { // of one cell the file would hold nothing else
		e.Input, e.Output = beginning(input), beginning(output)
		line, err = json.Marshal(e)
	}
	h.entries = append(h.entries, e)
	if err == nil && h.file != nil {
		h.file.Write(append(line, '\n')) // one write, so that kernels do not mix
	}
}

func (h *history) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file != nil {
		h.file.Close()
		h.file = nil
	}
}

// historyRequest is the content of history_request.
type historyRequest struct {
	Output  bool   `json:"output"`
	Access  string `json:"hist_access_type"`
	Session int    `json:"session"`
	Start   int    `json:"start"`
	Stop    *int   `json:"stop"`
	N       *int   `json:"n"`
	Pattern string `json:"pattern"`
	Unique  bool   `json:"unique"`
}

// answer makes the content of a history_reply.
func (h *history) answer(m *jupyter.Message) map[string]any {
	var req historyRequest
	m.Decode(&req)
	rows := [][]any{}
	for _, e := range h.choose(req) {
		if req.Output {
			var out any
			if e.Output != "" {
				out = e.Output
			}
			rows = append(rows, []any{e.Session, e.Line, []any{e.Input, out}})
		} else {
			rows = append(rows, []any{e.Session, e.Line, e.Input})
		}
	}
	return map[string]any{"status": "ok", "history": rows}
}

func (h *history) choose(req historyRequest) (found []entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch req.Access {
	case "range":
		session := req.Session
		if session <= 0 { // 0 is this session, -1 the one before
			session += h.session
		}
		for _, e := range h.entries {
			if e.Session == session && e.Line >= req.Start && (req.Stop == nil || e.Line < *req.Stop) {
				found = append(found, e)
			}
		}
		return found
	case "search":
		seen := map[string]bool{}
		for _, e := range slices.Backward(h.entries) {
			if !glob(req.Pattern, e.Input) || req.Unique && seen[e.Input] {
				continue
			}
			seen[e.Input] = true
			found = append(found, e)
			if req.N != nil && len(found) == *req.N {
				break
			}
		}
		slices.Reverse(found)
		return found
	}
	found = h.entries
	if req.N != nil && *req.N >= 0 && *req.N < len(found) {
		found = found[len(found)-*req.N:]
	}
	return slices.Clone(found)
}

// glob matches a pattern with * and ? against a whole cell.
func glob(pattern, s string) bool {
	if pattern == "" {
		pattern = "*"
	}
	// In path.Match, * stops at a slash.
	hide := strings.NewReplacer("/", "\x00")
	ok, err := path.Match(hide.Replace(pattern), hide.Replace(s))
	return ok && err == nil
}
