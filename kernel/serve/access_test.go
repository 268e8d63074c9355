package serve

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"odslab/kernel/gonb/gonbtest"
	"odslab/kernel/jupyter"
)

// Another user of the machine reaches none of a kernel's files and sockets,
// whatever the umask is that it was started with.
func TestOtherUsers(t *testing.T) {
	layout := gonbtest.Layout(t) // made before TMPDIR is another
	base, err := os.MkdirTemp("", "access-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	if err := os.Chmod(base, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", base)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f := &front{t: t, ctx: t.Context()}
	open := []string{"sh", "-c", `umask 0; exec "$0" kernel -f "$1"`, exe, "{connection_file}"}
	if f.Client, err = jupyter.Launch(t.Context(), open, gonbtest.Env(layout)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Shutdown(context.Background()) })
	f.run("x := []int{1, 2, 3}\ngonbui.DisplayHTML(\"<b>x</b>\")")
	done := f.begin("y := 2\nfmt.Println(\"on\", x)\nfmt.Println(\"on\")\nfor {\n}")

	control := filepath.Join(base, "control")
	if err := os.WriteFile(control, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	paths := []string{control}
	kinds := map[fs.FileMode]int{}
	for _, dir := range []string{base, layout.Root + "/history.jsonl"} {
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == base || path == control {
				return nil
			}
			kinds[d.Type()]++
			paths = append(paths, path)
			if info, err := d.Info(); err == nil && filepath.Dir(path) == base && info.Mode()&0o077 != 0 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			return nil
		})
	}
	if kinds[fs.ModeSocket] < 11 || kinds[fs.ModeNamedPipe] < 1 || kinds[0] < 10 || kinds[fs.ModeDir] < 5 {
		t.Errorf("too little is looked at: %v", kinds)
	}
	if info, err := os.Stat(layout.Root + "/history.jsonl"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the history: %v %v", info, err)
	}
	if os.Getuid() == 0 { // only root can be somebody else
		// Where the programs of tests lie is closed to others.
		copied := filepath.Join(base, "intruder")
		data, err := os.ReadFile(exe)
		if err == nil {
			err = os.WriteFile(copied, data, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(copied, "intruder")
		cmd.Dir, cmd.Env = "/", []string{"HOME=/"}
		cmd.Stdin = strings.NewReader(strings.Join(paths, "\n"))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != "read "+control+"\n" {
			t.Errorf("another user: %v\n%s", err, out)
		}
	}
	f.Interrupt()
	<-done
}

// intrude tries each path of its input and prints what it could do with it.
func intrude() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		path := lines.Text()
		if c, err := net.Dial("unix", path); err == nil {
			c.Close()
			fmt.Println("connect", path)
		}
		for _, way := range []struct {
			name string
			flag int
		}{{"read", os.O_RDONLY}, {"write", os.O_WRONLY}} {
			if f, err := os.OpenFile(path, way.flag|syscall.O_NONBLOCK, 0); err == nil {
				f.Close()
				fmt.Println(way.name, path)
			}
		}
		if f, err := os.Create(filepath.Join(path, "planted")); err == nil {
			f.Close()
			fmt.Println("plant", path)
		}
	}
}
