// Package soak drives a kernel with random cells, changes, interrupts, kills and
// a full disk, against a model of what its variables must be.
//
//	go run ./kernel soak -minutes 10 -seed 1
package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"odslab/kernel/jupyter"
)

// Config says what is driven and for how long.
type Config struct {
	Argv []string // of the kernel
	Env  []string
	For  time.Duration
	Seed uint64
	Out  io.Writer // what it did
}

// Bounds of growth, however long a soak is.
const (
	maxRSS   = 400 << 20 // bytes of the kernel's own process
	maxFiles = 400       // files in its temporary folders
)

// soak is one run.
type soak struct {
	Config
	rng    *rand.Rand
	k      *jupyter.Client
	tag    string
	tmp    string
	model  map[string]int // what each variable holds
	done   map[string]int // operations, by name
	checks int
	rss    int64
	files  int
}

// Run soaks until the time is over and says what it did. The error is the first
// value that was not as it must be, or a bound that did not hold.
func Run(ctx context.Context, c Config) error {
	tmp, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	s := &soak{Config: c, rng: rand.New(rand.NewPCG(c.Seed, 1)), tmp: tmp, tag: "ODSLAB_SOAK=" + filepath.Base(tmp), model: map[string]int{}, done: map[string]int{}}
	if err := s.start(ctx); err != nil {
		return err
	}
	err = s.loop(ctx)
	s.k.Shutdown(context.WithoutCancel(ctx))
	if err == nil {
		err = s.nothingLeft()
	}
	var ops []string
	for _, name := range slices.Sorted(maps.Keys(s.done)) {
		ops = append(ops, fmt.Sprintf("%s %d", name, s.done[name]))
	}
	fmt.Fprintf(c.Out, "seed %d, %v: %s\n%d values checked; at most %d MB in the kernel's process and %d temporary files\n",
		c.Seed, c.For, strings.Join(ops, ", "), s.checks, s.rss>>20, s.files)
	return err
}

func (s *soak) start(ctx context.Context) (err error) {
	clear(s.model)
	s.k, err = jupyter.Launch(ctx, s.Argv, append(slices.Clone(s.Env), s.tag, "TMPDIR="+s.tmp))
	return err
}

func (s *soak) loop(ctx context.Context) error {
	ops := []struct {
		name   string
		weight int
		do     func(context.Context) error
	}{
		{"set", 8, s.set},
		{"change", 8, s.change},
		{"read", 6, s.read},
		{"array", 3, s.array},
		{"panic", 3, s.panics},
		{"compile error", 2, s.wrong},
		{"interrupt", 2, s.interrupt},
		{"kill the cell", 2, s.killCell},
		{"kill a helper", 2, s.killHelper},
		{"kill the kernel", 1, s.killKernel},
		{"full disk", 1, s.fullDisk},
	}
	sum := 0
	for _, o := range ops {
		sum += o.weight
	}
	for end := time.Now().Add(s.For); time.Now().Before(end); {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n := s.rng.IntN(sum)
		for _, o := range ops {
			if n -= o.weight; n < 0 {
				step, cancel := context.WithTimeout(ctx, 3*time.Minute)
				err := o.do(step)
				cancel()
				if err != nil {
					return fmt.Errorf("seed %d, operation %d, %s: %w", s.Seed, s.total(), o.name, err)
				}
				s.done[o.name]++
				break
			}
		}
		if err := s.grown(); err != nil {
			return err
		}
	}
	return s.read(ctx)
}

func (s *soak) total() (n int) {
	for _, k := range s.done {
		n += k
	}
	return n
}

// run executes a cell and returns what it printed.
func (s *soak) run(ctx context.Context, code string) (*jupyter.Reply, string, error) {
	var out strings.Builder
	r, err := s.k.Execute(ctx, code, jupyter.ExecuteOptions{KeepGoing: true, OnOutput: func(m *jupyter.Message) {
		var c struct{ Name, Text string }
		if m.Header.Type == "stream" && m.Decode(&c) == nil && c.Name == "stdout" {
			out.WriteString(c.Text)
		}
	}})
	return r, out.String(), err
}

func (s *soak) must(ctx context.Context, code string) error {
	r, _, err := s.run(ctx, code)
	if err == nil && r.Status != "ok" {
		err = fmt.Errorf("%q: %s: %s", code, r.EName, r.EValue)
	}
	return err
}

func (s *soak) any() (string, bool) {
	names := slices.Sorted(maps.Keys(s.model))
	if len(names) == 0 {
		return "", false
	}
	return names[s.rng.IntN(len(names))], true
}

func (s *soak) set(ctx context.Context) error {
	name, v := fmt.Sprint("v", s.rng.IntN(12)), s.rng.IntN(1e6)
	code := fmt.Sprintf("%s := %d", name, v)
	if _, ok := s.model[name]; ok {
		code = fmt.Sprintf("%s = %d", name, v)
	}
	if err := s.must(ctx, code); err != nil {
		return err
	}
	s.model[name] = v
	return nil
}

func (s *soak) change(ctx context.Context) error {
	a, ok := s.any()
	if !ok {
		return nil
	}
	b, _ := s.any()
	if err := s.must(ctx, fmt.Sprintf("%s = (%s*3 + %s) %% 1000003", a, a, b)); err != nil {
		return err
	}
	s.model[a] = (s.model[a]*3 + s.model[b]) % 1000003
	return nil
}

// read compares all variables with the model.
func (s *soak) read(ctx context.Context) error {
	names := slices.Sorted(maps.Keys(s.model))
	if len(names) == 0 {
		return nil
	}
	var want []string
	for _, n := range names {
		want = append(want, strconv.Itoa(s.model[n]))
	}
	r, got, err := s.run(ctx, "fmt.Println("+strings.Join(names, ", ")+")")
	if err != nil {
		return err
	}
	if r.Status != "ok" || strings.TrimSpace(got) != strings.Join(want, " ") {
		return fmt.Errorf("%v are %q and must be %q (%s %s)", names, strings.TrimSpace(got), strings.Join(want, " "), r.EName, r.EValue)
	}
	s.checks += len(names)
	return nil
}

// array keeps something large, and looks at it in the next cell.
func (s *soak) array(ctx context.Context) error {
	n, at := 1+s.rng.IntN(1<<20), s.rng.IntN(1<<20)
	if err := s.must(ctx, fmt.Sprintf("large := make([]float64, %d)\nfor i := range large {\n\tlarge[i] = float64(i)\n}", n)); err != nil {
		return err
	}
	r, got, err := s.run(ctx, fmt.Sprintf("fmt.Println(len(large), large[%d])", at%n))
	if want := fmt.Sprint(n, " ", float64(at%n)); err == nil && (r.Status != "ok" || strings.TrimSpace(got) != want) {
		err = fmt.Errorf("an array is %q and must be %q (%s %s)", got, want, r.EName, r.EValue)
	}
	s.checks++
	return err
}

// panics sets a variable and panics: the value stays.
func (s *soak) panics(ctx context.Context) error {
	name, ok := s.any()
	if !ok {
		return nil
	}
	v := s.rng.IntN(1e6)
	r, _, err := s.run(ctx, fmt.Sprintf("%s = %d\npanic(\"soak\")", name, v))
	if err != nil {
		return err
	}
	if r.Status != "error" {
		return errors.New("a panic went unnoticed")
	}
	s.model[name] = v
	return nil
}

func (s *soak) wrong(ctx context.Context) error {
	r, _, err := s.run(ctx, []string{"this is no Go", "x := undefined()", "func f( {", "v0 := \"text\" + 1"}[s.rng.IntN(4)])
	if err == nil && r.Status != "error" {
		err = errors.New("what does not compile was run")
	}
	return err
}

// busy starts a cell that does not end, calls f, and waits for its end.
func (s *soak) busy(ctx context.Context, f func() error) error {
	on, over := make(chan bool, 1), make(chan error, 1)
	go func() {
		_, err := s.k.Execute(ctx, "fmt.Println(\"on\")\nfor {\n}", jupyter.ExecuteOptions{KeepGoing: true, OnOutput: func(m *jupyter.Message) {
			if m.Header.Type == "stream" {
				select {
				case on <- true:
				default:
				}
			}
		}})
		over <- err
	}()
	select {
	case <-on:
	case err := <-over:
		return fmt.Errorf("an endless cell ended: %v", err)
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := f(); err != nil {
		return err
	}
	select {
	case err := <-over:
		return err
	case <-ctx.Done():
		return errors.New("an endless cell goes on")
	}
}

func (s *soak) interrupt(ctx context.Context) error { return s.busy(ctx, s.k.Interrupt) }

func (s *soak) killCell(ctx context.Context) error {
	return s.busy(ctx, func() error {
		s.kill(func(cmd string) bool { return kind(cmd) == "" })
		return nil
	})
}

// killHelper kills one of the processes that a kernel has beside it.
func (s *soak) killHelper(ctx context.Context) error {
	which := []string{"gonb", "watchdog", "resident"}[s.rng.IntN(3)]
	s.kill(func(cmd string) bool { return kind(cmd) == which })
	if _, _, err := s.run(ctx, "1"); err != nil { // which may be told that GoNB has ended under it
		return err
	}
	return s.read(ctx)
}

func (s *soak) killKernel(ctx context.Context) error {
	syscall.Kill(s.k.PID(), syscall.SIGKILL)
	if s.rng.IntN(2) == 0 { // at the same moment
		s.kill(func(cmd string) bool { return kind(cmd) == "watchdog" })
	}
	s.k.Close()
	return s.start(ctx)
}

// fullDisk lets the kernel and its cells write nothing more for a while.
func (s *soak) fullDisk(ctx context.Context) error {
	if err := s.must(ctx, "bulk := make([]byte, 10)"); err != nil {
		return err
	}
	limit := func(n uint64) {
		for pid := range s.family() {
			_ = unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: unix.RLIM_INFINITY}, nil)
		}
	}
	limit(1 << 20)
	r, _, err := s.run(ctx, "bulk = make([]byte, 8<<20)\nfor i := range bulk {\n\tbulk[i] = 1\n}")
	limit(unix.RLIM_INFINITY)
	if err != nil {
		return err
	}
	if r.EName != "disk full" {
		return fmt.Errorf("a value that has no room: %s %s: %s", r.Status, r.EName, r.EValue)
	}
	if _, got, err := s.run(ctx, "fmt.Println(len(bulk))"); err != nil || got != "10\n" {
		return fmt.Errorf("the value of before has length %q, and must have 10: %v", got, err)
	}
	return s.read(ctx)
}

// kind says which process of a kernel a command line is; "" for a cell's.
func kind(cmd string) string {
	for _, k := range []struct{ name, sign string }{{"watchdog", "odslab-watchdog"}, {"gonb", "-raw_error"}, {"resident", "-spill"}, {"kernel", "kernel -f"}} {
		if strings.Contains(cmd, k.sign) {
			return k.name
		}
	}
	return ""
}

func (s *soak) family() map[int]string {
	found := map[int]string{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		env, err := os.ReadFile(dir + "/environ")
		if err != nil || !bytes.Contains(env, []byte(s.tag)) {
			continue
		}
		if cmd, _ := os.ReadFile(dir + "/cmdline"); len(cmd) > 0 { // not a zombie
			pid, _ := strconv.Atoi(filepath.Base(dir))
			found[pid] = strings.ReplaceAll(string(cmd), "\x00", " ")
		}
	}
	return found
}

func (s *soak) kill(which func(cmd string) bool) {
	for pid, cmd := range s.family() {
		if which(cmd) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// grown looks at what must not grow.
func (s *soak) grown() error {
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.k.PID())); err == nil {
		if _, rest, ok := strings.Cut(string(text), "VmRSS:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			s.rss = max(s.rss, kb<<10)
		}
	}
	n := 0
	filepath.WalkDir(s.tmp, func(string, os.DirEntry, error) error { n++; return nil })
	s.files = max(s.files, n)
	if s.rss > maxRSS || n > maxFiles {
		return fmt.Errorf("the kernel's process has %d MB, its folders %d files", s.rss>>20, n)
	}
	return nil
}

// nothingLeft waits until no process is there; folders of kernels that were
// killed go with the start of the next one, and all but those of the last are gone.
func (s *soak) nothingLeft() error {
	for deadline := time.Now().Add(10 * time.Second); len(s.family()) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("left: %v", s.family())
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.tmp, "odslab-*")); len(left) > 3 {
		return fmt.Errorf("left: %q", left)
	}
	return nil
}
