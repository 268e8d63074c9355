package serve

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"odslab/kernel/gonb"
	"odslab/kernel/runtime/contract"
	"odslab/odslib/engine/environment"
)

// resident is the process that computes for the cells of this kernel. It starts
// with the first cell that needs it, and again after it has died.
type resident struct {
	program  string   // of package odslab/kernel/resident
	dir      string   // of this kernel alone: the socket, and arrays for after a crash
	env      []string // of the process
	programs string   // folder of compiled programs, for all kernels
	sum      string   // of the plugin that it may load

	mu      sync.Mutex
	cmd     *exec.Cmd
	control *os.File
	lines   chan []byte   // what the process says
	silent  chan struct{} // closed when it can say no more
	ended   chan struct{} // closed when cmd has ended
	starts  int
	told    bool                   // how it ended was asked for
	runsOn  func(contract.Running) // is told what the process computes on
	closing bool
}

func newResident(program, dir, programs, sum string, env []string) *resident {
	return &resident{program: program, dir: dir, programs: programs, sum: sum, env: env}
}

func (r *resident) socket() string { return filepath.Join(r.dir, "resident") }

func (r *resident) log() string { return filepath.Join(r.dir, "resident.log") }

func (r *resident) spill() string { return filepath.Join(r.dir, "arrays") }

// start makes sure that the process is there. again reports whether it took the
// place of one that had died; obituary says how, unless that was told before.
func (r *resident) start() (again bool, obituary string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return false, "", errors.New("the kernel is shutting down")
	}
	if r.running() && r.answers() {
		return false, "", nil
	}
	os.Remove(r.socket())
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: r.socket(), Net: "unix"})
	if err != nil {
		return false, "", err
	}
	defer l.Close() // the process has a descriptor of its own
	l.SetUnlinkOnClose(false)
	if err := os.Chmod(r.socket(), 0o600); err != nil {
		return false, "", err
	}
	file, err := l.File()
	if err != nil {
		return false, "", err
	}
	defer file.Close()
	log, err := os.OpenFile(r.log(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return false, "", err
	}
	defer log.Close()
	cmd := exec.Command(r.program, "-spill", r.spill(), "-programs", r.programs, "-sum", r.sum)
	cmd.Env, cmd.ExtraFiles, cmd.Stderr = r.env, []*os.File{file}, log
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C at a terminal is for the kernel
	gonb.DeathSignal(cmd)
	stdin, control, err := os.Pipe()
	if err != nil {
		return false, "", err
	}
	defer stdin.Close()
	cmd.Stdin = stdin
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, "", err
	}
	if err := cmd.Start(); err != nil {
		control.Close()
		return false, "", fmt.Errorf("start the resident process: %w", err)
	}
	if r.control != nil {
		r.control.Close() // of the one before
	}
	r.control = control
	if r.cmd != nil && !r.told {
		obituary = r.how()
	}
	r.cmd, r.told = cmd, false
	r.lines, r.silent, r.ended = make(chan []byte, 1), make(chan struct{}), make(chan struct{})
	go listen(cmd, out, r.runsOn, r.lines, r.silent, r.ended)
	r.starts++
	return r.starts > 1, obituary, nil
}

// listen passes on what the process says until it ends: first what it runs on.
func listen(cmd *exec.Cmd, out io.Reader, first func(contract.Running), lines chan<- []byte, silent, ended chan struct{}) {
	scan := bufio.NewScanner(out)
	scan.Buffer(nil, 64<<20)
	var on contract.Running
	if scan.Scan() && json.Unmarshal(scan.Bytes(), &on) == nil {
		first(on)
	}
	for scan.Scan() {
		select {
		case lines <- slices.Clone(scan.Bytes()):
		default: // nobody has asked
		}
	}
	close(silent)
	cmd.Wait()
	close(ended)
}

func (r *resident) running() bool {
	if r.cmd == nil {
		return false
	}
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

// answers reports whether the process is well: one that was killed a moment ago
// is still there while its memory is taken down. One that does not answer is
// getting ready.
func (r *resident) answers() bool {
	if _, ok := r.ask(300 * time.Millisecond); ok {
		return true
	}
	select {
	case <-r.silent:
	default:
		return true
	}
	select {
	case <-r.ended:
	case <-time.After(2 * time.Second):
		r.cmd.Process.Kill()
		<-r.ended
	}
	return false
}

// ask has the process say what it holds.
func (r *resident) ask(wait time.Duration) (h holding, ok bool) {
	select { // of an earlier question
	case <-r.lines:
	default:
	}
	r.tell("list")
	select {
	case line, more := <-r.lines:
		return h, more && json.Unmarshal(line, &h) == nil
	case <-time.After(wait):
		return h, false
	}
}

// death says how the process has ended, once for each time.
func (r *resident) death() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil || r.closing || r.told || r.running() {
		return ""
	}
	r.told = true
	return r.how()
}

// how the process ended.
func (r *resident) how() string {
	switch state := r.cmd.ProcessState; {
	case state == nil:
		return "it has ended"
	case state.ExitCode() == contract.ExitStuck:
		return "it was ended, since a computation that nobody waits for could not be stopped otherwise"
	default:
		said, _ := os.ReadFile(r.log())
		lines := strings.Split(strings.TrimSpace(string(said)), "\n")
		if last := lines[len(lines)-1]; last != "" {
			return state.String() + ": " + last
		}
		return state.String()
	}
}

// retain says which arrays the notebook's values need: those that they stand for,
// and those that they share with the process. Others are given up.
func (r *resident) retain(held map[string][]string, shared []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.running() {
		return
	}
	words := append([]string{"retain"}, slices.Sorted(maps.Keys(idsOf(held)))...)
	words = append(words, "shared")
	r.tell(strings.Join(append(words, shared...), " "))
}

// tell writes a line to the process. One that does not read, since somebody has
// stopped it, is ended: nobody waits for it for ever.
func (r *resident) tell(line string) {
	r.control.SetWriteDeadline(time.Now().Add(deaf))
	if _, err := io.WriteString(r.control, line+"\n"); errors.Is(err, os.ErrDeadlineExceeded) {
		r.cmd.Process.Kill()
	}
}

// deaf is how long the process may leave what it is told unread.
const deaf = 2 * time.Second

func idsOf(held map[string][]string) map[string]bool {
	out := map[string]bool{}
	for _, ids := range held {
		for _, id := range ids {
			out[id] = true
		}
	}
	return out
}

// holding is what the resident process holds, as it says itself.
type holding struct {
	Buffers, Shared, Programs int
	Bytes                     int64
	Stats                     struct {
		Compiled, Loaded, Found, Spared int
		Compiling                       time.Duration
	}
}

func (h holding) String() string {
	return fmt.Sprintf("resident process: arrays %d (%.1f MiB), %d of them weights, data and samples that cells share (%d times found again)\n"+
		"                  programs %d (%d from disk, %d compiled, together in %.1f s; %d times found again)",
		h.Buffers, float64(h.Bytes)/(1<<20), h.Shared, h.Stats.Spared, h.Programs, h.Stats.Loaded, h.Stats.Compiled-h.Stats.Loaded, h.Stats.Compiling.Seconds(), h.Stats.Found)
}

// holdings asks the process; ok is false when there is none.
func (r *resident) holdings() (h holding, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.running() {
		return h, false
	}
	return r.ask(time.Second)
}

// saved says which variables a new process finds on disk, and which are lost
// with the old one.
func (r *resident) saved(held map[string][]string) (back, lost []string) {
	for _, name := range slices.Sorted(maps.Keys(held)) {
		there := true
		for _, id := range held[name] {
			if _, err := os.Stat(filepath.Join(r.spill(), id+".array")); err != nil {
				there = false
			}
		}
		if there {
			back = append(back, name)
		} else {
			lost = append(lost, name)
		}
	}
	return back, lost
}

// close ends the process.
func (r *resident) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closing = true
	if !r.running() {
		return
	}
	r.control.Close()
	select {
	case <-r.ended:
	case <-time.After(time.Second):
		r.cmd.Process.Kill()
		<-r.ended
	}
}

// holder is a compiler that knows which arrays of the resident process its
// variables stand for, by variable, and which of theirs the process has as well.
type holder interface {
	Held() map[string][]string
	Shared() []string
	Unshare() // the process has ended
}

func (k *kernel) holder(do func(h holder)) {
	k.use(func(c Compiler) {
		if h, ok := c.(holder); ok {
			do(h)
		}
	})
}

// ready starts the resident process for a program that needs it, and says what
// became of the values of one that has died.
func (k *kernel) ready(out *output) *failure {
	k.resident.runsOn = func(on contract.Running) {
		if on.Engine == "go" && os.Getenv(environment.Engine) != "go" {
			out.slow(on.Why)
		}
	}
	again, how, err := k.resident.start()
	if err != nil {
		return kernelFailure(err)
	}
	out.mourn(how)
	if !again {
		return nil
	}
	var held map[string][]string
	k.holder(func(h holder) { held = h.Held(); h.Unshare() })
	if len(held) > 0 {
		back, lost := k.resident.saved(held)
		var says []string
		if len(back) > 0 {
			says = append(says, strings.Join(back, ", ")+" came back from disk")
		}
		if len(lost) > 0 {
			says = append(says, strings.Join(lost, ", ")+" can't be had again: run the cell that makes it")
		}
		out.stream("stderr", "note: a new resident process has started; "+strings.Join(says, "; ")+"\n")
	}
	return nil
}

// slow says that cells compute without XLA, and why.
func (o *output) slow(why string) {
	o.stream("stderr", "note: cells of this kernel compute in pure Go, which is slow and gives a seed other numbers than XLA does: "+why+"\n")
}

// mourn says that the resident process has died.
func (o *output) mourn(how string) {
	if how != "" {
		o.stream("stderr", "note: the resident process, which computes for cells, has ended ("+how+"); the next cell that needs one gets a new one\n")
	}
}
