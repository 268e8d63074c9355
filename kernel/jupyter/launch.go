package jupyter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"odslab/kernel/tempdir"
)

// shutdownGrace is what a kernel gets to end by itself.
const shutdownGrace = 5 * time.Second

// process is a kernel that Launch started.
type process struct {
	cmd  *exec.Cmd
	tail Tail
	done chan struct{}
	exit error
}

// Launch starts a kernel and connects to it. "{connection_file}" in argv is
// replaced, as in a kernelspec; env is added to this process's own. ctx bounds
// the start only.
func Launch(ctx context.Context, argv, env []string) (*Client, error) {
	if len(argv) == 0 {
		return nil, errors.New("launch: no kernel command")
	}
	own, err := tempdir.Make(tempdir.Short(), "")
	if err != nil {
		return nil, err
	}
	conn := LocalConnection(own.Path)
	file := filepath.Join(own.Path, "kernel-"+newID()+".json")
	if err := conn.Write(file); err != nil {
		own.Remove()
		return nil, err
	}
	args := make([]string, len(argv))
	for i, a := range argv {
		args[i] = strings.ReplaceAll(a, "{connection_file}", file)
	}
	p := &process{cmd: exec.Command(args[0], args[1:]...), done: make(chan struct{})}
	// As Jupyter says it: a kernel ends by itself when this process is killed.
	p.cmd.Env = append(append(os.Environ(), "JPY_PARENT_PID="+strconv.Itoa(os.Getpid())), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.tail, &p.tail
	p.cmd.WaitDelay = time.Second
	// Its own process group: Ctrl-C at a terminal is for us to pass on.
	p.cmd.SysProcAttr = ownGroup()
	if err := p.cmd.Start(); err != nil {
		own.Remove()
		return nil, fmt.Errorf("start the kernel: %w", err)
	}
	go func() {
		p.exit = p.cmd.Wait()
		own.Remove()
		close(p.done)
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // a kernel that ends at once is not waited for
		select {
		case <-p.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	c, err := connect(ctx, conn, p)
	if err != nil {
		select {
		case <-p.done:
			return nil, p.err()
		default:
			p.kill()
			return nil, err
		}
	}
	go func() {
		<-p.done
		c.die(p.err())
	}()
	return c, nil
}

// err says how the process ended, with the last of what it printed.
func (p *process) err() error {
	how := "exit status 0"
	if p.exit != nil {
		how = p.exit.Error()
	}
	if said := strings.TrimSpace(p.tail.String()); said != "" {
		return fmt.Errorf("%w (%s): %s", ErrDead, how, said)
	}
	return fmt.Errorf("%w (%s)", ErrDead, how)
}

func (p *process) kill() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// PID is the process id of a launched kernel, else 0.
func (c *Client) PID() int {
	if c.process == nil {
		return 0
	}
	return c.process.cmd.Process.Pid
}

// Shutdown asks the kernel to end and, if it was launched, waits for that and
// kills it after a grace time.
func (c *Client) Shutdown(ctx context.Context) error {
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, shutdownGrace)
	defer cancel()
	_, err := c.Request(ctx, Control, "shutdown_request", map[string]bool{"restart": false})
	if c.process == nil {
		return err
	}
	select {
	case <-c.process.done:
	case <-ctx.Done():
		c.process.kill()
	}
	return nil
}
