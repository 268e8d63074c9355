package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"odslab/kernel/toolchain"
)

func TestFlagsAnywhere(t *testing.T) {
	fs := flagSet("run")
	html := fs.String("html", "", "")
	params := parameters{}
	fs.Var(params, "param", "")
	plain, rest, err := parse(fs, []string{"a.ipynb", "-html", "out", "b.ipynb", "-param", "n=3", "-param", "y=a=b", "--", "-x"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(plain, []string{"a.ipynb", "b.ipynb"}) || *html != "out" || params["n"] != "3" || params["y"] != "a=b" || !slices.Equal(rest, []string{"-x"}) {
		t.Errorf("plain %v, html %q, params %v, rest %v", plain, *html, params, rest)
	}
}

func TestBadCommandLines(t *testing.T) {
	junk := filepath.Join(t.TempDir(), "junk.ipynb")
	if err := os.WriteFile(junk, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	unknown := filepath.Join(t.TempDir(), "grid.yaml")
	if err := os.WriteFile(unknown, []byte("steps: [1, 2]"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		want string // "": usage has been printed, exit status 2
	}{
		{"", ""},
		{"nosuch", "unknown command"},
		{"setup now", "takes no argument"},
		{"setup -engine tpu", "xla-cpu, xla-cuda, go"},
		{"setup -nosuch", ""},
		{"run", "name one or more notebooks"},
		{"run nosuch.ipynb", "nosuch.ipynb"},
		{"run " + junk, junk},
		{"run a.ipynb -param novalue", ""},
		{"run a.ipynb -timeout -3s", "negative"},
		{"run ../docker/sweep/evidence.ipynb -sweep nosuch.yaml", "grid nosuch.yaml: cannot be read"},
		{"run ../docker/sweep/evidence.ipynb -sweep " + unknown, `no parameter "steps"; it has sigma, particles, seed`},
		{"run ../docker/sweep/evidence.ipynb -sweep ../docker/sweep/grid.yaml -index 8", "it has 8 points, 0 to 7"},
		{"run ../docker/sweep/evidence.ipynb -sweep ../docker/sweep/grid.yaml -index -2", "0 or more"},
		{"run ../docker/sweep/evidence.ipynb -sweep ../docker/sweep/grid.yaml -param sigma=1", "leave one out"},
		{"run ../docker/sweep/evidence.ipynb -sweep ../docker/sweep/grid.yaml -html out", "-out names the folder"},
		{"run ../docker/sweep/evidence.ipynb ../docker/sweep/evidence.ipynb -sweep ../docker/sweep/grid.yaml", "takes one notebook"},
		{"run ../docker/sweep/evidence.ipynb -index 3", "-sweep"},
		{"collect", "one sweep"},
		{"collect /no/such/folder", "holds no sweep"},
		{"lab a b", "one folder"},
		{"lab /no/such/folder", "no folder"},
	} {
		err := dispatch(context.Background(), strings.Fields(c.args))
		var status exitStatus
		switch {
		case err == nil:
			t.Errorf("%q succeeds", c.args)
		case c.want == "" && (!errors.As(err, &status) || status != 2):
			t.Errorf("%q: %v, want exit status 2", c.args, err)
		case c.want != "" && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%q: %q, want one line with %q", c.args, err, c.want)
		}
	}
}

// odslab runs the installed command.
func odslab(t *testing.T, l toolchain.Layout, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "JUPYTER_DATA_DIR="+filepath.Join(l.Root, "none"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestInstalledCommand(t *testing.T) {
	l := toolchain.ForTest(t)
	out, err := odslab(t, l, l.Tool("odslab"), "version")
	if err != nil || !strings.Contains(out, "github.com/janpfeifer/gonb") || !strings.Contains(out, "v0.11.4") {
		t.Errorf("version: %v\n%s", err, out)
	}
	// The installed command knows its clone from any folder.
	t.Chdir(t.TempDir())
	if out, err := odslab(t, l, l.Tool("odslab"), "doctor"); err != nil || !strings.Contains(out, l.Root) {
		t.Errorf("doctor: %v\n%s", err, out)
	}
	// Under the name go it is the go command.
	out, err = odslab(t, l, filepath.Join(l.Seam(), "go"), "env", "GOVERSION")
	if err != nil || !strings.HasPrefix(out, "go1.") {
		t.Errorf("the seam's go: %v\n%s", err, out)
	}
}

// A cache on a full disk, no home at all, and a user whose home cannot be made: one line each that says what to set.
func TestNoRoomForTheCache(t *testing.T) {
	l := toolchain.ForTest(t)
	dir := t.TempDir()
	command := filepath.Join(dir, "odslab")
	data, err := os.ReadFile(l.Tool("odslab"))
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string][]byte{command: data, filepath.Join(dir, "go.mod"): []byte("module odslab\n"), filepath.Join(dir, "go.sum"): nil} {
		if err := os.WriteFile(path, text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "notebooks"), 0o755); err != nil {
		t.Fatal(err)
	}
	refused := func(want string, user uint32, env ...string) {
		t.Helper()
		for _, args := range [][]string{{"setup"}, {"lab", "-no-browser"}} {
			cmd := exec.Command(command, args...)
			cmd.Dir = dir
			cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
				name, _, _ := strings.Cut(v, "=")
				return slices.Contains([]string{"HOME", "XDG_CACHE_HOME", "ODSLAB_CACHE"}, name)
			}), append(env, "ODSLAB_MODULE="+dir)...)
			if user != 0 {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
			}
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), want) || !strings.Contains(string(out), "ODSLAB_CACHE") || strings.Count(string(out), "\n") != 1 {
				t.Errorf("%v, %v: %v, %s; want one line with %q", args, env, err, out, want)
			}
		}
	}
	refused("no cache folder", 0)
	if os.Getuid() != 0 {
		t.Log("only root can be somebody else, and mount a small disk")
		return
	}
	for at := dir; at != os.TempDir() && at != "/"; at = filepath.Dir(at) { // the user must come through to the command
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	refused("it cannot be written: mkdir /nowhere", 4321, "HOME=/nowhere")
	small := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small).CombinedOutput(); err != nil {
		t.Logf("a small file system cannot be mounted here: %s", out)
		return
	}
	defer exec.Command("umount", "-l", small).Run()
	if err := os.WriteFile(filepath.Join(small, "fill"), make([]byte, 2<<20), 0o600); err == nil {
		t.Fatal("it does not fill up")
	}
	refused("the disk is full", 0, "ODSLAB_CACHE="+small)
}

func TestInstallCommand(t *testing.T) {
	l := toolchain.ForTest(t)
	data := t.TempDir()
	t.Setenv("JUPYTER_DATA_DIR", data)
	if err := dispatch(context.Background(), []string{"install"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(data, "kernels", "odslab", "kernel.json"))
	if err != nil || !strings.Contains(string(text), l.Tool("odslab")) {
		t.Errorf("%v\n%s", err, text)
	}
	if err := dispatch(context.Background(), []string{"uninstall"}); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(data, "kernels", "*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
