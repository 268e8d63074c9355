package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"odslab/kernel/toolchain"
)

// family lists the processes with a tag in their environment.
func family(tag string) map[int]string {
	found := map[int]string{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		env, err := os.ReadFile(dir + "/environ")
		if err != nil || !bytes.Contains(env, []byte(tag)) {
			continue
		}
		if cmd, _ := os.ReadFile(dir + "/cmdline"); len(cmd) > 0 { // not a zombie
			pid, _ := strconv.Atoi(filepath.Base(dir))
			found[pid] = strings.ReplaceAll(string(cmd), "\x00", " ")
		}
	}
	return found
}

func until(t *testing.T, what string, d time.Duration, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(d); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, d)
		}
	}
}

// terminal gives a command a terminal of its own; closing it is what a closed
// window is.
func terminal(t *testing.T, cmd *exec.Cmd) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		toolchain.Without(t, err.Error())
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return master
}

func write(t *testing.T, path, cell string) {
	t.Helper()
	text := fmt.Sprintf(`{"cells":[{"cell_type":"code","id":"a","metadata":{},"outputs":[],"execution_count":null,"source":%q}],"metadata":{"kernelspec":{"name":"odslab","display_name":"Go (odslab)","language":"go"}},"nbformat":4,"nbformat_minor":5}`, cell)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// However a headless run ends, no process of it is left: no kernel, watchdog,
// GoNB, cell, resident process, nor what a cell has started. Folders that
// nobody was left to remove go with the next start.
func TestRunLeavesNothing(t *testing.T) {
	l := toolchain.ForTest(t)
	kill := func(t *testing.T, tag string, which ...string) {
		for pid, cmd := range family(tag) {
			for _, w := range which {
				if strings.Contains(cmd, w) {
					syscall.Kill(pid, syscall.SIGKILL)
				}
			}
		}
	}
	for name, end := range map[string]func(t *testing.T, run *os.Process, term *os.File, tag string){
		"KILL":     func(_ *testing.T, p *os.Process, _ *os.File, _ string) { p.Kill() },
		"HUP":      func(_ *testing.T, p *os.Process, _ *os.File, _ string) { p.Signal(syscall.SIGHUP) },
		"TERM":     func(_ *testing.T, p *os.Process, _ *os.File, _ string) { p.Signal(syscall.SIGTERM) },
		"terminal": func(_ *testing.T, _ *os.Process, term *os.File, _ string) { term.Close() },
		"all but GoNB": func(t *testing.T, p *os.Process, _ *os.File, tag string) {
			p.Kill()
			kill(t, tag, "odslab kernel", "odslab-watchdog")
		},
		"kernel and watchdog": func(t *testing.T, _ *os.Process, _ *os.File, tag string) {
			kill(t, tag, "odslab kernel", "odslab-watchdog")
		},
		"kernel, watchdog and GoNB": func(t *testing.T, _ *os.Process, _ *os.File, tag string) {
			kill(t, tag, "odslab kernel", "odslab-watchdog", "/gonb ")
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			tmp, err := os.MkdirTemp("", "orphans") // short enough for sockets
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(tmp)
			tag := "ODSLAB_TEST_TAG=" + filepath.Base(tmp) + "."
			write(t, filepath.Join(dir, "a.ipynb"), "secret := make([]float64, 1000)\nexec.Command(\"setsid\", \"sleep\", \"1000\").Start()\nfmt.Println(len(secret))\nfor {}")
			write(t, filepath.Join(dir, "b.ipynb"), "1+1")
			command := func(nb string) *exec.Cmd {
				cmd := exec.Command(l.Tool("odslab"), "run", filepath.Join(dir, nb))
				cmd.Env = append(os.Environ(), tag, "TMPDIR="+tmp, "ODSLAB_MODULE="+l.Clone, "ODSLAB_CACHE="+l.Root)
				return cmd
			}
			cmd := command("a.ipynb")
			term := terminal(t, cmd)
			said := new(bytes.Buffer)
			read := make(chan struct{})
			go func() { said.ReadFrom(term); close(read) }()
			until(t, "sleep runs", time.Minute, func() bool {
				for _, c := range family(tag) {
					if strings.HasPrefix(c, "sleep 1000") {
						return true
					}
				}
				return false
			})
			end(t, cmd.Process, term, tag)
			if strings.Contains(name, "kernel") || strings.Contains(name, "but") {
				cmd.Wait()
				if out, err := command("b.ipynb").CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			}
			until(t, "all have ended", 15*time.Second, func() bool { return len(family(tag)) == 0 })
			cmd.Wait()
			term.Close()
			<-read
			if name == "KILL" { // it had a folder too
				if out, err := command("b.ipynb").CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			}
			if left, _ := filepath.Glob(tmp + "/*"); len(left) > 0 {
				t.Errorf("left: %q", left)
			}
			if t.Failed() {
				t.Log(said.String())
			}
		})
	}
}

// Killed at any moment, while it starts, builds, computes or keeps values, a run
// leaves no process; and what the next one begins with, it removes.
func TestRunKilledAtAnyMoment(t *testing.T) {
	l := toolchain.ForTest(t)
	dir := t.TempDir()
	tmp, err := os.MkdirTemp("", "orphans")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	tag := "ODSLAB_TEST_TAG=" + filepath.Base(tmp) + "."
	write(t, filepath.Join(dir, "a.ipynb"), "big := make([]float64, 4<<20)\nfor i := range big {\n\tbig[i] = float64(i)\n}\nexec.Command(\"setsid\", \"sleep\", \"1000\").Start()\nfmt.Println(len(big))")
	write(t, filepath.Join(dir, "b.ipynb"), "1+1")
	start := func(nb string) *exec.Cmd {
		cmd := exec.Command(l.Tool("odslab"), "run", filepath.Join(dir, nb))
		cmd.Env = append(os.Environ(), tag, "TMPDIR="+tmp, "ODSLAB_MODULE="+l.Clone, "ODSLAB_CACHE="+l.Root)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	for i := range 8 {
		cmd := start("a.ipynb")
		time.Sleep(time.Duration(i*i) * 25 * time.Millisecond)
		cmd.Process.Signal([]os.Signal{syscall.SIGKILL, syscall.SIGHUP, syscall.SIGKILL, syscall.SIGTERM}[i%4])
		cmd.Wait()
		until(t, "all have ended", 15*time.Second, func() bool { return len(family(tag)) == 0 })
	}
	if err := start("b.ipynb").Wait(); err != nil {
		t.Error(err)
	}
	var left []string
	defer func() {
		if t.Failed() {
			t.Logf("left: %q", left)
		}
	}()
	until(t, "all folders have gone", 5*time.Second, func() bool { left, _ = filepath.Glob(tmp + "/*"); return len(left) == 0 })
}
