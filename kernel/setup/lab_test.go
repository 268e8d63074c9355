package setup

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"odslab/kernel/toolchain"
)

// startLab runs a real JupyterLab and returns its address.
func startLab(t *testing.T, ctx context.Context, l toolchain.Layout, o LabOptions) (address *url.URL, ended chan error) {
	t.Helper()
	r, w := io.Pipe()
	o.Out = w
	ended = make(chan error, 1)
	go func() {
		ended <- Lab(ctx, l, o)
		w.Close()
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("no address: %v", <-ended)
	}
	go io.Copy(io.Discard, r)
	address, err = url.Parse(strings.TrimSpace(strings.TrimPrefix(line, "JupyterLab: ")))
	if err != nil {
		t.Fatal(err)
	}
	return address, ended
}

func TestLab(t *testing.T) {
	python := toolchain.NeedPython(t, LabPackages...)
	l := testLayout(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	address, ended := startLab(t, ctx, l, LabOptions{Python: python, Dir: t.TempDir(), NoBrowser: true})
	get := func(path string) (int, []byte) {
		t.Helper()
		u := *address
		u.Path = path
		client := http.Client{Timeout: 20 * time.Second}
		res, err := client.Get(u.String())
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, body
	}
	if status, _ := get("/lab"); status != 200 {
		t.Errorf("the page answers %d", status)
	}
	_, body := get("/api/kernelspecs")
	var specs struct {
		Default     string
		Kernelspecs map[string]struct{ Spec Spec }
	}
	if err := json.Unmarshal(body, &specs); err != nil {
		t.Fatal(err)
	}
	if specs.Default != Name || specs.Kernelspecs[Name].Spec.DisplayName != DisplayName {
		t.Errorf("kernels: %s", body)
	}

	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
	if res, err := http.Get(address.String()); err == nil {
		res.Body.Close()
		t.Error("the server still answers")
	}
}

func TestLabThatDoesNotStart(t *testing.T) {
	python := toolchain.NeedPython(t, LabPackages...)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := fmt.Sprint(taken.Addr().(*net.TCPAddr).Port)
	for _, args := range [][]string{{"--ServerApp.port=nonsense"}, {"--ServerApp.port=" + port, "--ServerApp.port_retries=0"}} {
		err := Lab(t.Context(), testLayout(t), LabOptions{Python: python, Dir: t.TempDir(), NoBrowser: true, Args: args, Out: io.Discard})
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "did not start") || len(args) == 2 && !strings.Contains(err.Error(), port) {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// A new user sees no questions about news or updates.
func TestLabOpensInPeace(t *testing.T) {
	chromium := toolchain.NeedChromium(t)
	python := toolchain.NeedPython(t, append([]string{"playwright"}, LabPackages...)...)
	ctx, cancel := context.WithCancel(context.Background())
	address, ended := startLab(t, ctx, testLayout(t), LabOptions{Python: python, Dir: t.TempDir(), NoBrowser: true, Args: []string{"--LabApp.expose_app_in_browser=True"}})
	defer func() {
		cancel()
		<-ended
	}()
	limited, stop := context.WithTimeout(ctx, 3*time.Minute)
	defer stop()
	out, err := exec.CommandContext(limited, python, "testdata/lab_first_look.py", chromium, address.String()).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "nothing pops up") {
		t.Errorf("%v\n%s", err, out)
	}
}
