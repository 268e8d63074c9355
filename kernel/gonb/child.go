package gonb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"odslab/kernel/diskcache"
	"odslab/kernel/jupyter"
	"odslab/kernel/runtime/contract"
	"odslab/kernel/tempdir"
)

// Config says where a child finds things. All paths are absolute.
type Config struct {
	Gonb      string   // the gonb program
	Goimports string   // the goimports program
	Seam      string   // folder with our go, in front of PATH
	Go        string   // the real go command
	Module    string   // folder with the go.mod and go.sum of cells
	Env       []string // more environment for cells
	Resident  bool     // cells compute in a resident process
	Cache     string   // folder for binaries of cells that the next kernel may run too, or ""
	// Mark is in the environment, under MarkEnv, of all processes that must not
	// outlive this one, the child's and others; one is made when it is empty.
	Mark  string
	Sweep string // folder that must not outlive this process either, or ""
	Name  string // base name of the front end's connection file, which GoNB reads an id from
}

// Child is a running GoNB with its private folder.
type Child struct {
	cfg       Config
	own       *tempdir.Dir
	dir, mark string
	cmd       *exec.Cmd
	client    *jupyter.Client
	unwatch   func() // ends the watchdog
	cache     diskcache.Cache
	stdin     *net.UnixListener
	prints    *prints
	done      chan struct{} // closed when GoNB has ended

	mu      sync.Mutex // one run at a time
	goflags []string   // of %goflags
	env     []string   // of %env, for go build
	current *run       // guarded by cur
	cur     sync.Mutex
}

const (
	failureFile = "failure.json"
	graceFile   = "grace"
	// startTimeout is generous: GoNB binds its sockets in a quarter of a second.
	startTimeout = 20 * time.Second
)

// Start starts GoNB and waits until it answers.
func Start(ctx context.Context, cfg Config) (child *Child, err error) {
	if cfg.Mark == "" {
		cfg.Mark = rand.Text()
	}
	own, err := tempdir.Make(tempdir.Short(), cfg.Mark)
	if err != nil {
		return nil, err
	}
	dir := own.Path
	c := &Child{cfg: cfg, own: own, dir: dir, mark: cfg.Mark + ".child", cache: diskcache.Cache{Dir: cfg.Cache, Max: cacheMax}, done: make(chan struct{})}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	for _, sub := range []string{"next/bin", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	bootFile := fmt.Appendf(nil, "package main\n\nimport _ %q\n", contract.BootPath)
	if err := os.WriteFile(filepath.Join(dir, "next", "boot.go"), bootFile, 0o600); err != nil {
		return nil, err
	}
	if err := writeAnswers(c.path("path"), cfg); err != nil {
		return nil, err
	}
	if c.unwatch, err = startWatchdog(cfg.Seam, cfg.Mark, dir, cfg.Sweep); err != nil {
		return nil, fmt.Errorf("start the watchdog: %w", err)
	}
	if c.stdin, err = net.ListenUnix("unix", &net.UnixAddr{Name: c.path("stdin"), Net: "unix"}); err != nil {
		return nil, err
	}
	go c.acceptStdin()
	if c.prints, err = openPrints(c.path("prints")); err != nil {
		return nil, err
	}
	go c.prints.read(1, "stdout", c.print)
	go c.prints.read(2, "stderr", c.print)

	conn := jupyter.LocalConnection(dir)
	if cfg.Name == "" {
		cfg.Name = "kernel.json"
	}
	if err := conn.Write(c.path(cfg.Name)); err != nil {
		return nil, err
	}
	c.cmd = exec.Command(cfg.Gonb, "-raw_error", "-kernel", c.path(cfg.Name))
	c.cmd.Env = c.environ(cfg)
	var said jupyter.Tail
	c.cmd.Stdout, c.cmd.Stderr = &said, &said
	c.cmd.WaitDelay = time.Second
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	DeathSignal(c.cmd)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start GoNB: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	go func() {
		c.cmd.Wait()
		close(c.done)
		cancel()
	}()
	if c.client, err = jupyter.Connect(ctx, conn); err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, fmt.Errorf("GoNB has not answered in %v (%w); run the cell again, or restart the kernel", startTimeout, ctx.Err())
		}
		return nil, fmt.Errorf("GoNB does not start: %w: %s", err, said.String())
	}
	// The modules of cells are all there; asking for more would need the network.
	_, err = c.client.Execute(ctx, "%noautoget", jupyter.ExecuteOptions{})
	return c, err
}

func (c *Child) path(name string) string { return filepath.Join(c.dir, name) }

func (c *Child) environ(cfg Config) []string {
	path := []string{c.path("path"), cfg.Seam, filepath.Dir(cfg.Goimports), os.Getenv("PATH")}
	env := append(os.Environ(), cfg.Env...)
	return append(
		env,
		"PATH="+strings.Join(path, string(os.PathListSeparator)),
		"TMPDIR="+c.path("tmp"),
		envGo+"="+cfg.Go,
		envNext+"="+c.next(),
		MarkEnv+"="+c.mark,
		contract.EnvError+"="+c.path(failureFile),
		contract.EnvGrace+"="+c.path(graceFile),
		contract.EnvStdin+"="+c.path("stdin"),
		contract.EnvOrder+"="+c.path("order"),
		contract.EnvPrints+"="+c.path("prints"),
	)
}

// next is the binary that GoNB's next go build is answered with.
func (c *Child) next() string { return c.path("next/cell") }

// Dead is closed when GoNB has ended.
func (c *Child) Dead() <-chan struct{} { return c.done }

// PID is GoNB's process id.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Close ends GoNB and all that came from it, and removes the private folder.
func (c *Child) Close() {
	if c.client != nil {
		c.client.Close()
	}
	if c.stdin != nil {
		c.stdin.Close()
	}
	killMarked(c.mark, time.Second)
	if c.prints != nil {
		c.prints.close()
	}
	c.cache.Wait()
	c.own.Remove()
	if c.unwatch != nil {
		c.unwatch()
	}
}

// print passes on what the program of the current run has printed.
func (c *Child) print(name, text string) {
	c.cur.Lock()
	r := c.current
	c.cur.Unlock()
	if r != nil {
		r.print(name, text)
	}
}

func (c *Child) setCurrent(r *run) {
	c.cur.Lock()
	old := c.current
	c.current = r
	c.cur.Unlock()
	if old != nil {
		old.finish()
	}
}

// Interrupt asks what runs to stop: SIGINT to all processes of the cell, and an
// end by force after a grace time, which a second interrupt makes short. It
// returns at once.
func (c *Child) Interrupt() {
	c.cur.Lock()
	r := c.current
	c.cur.Unlock()
	if r != nil {
		r.interrupt()
	}
}

// errGone is returned by Run when GoNB has ended.
var errGone = errors.New("GoNB has ended")
