package priors

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Bounds of a conversation with another process.
const (
	defaultTimeout = time.Minute
	maxAnswerLine  = 1 << 16
	dyingTime      = time.Second // for a process that has closed its output to say why
)

// process is a program that answers batches, one at a time.
type process struct {
	mu     sync.Mutex
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *tail
	ended  chan struct{}
}

// processes are those that are running, by their command: a prior is a value, and copies share one.
var processes sync.Map // string → *process

// ask sends a batch and reads the answer, which must have the shape. After an error the process is ended, since what it would say
// next is not known.
func ask(ctx context.Context, command []string, timeout time.Duration, about map[string]float64, x odslib.Array, shape []int) (odslib.Array, error) {
	if err := ctx.Err(); err != nil {
		return odslib.Array{}, err
	}
	if timeout == 0 {
		timeout = defaultTimeout
	}
	v, _ := processes.LoadOrStore(strings.Join(command, "\x00"), &process{})
	p := v.(*process)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		if err := p.start(command); err != nil {
			return odslib.Array{}, fmt.Errorf("external prior: %s cannot be started: %w", command[0], err)
		}
	}
	type answer struct {
		x   odslib.Array
		err error
	}
	done := make(chan answer, 1)
	go func() {
		x, err := p.exchange(about, x, shape)
		done <- answer{x, err}
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	var err error
	select {
	case a := <-done:
		if a.err == nil {
			return a.x, nil
		}
		broken := errors.Is(a.err, io.EOF) || errors.Is(a.err, io.ErrUnexpectedEOF) || errors.Is(a.err, errSend)
		if broken {
			select {
			case <-p.ended:
			case <-time.After(dyingTime):
			}
		}
		p.end()
		if err = a.err; broken {
			err = fmt.Errorf("it ended in the middle of an answer%s", p.stderr.last())
		}
	case <-timer.C:
		p.end()
		<-done
		err = fmt.Errorf("no answer within %v, so it was ended%s", timeout, p.stderr.last())
	case <-ctx.Done():
		p.end()
		<-done
		return odslib.Array{}, ctx.Err()
	}
	return odslib.Array{}, fmt.Errorf("external prior: %s: %w", strings.Join(command, " "), err)
}

var errSend = errors.New("it does not read")

func (p *process) start(command []string) (err error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.WaitDelay = dyingTime // what it has started may hold its output
	p.stderr = &tail{}
	cmd.Stderr = p.stderr
	if p.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd, p.out, p.ended = cmd, bufio.NewReaderSize(out, maxAnswerLine), make(chan struct{})
	go func(ended chan struct{}) {
		_, _ = cmd.Process.Wait()
		close(ended)
	}(p.ended)
	return nil
}

// end kills the process; the next batch starts another.
func (p *process) end() {
	_ = p.cmd.Process.Kill()
	_ = p.in.Close()
	<-p.ended
	_ = p.cmd.Wait() // closes the pipes, so that a read comes back
	p.cmd = nil
}

// exchange is one batch there and back.
func (p *process) exchange(about map[string]float64, x odslib.Array, shape []int) (odslib.Array, error) {
	head := map[string]any{"shape": x.Shape}
	for k, v := range about {
		head[k] = v
	}
	line, err := json.Marshal(head)
	if err != nil {
		return odslib.Array{}, err
	}
	b := append(line, '\n')
	for _, v := range x.Data {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	sent := make(chan error, 1)
	go func() { // it may answer before it has read all
		_, err := p.in.Write(b)
		sent <- err
	}()
	answer, err := p.out.ReadSlice('\n')
	if err != nil {
		if errors.Is(err, bufio.ErrBufferFull) {
			return odslib.Array{}, fmt.Errorf("its answer begins with a line of more than %d bytes; it must be JSON with the shape", maxAnswerLine)
		}
		return odslib.Array{}, err
	}
	var said struct {
		Shape []int  `json:"shape"`
		Error string `json:"error"`
	}
	if json.Unmarshal(answer, &said) != nil {
		return odslib.Array{}, fmt.Errorf("its answer begins with %.60q, which is no JSON; what it prints for people belongs on standard error", bytes.TrimSpace(answer))
	}
	if said.Error != "" {
		return odslib.Array{}, fmt.Errorf("it says: %.200q", said.Error)
	}
	if !slices.Equal(said.Shape, shape) {
		return odslib.Array{}, fmt.Errorf("it answered an array of shape %v, wanted is %v", said.Shape, shape)
	}
	out := engine.NewArray(shape...)
	raw := make([]byte, 4*len(out.Data))
	if _, err := io.ReadFull(p.out, raw); err != nil {
		return odslib.Array{}, err
	}
	if err := <-sent; err != nil {
		return odslib.Array{}, errSend
	}
	for i := range out.Data {
		out.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out, nil
}

// tail keeps the end of what a process prints for people.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if n := len(t.text); n > 4096 {
		t.text = append([]byte{}, t.text[n-4096:]...)
	}
	return len(b), nil
}

// last is its last line, as the end of an error.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	if s := strings.TrimSpace(lines[len(lines)-1]); s != "" {
		return fmt.Sprintf("; its last words: %.200s", s)
	}
	return ""
}
