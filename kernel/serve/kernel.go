package serve

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"odslab/kernel/gonb"
	"odslab/kernel/jupyter"
	"odslab/kernel/runtime/contract"
	"odslab/kernel/tempdir"
)

// kernel is one running kernel.
type kernel struct {
	srv     *jupyter.Server
	version string
	own     *tempdir.Dir
	keep    string        // folder of kept values
	swept   chan struct{} // closed when what dead kernels have left is gone
	mark    string        // of all processes
	log     io.Writer
	child   *childHolder
	history *history

	resident *resident // nil: cells compute in their own process
	slow     string    // why they do, until it is told
	widgets  *widgets
	gone     func() string

	compiling sync.Mutex // guards compiler
	compiler  Compiler
	prepared  chan struct{} // closed when compiler is there, or prepErr is
	prepErr   error

	mu      sync.Mutex
	running *execution // the cell at work
	count   int
	sources map[int]string // by execution count, for error lines

	// Used by the one goroutine that runs cells.
	programs map[string]program // by Key
	renumber *strings.Replacer  // of cell numbers in what the program at work says; nil: none

	queue  *queue
	inputs chan string
	stop   chan struct{} // closed to end the kernel
	once   sync.Once
}

// maxSource is how long a cell may be that is remembered for its lines in errors
// and for an unchanged second run.
const maxSource = 1 << 20

// config is what a kernel is made of; tests put their own parts in.
type config struct {
	conn  jupyter.Connection
	child gonb.Config
	// resident is the program of the resident process and its environment; "": there is none.
	resident    string
	programs    string // folder where it keeps compiled programs, or ""
	residentEnv []string
	sum         string // of the plugin that it may load
	slow        string // why cells compute in pure Go, if nobody has asked for that
	// prepare is called once, in the background; keep is a folder for values, and
	// env is for processes of its own, so that they end with the kernel.
	prepare func(keep string, env []string) (Compiler, error)
	history string        // file that keeps history, or ""
	gone    func() string // says that what cells are built with is no longer there, or ""; nil: nobody looks
	unable  error         // why no cell can run, or nil: each is told
	version string
	log     io.Writer
}

// start binds the sockets and returns at once; GoNB and the compiler get ready
// meanwhile.
func start(ctx context.Context, cfg config) (*kernel, error) {
	if cfg.log == nil {
		cfg.log = os.Stderr
	}
	// Kept values are the notebook's own: nobody else may read them.
	cfg.child.Mark = rand.Text()
	swept := make(chan struct{}) // what kernels that were killed with their watchdogs have left
	go func() {
		defer close(swept)
		tempdir.Sweep(gonb.End)
	}()
	own, err := tempdir.Make(tempdir.Short(), cfg.child.Mark)
	keep, scratch := "", ""
	if err == nil {
		keep = own.Path
		scratch = filepath.Join(keep, "go") // of go commands: one that is killed leaves its folder
		err = os.Mkdir(scratch, 0o700)
	}
	if err != nil && cfg.unable == nil {
		cfg.unable = fmt.Errorf("no cell can run without a folder for temporary files; set TMPDIR to one, or mend this one, and restart the kernel: %w", err)
	}
	if cfg.unable != nil { // whoever runs a cell is told: what a kernel that ends has said, few front ends show
		cfg.resident, cfg.gone, cfg.prepare = "", nil, func(string, []string) (Compiler, error) { return nil, cfg.unable }
	}
	cfg.child.Sweep = keep
	cfg.child.Env = append(slices.Clone(cfg.child.Env), contract.EnvKeep+"="+keep)
	env := append(os.Environ(), gonb.MarkEnv+"="+cfg.child.Mark)
	var res *resident
	if cfg.resident != "" {
		res = newResident(cfg.resident, keep, cfg.programs, cfg.sum, append(slices.Clone(env), cfg.residentEnv...))
		cfg.child.Env = append(cfg.child.Env, contract.EnvResident+"="+res.socket())
	}
	k := &kernel{
		own: own, keep: keep, swept: swept, resident: res, slow: cfg.slow, gone: cfg.gone,
		mark:    cfg.child.Mark,
		version: cfg.version, log: cfg.log,
		child:    newChildHolder(cfg.child),
		history:  openHistory(cfg.history),
		prepared: make(chan struct{}),
		sources:  map[int]string{},
		programs: map[string]program{},
		queue:    newQueue(),
		widgets:  newWidgets(),
		inputs:   make(chan string, 1),
		stop:     make(chan struct{}),
	}
	ready := make(chan struct{}) // the server may deliver before k.srv is set
	srv, err := jupyter.Serve(cfg.conn, func(ch jupyter.Channel, m *jupyter.Message) {
		<-ready
		k.receive(ch, m)
	})
	if err != nil {
		own.Remove()
		return nil, err
	}
	k.srv = srv
	close(ready)
	k.status(nil, "starting")
	k.status(nil, "idle")
	go k.child.get(ctx)
	go func() {
		defer close(k.prepared)
		k.compiler, k.prepErr = cfg.prepare(keep, append(env, "GOTMPDIR="+scratch))
	}()
	go k.work(ctx)
	return k, nil
}

// wait serves until shutdown, or until ctx ends, and cleans up.
func (k *kernel) wait(ctx context.Context) {
	select {
	case <-k.stop:
	case <-ctx.Done():
	}
	k.queue.close()
	k.interrupt()
	k.child.close()
	k.history.close()
	if k.resident != nil {
		k.resident.close()
	}
	gonb.End(k.mark)
	k.own.Remove()
	select { // a kernel of one short cell removes it, too
	case <-k.swept:
	case <-time.After(5 * time.Second):
	}
	if d := k.srv.Dropped(); d != (jupyter.Dropped{}) {
		fmt.Fprintf(k.log, "odslab: messages dropped: %d malformed, %d wrongly signed, %d connections\n",
			d.Malformed, d.Signature, d.Transport)
	}
	k.srv.Close()
}

func (k *kernel) end() { k.once.Do(func() { close(k.stop) }) }

// use calls f with the compiler once it is ready.
func (k *kernel) use(f func(Compiler)) error {
	<-k.prepared
	if k.prepErr != nil {
		return k.prepErr
	}
	k.compiling.Lock()
	defer k.compiling.Unlock()
	f(k.compiler)
	return nil
}

func (k *kernel) status(parent *jupyter.Message, state string) {
	k.publish("status", parent, map[string]string{"execution_state": state}, nil)
}

func (k *kernel) publish(msgType string, parent *jupyter.Message, content, metadata any) {
	if err := k.srv.Publish(msgType, parent, content, metadata); err != nil {
		fmt.Fprintln(k.log, "odslab:", err)
	}
}

func (k *kernel) reply(ch jupyter.Channel, m *jupyter.Message, msgType string, content any) {
	if err := k.srv.Reply(ch, m, msgType, content); err != nil {
		fmt.Fprintln(k.log, "odslab:", err)
	}
}

// interrupt stops the cell at work, wherever it is.
func (k *kernel) interrupt() {
	k.mu.Lock()
	x := k.running
	k.mu.Unlock()
	if x != nil {
		x.interrupt()
	}
}

// childHolder starts GoNB in the background, and again after it has died.
type childHolder struct {
	cfg gonb.Config

	quit   context.Context // ends a start that is under way
	cancel context.CancelFunc

	mu     sync.Mutex
	child  *gonb.Child
	failed time.Time // when the last start failed,
	why    error     // and why
}

func newChildHolder(cfg gonb.Config) *childHolder {
	h := &childHolder{cfg: cfg}
	h.quit, h.cancel = context.WithCancel(context.Background())
	return h
}

// get returns a living child.
func (h *childHolder) get(ctx context.Context) (*gonb.Child, error) {
	begin := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed.After(begin) { // the start that this one has waited for
		return nil, h.why
	}
	if h.quit.Err() != nil {
		return nil, fmt.Errorf("the kernel is shutting down")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.quit, cancel)()
	if h.child != nil {
		select {
		case <-h.child.Dead():
			h.child.Close()
			h.child = nil
		default:
			return h.child, nil
		}
	}
	var err error
	for wait := 50 * time.Millisecond; wait < time.Second; wait *= 3 {
		// One that does not answer would not the next time: a person waits.
		if h.child, err = gonb.Start(ctx, h.cfg); err == nil || ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
			break
		}
		time.Sleep(wait)
	}
	if err != nil {
		h.child, h.failed, h.why = nil, time.Now(), err
	}
	return h.child, err
}

func (h *childHolder) close() {
	h.cancel()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.child != nil {
		h.child.Close()
		h.child = nil
	}
}
