package toolchain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// command is one program run by a step.
type command struct {
	Dir  string
	Env  []string // added to the environment
	Args []string
	Out  io.Writer // standard output; nil: kept for the error only
}

// commandError is a program that failed, with the line of its output that says why.
type commandError struct {
	Name string
	Line string
	Err  error
}

func (e *commandError) Error() string { return e.Name + ": " + e.Line }
func (e *commandError) Unwrap() error { return e.Err }

// run runs c to its end. When ctx ends, the program and all its children are
// interrupted, then killed.
func run(ctx context.Context, c command) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir = c.Dir
	cmd.Env = append(append(os.Environ(), "LC_ALL=C"), c.Env...)
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	if c.Out != nil {
		cmd.Stdout = c.Out
	}
	// A group of its own: the interrupt reaches the compilers below go build.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		if cmd.Process != nil {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		return ctx.Err()
	}
	if err == nil {
		return nil
	}
	name := filepath.Base(c.Args[0])
	if len(c.Args) > 1 && !strings.HasPrefix(c.Args[1], "-") {
		name += " " + c.Args[1]
	}
	line := tellingLine(said.String())
	if line == "" {
		line = err.Error()
	}
	var missing *exec.Error
	if errors.As(err, &missing) {
		line = missing.Err.Error()
	}
	return &commandError{name, line, err}
}

// tellingLine picks the line of a failed program's output that says why.
func tellingLine(out string) string {
	var first, last string
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "go: downloading"):
		case strings.Contains(line, "file size limit exceeded"), strings.Contains(line, "ile too large"),
			strings.Contains(line, "o space left on device"), strings.Contains(line, "uota exceeded"):
			return line
		case strings.HasPrefix(line, "ERROR: Could not find a version"):
			// pip's line names every version; its reason stands in the warnings before.
			last = "no such version to be had (is the network there?)"
		case strings.HasPrefix(line, "ERROR:"):
			if last == "" {
				last = strings.TrimSpace(strings.TrimPrefix(line, "ERROR:"))
			}
		case strings.HasPrefix(line, "WARNING:") || strings.HasPrefix(line, "[notice]"):
		default:
			if first == "" {
				first = line
			}
		}
	}
	if last != "" {
		first = last
	}
	if r := []rune(first); len(r) > 300 {
		first = string(r[:300]) + "…"
	}
	return first
}

// tail keeps the beginning and the end of what a program says.
type tail struct {
	head, end bytes.Buffer
}

const tailKept = 32 << 10

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if free := tailKept - t.head.Len(); free > 0 {
		k := min(free, len(p))
		t.head.Write(p[:k])
		p = p[k:]
	}
	t.end.Write(p)
	if over := t.end.Len() - tailKept; over > tailKept {
		t.end.Next(over)
	}
	return n, nil
}

func (t *tail) String() string { return t.head.String() + t.end.String() }

// goCommand is a call of the real go command.
func goCommand(dir string, args ...string) (command, error) {
	goTool, err := RealGo()
	if err != nil {
		return command{}, err
	}
	return command{Dir: dir, Env: []string{"GOWORK=off"}, Args: append([]string{goTool}, args...)}, nil
}

// lookPython finds an interpreter that starts.
func lookPython(ctx context.Context) (string, error) {
	for _, name := range []string{"python3", "python"} {
		if p, err := exec.LookPath(name); err == nil {
			if run(ctx, command{Args: []string{p, "-c", "import sys; sys.exit(sys.version_info < (3, 8))"}}) == nil {
				return p, nil
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return "", fmt.Errorf("no Python 3 on PATH")
}
