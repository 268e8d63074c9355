package notebook

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"odslab/kernel/toolchain"
)

// chromium is a real browser, spoken to over a pair of pipes by its DevTools
// protocol, so that tests and fuzzing see the DOM that a reader's browser makes.
type chromium struct {
	tb   testing.TB
	cmd  *exec.Cmd
	in   io.Writer
	out  *bufio.Reader
	next int
	logs []string // what pages said on the console
	mu   sync.Mutex
	page string // session of the page
}

func newChromium(tb testing.TB) *chromium {
	tb.Helper()
	path := toolchain.NeedChromium(tb)
	hisIn, in, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, hisOut, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "chromium-")
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+dir, "--remote-debugging-pipe", "--window-size=1100,900", "about:blank")
	cmd.ExtraFiles = []*os.File{hisIn, hisOut}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	hisIn.Close()
	hisOut.Close()
	c := &chromium{tb: tb, cmd: cmd, in: in, out: bufio.NewReaderSize(out, 1<<20)}
	tb.Cleanup(func() {
		in.Close()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		os.RemoveAll(dir)
	})
	var target struct{ TargetID string }
	c.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	c.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	c.page = session.SessionID
	for _, domain := range []string{"Page", "Runtime"} {
		c.call(domain+".enable", nil, nil)
	}
	return c
}

// call asks and waits for the answer; what comes between is kept.
func (c *chromium) call(method string, params map[string]any, answer any) {
	c.tb.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	m := map[string]any{"id": c.next, "method": method}
	if params != nil {
		m["params"] = params
	}
	if c.page != "" {
		m["sessionId"] = c.page
	}
	b, err := json.Marshal(m)
	if err != nil {
		c.tb.Fatal(err)
	}
	if _, err := c.in.Write(append(b, 0)); err != nil {
		c.tb.Fatalf("chromium: %v", err)
	}
	for {
		line, err := c.out.ReadBytes(0)
		if err != nil {
			c.tb.Fatalf("chromium: %v", err)
		}
		var got struct {
			ID     int
			Method string
			Params struct {
				Args []struct{ Value any }
			}
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := json.Unmarshal(bytes.TrimSuffix(line, []byte{0}), &got); err != nil {
			c.tb.Fatal(err)
		}
		switch {
		case got.Method == "Runtime.consoleAPICalled":
			c.logs = append(c.logs, fmt.Sprint(got.Params.Args))
		case got.ID == c.next:
			if got.Error != nil {
				c.tb.Fatalf("chromium: %s: %s", method, got.Error.Message)
			}
			if answer != nil {
				if err := json.Unmarshal(got.Result, answer); err != nil {
					c.tb.Fatal(err)
				}
			}
			return
		}
	}
}

// eval is the value of an expression on the page, which may be a promise.
func (c *chromium) eval(expression string, value any) {
	c.tb.Helper()
	var got struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	c.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &got)
	if got.ExceptionDetails != nil {
		c.tb.Fatal(got.ExceptionDetails.Exception.Description)
	}
	if value != nil {
		if err := json.Unmarshal(got.Result.Value, value); err != nil {
			c.tb.Fatalf("%v: %s", err, got.Result.Value)
		}
	}
}

// open loads a page from a file and returns what it said until wait was over.
func (c *chromium) open(page []byte, wait time.Duration) []string {
	c.tb.Helper()
	file := filepath.Join(c.tb.TempDir(), "page.html")
	if err := os.WriteFile(file, page, 0o644); err != nil {
		c.tb.Fatal(err)
	}
	c.logs = nil
	c.call("Page.navigate", map[string]any{"url": "file://" + file}, nil)
	c.eval(fmt.Sprintf(`new Promise(function look(r){document.readyState==="complete"&&location.protocol==="file:"?setTimeout(r,%d):setTimeout(look,20,r)})`, wait.Milliseconds()), nil)
	return c.logs
}
