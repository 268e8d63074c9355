package serve

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odslab/kernel/gonb/gonbtest"
	"odslab/kernel/jupyter"
)

// launch starts the kernel as a process of its own.
func launch(t *testing.T, env ...string) *front {
	t.Helper()
	return launchFor(t, 2*time.Minute, env...)
}

func launchFor(t *testing.T, limit time.Duration, env ...string) *front {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env = append(gonbtest.Env(gonbtest.Layout(t)), env...)
	f := &front{t: t, ctx: ctx}
	if f.Client, err = jupyter.Launch(ctx, []string{exe, "kernel", "-f", "{connection_file}"}, env); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Shutdown(context.Background()) })
	return f
}

// family lists the processes with a tag in their environment, other than pid.
func family(tag string, not int) (found []string) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		env, err := os.ReadFile(dir + "/environ")
		if err != nil || !strings.Contains(string(env), tag) || filepath.Base(dir) == fmt.Sprint(not) {
			continue
		}
		if cmd, _ := os.ReadFile(dir + "/cmdline"); len(cmd) > 0 { // not a zombie
			found = append(found, filepath.Base(dir)+" "+strings.ReplaceAll(string(cmd), "\x00", " "))
		}
	}
	return found
}

func waitGone(t *testing.T, tag string, d time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(d); ; time.Sleep(10 * time.Millisecond) {
		left := family(tag, 0)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left after %v: %q", d, left)
		}
	}
}

// Whatever way a kernel ends, nothing of it is left: no GoNB, no cell, no
// process that a cell has started, no folder.
func TestNoOrphans(t *testing.T) {
	for _, end := range []string{"kill -9", "SIGTERM", "shutdown"} {
		t.Run(end, func(t *testing.T) {
			tag := "ODSLAB_TEST_TAG=" + strings.ReplaceAll(t.Name(), "/", "_") + fmt.Sprint(os.Getpid())
			tmp := t.TempDir()
			f := launch(t, tag, "TMPDIR="+tmp)
			f.run("!(setsid sleep 1000 >/dev/null 2>&1 &)")
			go f.Execute(f.ctx, `exec.Command("sleep", "1000").Start(); fmt.Println("on"); for {}`, jupyter.ExecuteOptions{})
			for deadline := time.Now().Add(30 * time.Second); len(family(tag, 0)) < 6; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("not all processes run: %q", family(tag, 0))
				}
			}
			switch end {
			case "kill -9":
				kill9(f.PID())
			case "SIGTERM":
				terminate(f.PID())
			default:
				f.Shutdown(f.ctx)
			}
			waitGone(t, tag, 5*time.Second)
			if left, _ := filepath.Glob(tmp + "/odslab-*"); len(left) > 0 {
				t.Errorf("folders left: %q", left)
			}
		})
	}
}

// SIGINT, which Jupyter sends where a kernelspec asks for it, stops the cell and
// not the kernel.
func TestSIGINT(t *testing.T) {
	f := launch(t)
	done := make(chan *shown)
	started := make(chan struct{})
	go func() {
		done <- f.run(`fmt.Println("on"); for {}`, func(o *jupyter.ExecuteOptions) {
			o.OnOutput = func(m *jupyter.Message) {
				if m.Header.Type == "stream" {
					close(started)
				}
			}
		})
	}()
	<-started
	interrupt(f.PID())
	if s := <-done; s.EName != "interrupted" {
		t.Error(s)
	}
	interrupt(f.PID()) // nothing runs
	time.Sleep(100 * time.Millisecond)
	if s := f.run("1+1"); s.Status != "ok" {
		t.Error(s)
	}
}

// The kernel answers long before GoNB is there.
func TestStart(t *testing.T) {
	begin := time.Now()
	f := launch(t)
	t.Logf("kernel_info after %v", time.Since(begin).Round(time.Millisecond))
	f.run("fmt.Println(1)")
	t.Logf("first cell after %v", time.Since(begin).Round(time.Millisecond))
	if d := time.Since(begin); d > 20*time.Second {
		t.Errorf("the first cell took %v", d)
	}
}

// A connection file that is not one is a line, not a crash.
func TestBadConnectionFile(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/junk.json"
	os.WriteFile(file, []byte("{junk"), 0o600)
	_, err = jupyter.Launch(t.Context(), []string{exe, "kernel", "-f", file}, gonbtest.Env(gonbtest.Layout(t)))
	if err == nil || !strings.Contains(err.Error(), "is not what Jupyter writes") || strings.Contains(err.Error(), "goroutine") {
		t.Errorf("error %v", err)
	}
}
