package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"odslab/kernel/gonb"
	"odslab/kernel/jupyter"
	"odslab/kernel/runtime/contract"
)

// again calls an interaction's function with the newest values. What it shows
// goes to the widgets; nothing else of the notebook changes.
func (k *kernel) again(ctx context.Context, it *interaction) {
	w := k.widgets
	w.mu.Lock()
	it.waits = false
	values, request, gone := slices.Clone(it.values), it.request, !slices.Contains(w.all, it)
	w.mu.Unlock()
	if gone {
		return
	}
	x := &execution{k: k, request: request, n: it.n, started: time.Now(), stopped: make(chan struct{})}
	k.mu.Lock()
	k.running = x
	k.status(request, "busy")
	k.mu.Unlock()
	k.renumber = nil
	outputs, f := x.callAgain(ctx, it, values)
	if f != nil {
		outputs = append(outputs, f.output())
	}
	k.output(request, it, outputs)
	k.mu.Lock()
	k.running = nil
	k.status(request, "idle")
	k.mu.Unlock()
}

// output is the failure as an output of a notebook.
func (f *failure) output() map[string]any {
	content := f.content()
	content["output_type"] = "error"
	return content
}

func (x *execution) callAgain(ctx context.Context, it *interaction, values []float64) (outputs []any, f *failure) {
	k := x.k
	if it.resident && k.resident != nil {
		if f := k.ready(newOutput(k, x.request, 0, true)); f != nil {
			return nil, f
		}
	}
	what, err := json.Marshal(contract.Again{Call: it.said.Call, Values: values})
	if err != nil {
		return nil, kernelFailure(err)
	}
	failed := filepath.Join(it.dir, "failure.json")
	os.Remove(failed)
	var said jupyter.Tail
	cmd := exec.CommandContext(ctx, filepath.Join(it.dir, "cell"))
	cmd.Dir, cmd.Stderr = it.cwd, &said
	cmd.Env = append(slices.Clone(it.env), contract.EnvKeep+"="+it.dir, contract.EnvError+"="+failed, contract.EnvAgain+"="+string(what), gonb.MarkEnv+"="+k.mark+".again")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	gonb.DeathSignal(cmd)
	over := make(chan struct{})
	end := func() { // at once: there is nothing to be kept
		select {
		case <-over:
		default:
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	}
	var got gathered
	var reading sync.WaitGroup
	var reads []*os.File
	for range 3 { // contract.AgainShown and so on
		r, theirs, err := os.Pipe()
		if err != nil {
			return nil, kernelFailure(err)
		}
		defer theirs.Close()
		defer r.Close()
		cmd.ExtraFiles, reads = append(cmd.ExtraFiles, theirs), append(reads, r)
	}
	if err := cmd.Start(); err != nil {
		return nil, kernelFailure(err)
	}
	for i, take := range []func(io.Reader){got.messages, got.prints("stdout"), got.prints("stderr")} {
		cmd.ExtraFiles[i].Close()
		reading.Go(func() {
			take(reads[i])
			if got.full() {
				end()
			}
			io.Copy(io.Discard, reads[i])
		})
	}
	go func() {
		select {
		case <-x.stopped:
			end()
		case <-over:
		}
	}()
	err = cmd.Wait()
	close(over)
	for _, r := range reads { // what it has left behind may hold the other ends
		r.SetReadDeadline(time.Now().Add(time.Second))
	}
	reading.Wait()
	out := &gonb.Outcome{Interrupted: x.interrupted()}
	if err != nil {
		out.Failed = err.Error()
		if report := said.String(); bytes.Contains([]byte(report), []byte("goroutine ")) {
			out.Crash = report
		}
	}
	if b, err := os.ReadFile(failed); err == nil {
		own := &gonb.Failure{}
		if json.Unmarshal(b, own) == nil {
			out.Failure = own
		}
	}
	f = x.judge(out, gonb.Cell{Program: []byte{}})
	if f == nil && got.full() {
		f = &failure{Name: "cut", Value: fmt.Sprintf("the function has shown more than %d MB", maxRich>>20)}
	}
	return got.outputs(), f
}

// gathered is what a program that runs again has shown.
type gathered struct {
	mu    sync.Mutex
	said  []any // prints, as outputs of a notebook,
	list  []any // and displays
	ids   map[string]int
	bytes int
}

// full says that it has shown more than is taken.
func (g *gathered) full() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.bytes > maxRich
}

func (g *gathered) outputs() (all []any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append(append([]any{}, g.said...), g.list...)
}

// messages reads displays. One with the id of an earlier one takes its place.
func (g *gathered) messages(r io.Reader) {
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, maxRich)
	for !g.full() && scan.Scan() {
		var m contract.AgainMessage
		if json.Unmarshal(scan.Bytes(), &m) != nil {
			continue
		}
		if m.Metadata == nil {
			m.Metadata = map[string]any{}
		}
		delete(m.Metadata, contract.MarkResult)
		delete(m.Metadata, contract.MarkOrder)
		o := map[string]any{"output_type": "display_data", "data": m.Data, "metadata": m.Metadata}
		g.mu.Lock()
		g.bytes += len(scan.Bytes())
		if i, ok := g.ids[m.ID]; ok && m.ID != "" {
			g.list[i] = o
		} else {
			if g.ids == nil {
				g.ids = map[string]int{}
			}
			g.ids[m.ID] = len(g.list)
			g.list = append(g.list, o)
		}
		g.mu.Unlock()
	}
	if scan.Err() != nil { // a line without end
		g.mu.Lock()
		g.bytes = maxRich + 1
		g.mu.Unlock()
	}
}

// prints reads a stream.
func (g *gathered) prints(name string) func(io.Reader) {
	return func(r io.Reader) {
		text, _ := io.ReadAll(io.LimitReader(r, maxStream))
		if len(text) == 0 {
			return
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.said = append(g.said, map[string]any{"output_type": "stream", "name": name, "text": string(bytes.ToValidUTF8(text, []byte("\uFFFD")))})
	}
}
