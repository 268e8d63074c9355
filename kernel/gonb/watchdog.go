package gonb

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// watchdogCommand is the word by which the seam's program becomes the watchdog.
const watchdogCommand = "odslab-watchdog"

// startWatchdog starts the process that ends all processes with this mark and
// removes the folders when this process dies, in whatever way: the pipe that
// only this process holds is closed then. One that is killed is started again.
func startWatchdog(seam, mark string, dirs ...string) (stop func(), err error) {
	begin := func() (*exec.Cmd, error) {
		cmd := exec.Command(filepath.Join(seam, "go"), append([]string{watchdogCommand, mark}, dirs...)...)
		if _, err := cmd.StdinPipe(); err != nil { // Wait closes it
			return nil, err
		}
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		return cmd, cmd.Start()
	}
	cmd, err := begin()
	if err != nil {
		return nil, err
	}
	quit, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for pause := watchdogPause; ; pause *= 2 {
			dead := make(chan struct{})
			go func() { cmd.Wait(); close(dead) }()
			select {
			case <-dead:
			case <-quit:
				cmd.Process.Kill()
				<-dead
				return
			}
			select {
			case <-time.After(pause):
			case <-quit:
				return
			}
			if cmd, err = begin(); err != nil {
				return
			}
		}
	}()
	return sync.OnceFunc(func() { close(quit); <-over }), nil
}

// watchdogPause is before the first new watchdog, and doubles: whatever kills
// them is not helped by many.
const watchdogPause = 20 * time.Millisecond

func watchdog(mark string, dirs []string) int {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	io.Copy(io.Discard, os.Stdin)
	killMarked(mark, time.Second)
	for _, dir := range dirs {
		if dir != "" {
			os.RemoveAll(dir)
		}
	}
	return 0
}

// End kills all processes with a mark; see Config.Mark.
func End(mark string) { killMarked(mark, time.Second) }

// killMarked kills all processes with a mark until none is left or d is over:
// one that is starting another may have been missed by the first look.
func killMarked(mark string, d time.Duration) {
	for deadline := time.Now().Add(d); ; time.Sleep(5 * time.Millisecond) {
		pids := marked(mark)
		for _, pid := range pids {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		if len(pids) == 0 || time.Now().After(deadline) {
			return
		}
	}
}
