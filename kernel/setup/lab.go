package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"odslab/kernel/tempdir"
	"odslab/kernel/toolchain"
	"odslab/odslib/atomicfile"
)

// LabPackages are what JupyterLab is run with.
var LabPackages = []string{"jupyterlab", "jupyterlab-widgets", "nbclient", "nbconvert", "ipykernel"}

// LabOptions of a JupyterLab.
type LabOptions struct {
	Python    string // interpreter with jupyterlab
	Dir       string // folder it opens
	NoBrowser bool
	Args      []string // for jupyter lab itself
	Out       io.Writer
}

// Lab runs JupyterLab with the kernel until ctx ends or the user stops it.
// Kernelspec, settings and runtime files are private to the cache: a Jupyter of
// the user's own is neither read nor changed.
func Lab(ctx context.Context, l toolchain.Layout, o LabOptions) error {
	home := l.Kernels()
	data := filepath.Join(home, "data")
	if _, err := Install(l, data); err != nil {
		return err
	}
	tempdir.Sweep(nil, home)
	run, err := tempdir.Make(home, "")
	if err != nil {
		return err
	}
	defer run.Remove()
	runtimeDir := run.Path
	if err := quietSettings(o.Python); err != nil {
		return err
	}
	logPath := filepath.Join(home, "lab.log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()

	args := []string{
		"-m", "jupyterlab", "--ServerApp.root_dir=" + o.Dir, "--MultiKernelManager.default_kernel_name=" + Name,
		"--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
	}
	if o.NoBrowser {
		args = append(args, "--no-browser")
	}
	if os.Geteuid() == 0 {
		args = append(args, "--allow-root") // a container's only user
	}
	cmd := exec.Command(o.Python, append(args, o.Args...)...)
	cmd.Dir = o.Dir
	cmd.Env = append(os.Environ(),
		"JUPYTER_PATH="+data, "JUPYTER_DATA_DIR="+data, "JUPYTER_CONFIG_DIR="+filepath.Join(home, "config"),
		"JUPYTER_RUNTIME_DIR="+runtimeDir, "JUPYTERLAB_SETTINGS_DIR="+filepath.Join(home, "settings"),
		"JUPYTERLAB_WORKSPACES_DIR="+filepath.Join(home, "workspaces"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = ownGroup()
	// The system takes the thread that started the server for its parent.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("jupyterlab: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	url, err := waitForServer(ctx, runtimeDir, ended)
	if err == nil {
		fmt.Fprintf(o.Out, "JupyterLab: %s\nlog: %s\nCtrl-C ends it\n", url, logPath)
		select {
		case err = <-ended:
			if err != nil {
				err = fmt.Errorf("JupyterLab ended (%w); its log is %s", err, logPath)
			}
			return err
		case <-ctx.Done():
		}
	}
	if errors.Is(err, errServerEnded) {
		return fmt.Errorf("JupyterLab did not start: %s (log: %s)", lastLine(logPath), logPath)
	}
	endServer(cmd.Process.Pid, ended)
	if ctx.Err() != nil {
		fmt.Fprintln(o.Out, "JupyterLab has ended")
		return nil
	}
	return err
}

var errServerEnded = errors.New("ended")

// waitForServer returns the address that the server has written down.
func waitForServer(ctx context.Context, dir string, ended chan error) (string, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(2 * time.Minute)
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case err := <-ended:
			ended <- err
			return "", errServerEnded
		case <-limit:
			return "", errors.New("JupyterLab did not answer within two minutes")
		case <-tick.C:
		}
		files, _ := filepath.Glob(filepath.Join(dir, "jpserver-*.json"))
		for _, f := range files {
			var info struct{ URL, Token string }
			text, err := os.ReadFile(f)
			if err != nil || json.Unmarshal(text, &info) != nil || info.URL == "" {
				continue // half written: the next tick
			}
			url := info.URL + "lab"
			if info.Token != "" {
				url += "?token=" + info.Token
			}
			return url, nil
		}
	}
}

// endServer asks the server to end its kernels and itself, then ends the group.
func endServer(pid int, ended chan error) {
	syscall.Kill(pid, syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(8 * time.Second):
	}
	syscall.Kill(-pid, syscall.SIGKILL)
}

// quietSettings stops JupyterLab from asking about news on the first page.
func quietSettings(python string) error {
	dir := filepath.Join(filepath.Dir(filepath.Dir(python)), "share", "jupyter", "lab", "settings")
	path := filepath.Join(dir, "overrides.json")
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, []byte(`{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}`+"\n"), 0o644)
}

func lastLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
