package gonb

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// watchdogCommand is the word by which the seam's program becomes the watchdog.
const watchdogCommand = "odslab-watchdog"

// startWatchdog starts the process that ends all processes with this mark and
// removes dir once the returned pipe is closed, which the death of this process
// does too.
func startWatchdog(seam, mark, dir string) (io.Closer, error) {
	cmd := exec.Command(filepath.Join(seam, "go"), watchdogCommand, mark, dir)
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go cmd.Wait()
	return pipe, nil
}

func watchdog(mark, dir string) int {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	io.Copy(io.Discard, os.Stdin)
	killMarked(mark, time.Second)
	os.RemoveAll(dir)
	return 0
}

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
