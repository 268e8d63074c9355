package setup

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"odslab/kernel/toolchain"
)

// TestMain lets a test run Lab in a process that it can kill.
func TestMain(m *testing.M) {
	python := os.Getenv("SETUP_TEST_LAB")
	if python == "" {
		os.Exit(m.Run())
	}
	l := toolchain.Layout{Root: os.Getenv("SETUP_TEST_ROOT"), Clone: os.Getenv("SETUP_TEST_ROOT")}
	if err := Lab(context.Background(), l, LabOptions{Python: python, Dir: l.Root, NoBrowser: true, Out: os.Stdout}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func TestKilledLabLeavesNoServer(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Logf("only Linux tells a process of its parent's death")
		return
	}
	python := toolchain.NeedPython(t, LabPackages...)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "SETUP_TEST_LAB="+python, "SETUP_TEST_ROOT="+t.TempDir())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(strings.TrimPrefix(line, "JupyterLab: "))
	cmd.Process.Kill()
	cmd.Wait()
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		client := http.Client{Timeout: 2 * time.Second}
		res, err := client.Get(address)
		if err != nil {
			return
		}
		res.Body.Close()
		if time.Now().After(end) {
			t.Fatal("the server still answers")
		}
	}
}
