package serve

import (
	"context"
	"strings"
	"sync"
	"time"

	"odslab/kernel/gonb"
	"odslab/kernel/jupyter"
	"odslab/kernel/trace"
)

// execution is one cell at work.
type execution struct {
	k       *kernel
	request *jupyter.Message
	channel jupyter.Channel
	n       int // the number of the cell in error lines
	code    string
	silent  bool
	stdin   bool
	out     *output
	started time.Time
	cell    string // the front end's name for it, or ""
	aside   bool   // no cell, but an expression of the front end
	again   bool   // run again by %rerun
	program *Program
	ctx     context.Context

	mu      sync.Mutex
	child   *gonb.Child
	stopped chan struct{} // closed by an interrupt
	once    sync.Once
}

func (x *execution) interrupt() {
	x.once.Do(func() { close(x.stopped) })
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.child != nil {
		x.child.Interrupt()
	}
}

func (x *execution) interrupted() bool {
	select {
	case <-x.stopped:
		return true
	default:
		return false
	}
}

// executeRequest is the content of execute_request with the protocol's defaults.
type executeRequest struct {
	Code         string            `json:"code"`
	Silent       bool              `json:"silent"`
	StoreHistory bool              `json:"store_history"`
	Expressions  map[string]string `json:"user_expressions"`
	AllowStdin   bool              `json:"allow_stdin"`
	StopOnError  bool              `json:"stop_on_error"`
}

// work runs cells until the kernel ends. Those that were already waiting when a
// cell failed are aborted, unless that cell asked otherwise.
func (k *kernel) work(ctx context.Context) {
	var failed time.Time
	for {
		item, ok := k.queue.take()
		if !ok {
			return
		}
		if item.again != nil {
			k.again(ctx, item.again)
			continue
		}
		if item.arrived.Before(failed) {
			k.status(item.request, "busy")
			k.reply(item.channel, item.request, "execute_reply", map[string]string{"status": "aborted"})
			k.status(item.request, "idle")
			continue
		}
		if at := k.execute(ctx, item.channel, item.request); !at.IsZero() {
			failed = at
		}
	}
}

// execute runs one cell. When it fails and what waited behind it must not run,
// it returns the time before the front end could know of it.
func (k *kernel) execute(ctx context.Context, ch jupyter.Channel, m *jupyter.Message) (failed time.Time) {
	req := executeRequest{StoreHistory: true, AllowStdin: true, StopOnError: true}
	bad := m.Decode(&req)
	store := req.StoreHistory && !req.Silent && strings.TrimSpace(req.Code) != ""
	x := &execution{
		k: k, request: m, channel: ch, n: k.count + 1, code: req.Code, silent: req.Silent, stdin: req.AllowStdin,
		started: time.Now(), stopped: make(chan struct{}), ctx: ctx, cell: cellID(m.Metadata), aside: req.Silent,
	}
	k.mu.Lock()
	k.running = x
	if store {
		k.count++
	}
	if len(req.Code) <= maxSource {
		k.sources[x.n] = req.Code
	}
	k.status(m, "busy")
	k.mu.Unlock()
	k.renumber = nil
	x.out = newOutput(k, m, k.count, req.Silent)
	x.out.interact = x.interact

	if !req.Silent {
		k.publish("execute_input", m, map[string]any{"code": req.Code, "execution_count": k.count}, nil)
	}
	reply := map[string]any{"execution_count": k.count}
	var f *failure
	var page string
	if bad != nil {
		f = &failure{Name: "bad request", Value: bad.Error()}
	} else {
		page, f = x.run(ctx, x.code, x.out)
	}
	if k.resident != nil {
		var held map[string][]string
		var shared []string
		k.holder(func(h holder) { held, shared = h.Held(), h.Shared() })
		k.resident.retain(k.widgets.holds(held, shared))
	}
	x.out.flush()
	if f != nil && req.StopOnError {
		failed = time.Now()
	}
	payload := []any{}
	if page != "" {
		payload = append(payload, map[string]any{
			"source": "page", "data": map[string]string{"text/plain": page}, "start": 0,
		})
	}
	if f != nil {
		if k.gone != nil {
			if why := k.gone(); why != "" {
				f.Value += "\n" + why
			}
		}
		f.room()
		content := f.content()
		if !req.Silent {
			k.publish("error", m, content, nil)
		}
		for key, v := range content {
			reply[key] = v
		}
		reply["status"], reply["payload"], reply["user_expressions"] = "error", payload, struct{}{}
	} else {
		reply["status"], reply["payload"], reply["user_expressions"] = "ok", payload, x.expressions(ctx, req.Expressions)
	}
	if store {
		k.history.add(k.count, req.Code, x.out.result())
	}
	k.reply(ch, m, "execute_reply", reply)
	k.mu.Lock()
	k.running = nil
	k.status(m, "idle")
	k.mu.Unlock()
	return failed
}

// gonb waits for GoNB, or for an interrupt.
func (x *execution) gonb(ctx context.Context) (*gonb.Child, error) {
	type got struct {
		child *gonb.Child
		err   error
	}
	ready := make(chan got, 1)
	go func() {
		child, err := x.k.child.get(ctx)
		ready <- got{child, err}
	}()
	select {
	case g := <-ready:
		return g.child, g.err
	case <-x.stopped:
		return nil, context.Canceled
	}
}

// run compiles and runs code; page is what the front end's pager is to show.
func (x *execution) run(ctx context.Context, code string, out *output) (page string, f *failure) {
	k := x.k
	if strings.TrimSpace(code) == "" {
		return "", nil
	}
	if text, isPage, err := k.pageOf(code); err != nil {
		return "", kernelFailure(err)
	} else if isPage {
		return text, nil
	}
	if isRerun(code) && !x.again {
		return "", x.rerun(ctx, out)
	}
	if x.cell != "" {
		k.forget(x.request, func(it *interaction) bool { return it.cell == x.cell })
	}
	checked := trace.Span("check")
	cell, commit, f := x.compile(code, out)
	checked()
	if f != nil {
		return "", f
	}
	if x.interrupted() {
		return "", x.interruptFailure(nil)
	}
	if cell.Raw == "" && cell.Program == nil && len(cell.Magics) == 0 {
		if commit != nil {
			f = kernelFailure(commit())
		}
		x.badge(out)
		return "", f
	}
	child, err := x.gonb(ctx)
	if err != nil {
		if x.interrupted() {
			return "", x.interruptFailure(nil)
		}
		return "", kernelFailure(err)
	}
	events := gonb.Events{Stream: out.stream, Display: out.display}
	if x.stdin {
		events.Input = x.ask
	}
	x.mu.Lock()
	x.child = child
	x.mu.Unlock()
	if x.interrupted() { // between the look above and now
		return "", x.interruptFailure(nil)
	}
	ran := trace.Span("build and run")
	result, err := child.Run(ctx, cell, events)
	ran()
	if k.resident != nil {
		out.mourn(k.resident.death())
	}
	x.mu.Lock()
	x.child = nil
	x.mu.Unlock()
	if err != nil {
		if commit != nil { // what the cell has declared, and saved before that
			commit()
		}
		if x.interrupted() {
			return "", x.interruptFailure(nil)
		}
		go k.child.get(ctx)
		return "", &failure{Name: "kernel error", Value: "GoNB ended in the middle of this cell; it is started again, and kept values are still there (" + err.Error() + ")"}
	}
	if commit != nil && result.BuildLog == "" {
		if err := commit(); err != nil && result.OK() {
			return "", kernelFailure(err)
		}
	}
	if cell.Raw == "" && result.BuildLog == "" {
		x.badge(out)
	}
	return "", x.judge(result, cell)
}
