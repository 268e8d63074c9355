package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

var (
	//go:embed peers/shared.py
	sharedSource string
	//go:embed peers/jax.py
	jaxSource string
	//go:embed peers/torch.py
	torchSource string
)

// impl is one of the things compared: how to start a child of it.
type impl struct {
	name string
	argv []string
}

func jax(python string) impl {
	return impl{"jax", []string{python, "-u", "-c", sharedSource + jaxSource}}
}

func torch(python string) impl {
	return impl{"torch", []string{python, "-u", "-c", sharedSource + torchSource}}
}

// child is a process that answers requests, one line each.
type child struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
	said    *tail
	version string
	check   float64
	ms      []float64
}

// answerTimeout bounds one answer; compiling the U-Net on a busy machine is the longest.
const answerTimeout = 10 * time.Minute

func start(ctx context.Context, p impl) (*child, error) {
	c := &child{cmd: exec.CommandContext(ctx, p.argv[0], p.argv[1:]...), said: &tail{}}
	c.cmd.Stderr = c.said
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewScanner(out)
	c.out.Buffer(nil, 1<<24)
	return c, c.cmd.Start()
}

// ask sends a request and waits for its answer.
func (c *child) ask(q request) (reply, error) {
	data, err := json.Marshal(q)
	if err != nil {
		return reply{}, err
	}
	late := time.AfterFunc(answerTimeout, func() { _ = c.cmd.Process.Kill() }) // it may have ended by itself
	defer late.Stop()
	if _, err := c.in.Write(append(data, '\n')); err != nil {
		return reply{}, c.died(err)
	}
	if !c.out.Scan() {
		return reply{}, c.died(c.out.Err())
	}
	var a reply
	if err := json.Unmarshal(c.out.Bytes(), &a); err != nil {
		return a, fmt.Errorf("said %.100q, not an answer", c.out.Text())
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

// died explains a child that ended early by the last line it left.
func (c *child) died(err error) error {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // its last words tell more than its status
	if last := c.said.line(); last != "" {
		return errors.New(last)
	}
	return errors.Join(errors.New("ended without a word"), err)
}

// close ends the child; one that does not end by itself is killed.
func (c *child) close() {
	_ = c.in.Close()
	late := time.AfterFunc(5*time.Second, func() { _ = c.cmd.Process.Kill() })
	_ = c.cmd.Wait() // it is done with whatever status
	late.Stop()
}

// peakMB is the most memory the child had resident, in MB; 0 where there is no /proc.
func (c *child) peakMB() float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				kb, _ := strconv.ParseFloat(f[0], 64) // 0 when the kernel writes something else
				return kb / 1024
			}
		}
	}
	return 0
}

// tail keeps the last part of what is written to it.
type tail struct{ bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	if t.Len() > 1<<16 {
		t.Next(t.Len() - 1<<12)
	}
	return t.Buffer.Write(p)
}

func (t *tail) line() string {
	lines := strings.Split(strings.TrimSpace(t.String()), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
