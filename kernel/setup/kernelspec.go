package setup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"odslab/kernel/toolchain"
	"odslab/odslib/engine/environment"
)

// Name and DisplayName are what Jupyter knows the kernel by.
const (
	Name        = "odslab"
	DisplayName = "Go (odslab)"
)

// Spec is a kernel.json.
type Spec struct {
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode"`
	Env           map[string]string `json:"env"`
	Metadata      map[string]any    `json:"metadata"`
}

// SpecOf is the kernel.json of this layout. It names absolute paths: Jupyter
// may be started where neither go nor the clone can be found.
func SpecOf(l toolchain.Layout) Spec {
	env := map[string]string{"ODSLAB_MODULE": l.Clone, environment.Cache: l.Root}
	if goTool, err := toolchain.RealGo(); err == nil {
		env["ODSLAB_GO"] = goTool
	}
	for _, name := range []string{environment.Plugin, environment.Engine} {
		if v := os.Getenv(name); v != "" {
			env[name] = v
		}
	}
	return Spec{
		Argv:        []string{"/bin/sh", "-c", launch, l.Tool("odslab"), "kernel", "-f", "{connection_file}"},
		DisplayName: DisplayName,
		Language:    "go",
		// A message reaches the kernel wherever it runs; a signal does not.
		InterruptMode: "message",
		Env:           env,
		Metadata:      map[string]any{"debugger": false},
	}
}

// launch becomes the kernel, or says what to do where the cache has been
// deleted: Jupyter shows what a kernel that ends at once has said.
const launch = `[ -x "$0" ] || { printf '%s\n' "odslab: $0 is gone: run 'go run ./kernel install' in $ODSLAB_MODULE" >&2; exit 1; }; exec "$0" "$@"`

// program is what the kernelspec starts in the end.
func (s Spec) program() string {
	if len(s.Argv) > 3 && s.Argv[0] == "/bin/sh" {
		return s.Argv[3]
	}
	return s.Argv[0]
}

// UserData is the user's own Jupyter data folder.
func UserData() (string, error) {
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no home folder (%w): set JUPYTER_DATA_DIR to Jupyter's data folder", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}

// Install writes the kernelspec below a Jupyter data folder and returns its
// folder. A kernelspec of ours that is there already is replaced.
func Install(l toolchain.Layout, data string) (string, error) {
	dir := specDir(data)
	if old, err := ReadSpec(data); err == nil && old.DisplayName != DisplayName {
		return "", fmt.Errorf("%s holds a kernel called %q that is not ours: remove or rename it first", dir, old.DisplayName)
	}
	text, err := json.MarshalIndent(SpecOf(l), "", "  ")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("kernelspec: %w", err)
	}
	// A folder of its own, then renamed, so that Jupyter never sees half of it.
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+Name+"-")
	if err != nil {
		return "", fmt.Errorf("kernelspec: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	files := map[string][]byte{"kernel.json": append(text, '\n'), "logo-svg.svg": logo}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(tmp, name), data, 0o644); err != nil {
			return "", fmt.Errorf("kernelspec: %w", err)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("kernelspec: %w", err)
	}
	return dir, os.Rename(tmp, dir)
}

// ErrNotInstalled says that there is no kernelspec to remove.
var ErrNotInstalled = errors.New("the kernel is not installed")

// Uninstall removes the kernelspec below a Jupyter data folder and returns the
// folder that is gone. It leaves alone what is not ours.
func Uninstall(data string) (string, error) {
	dir := specDir(data)
	spec, err := ReadSpec(data)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: no %s", ErrNotInstalled, dir)
	}
	if err != nil {
		return "", err
	}
	if spec.DisplayName != DisplayName {
		return "", fmt.Errorf("%s holds a kernel called %q that is not ours: left alone", dir, spec.DisplayName)
	}
	return dir, errors.Join(uninstallWidgets(data), os.RemoveAll(dir))
}

// ReadSpec reads the kernelspec below a Jupyter data folder.
func ReadSpec(data string) (Spec, error) {
	path := filepath.Join(specDir(data), "kernel.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return Spec{}, err
	}
	var spec Spec
	if err := json.Unmarshal(text, &spec); err != nil {
		return Spec{}, fmt.Errorf("%s: %w", path, err)
	}
	return spec, nil
}

func specDir(data string) string { return filepath.Join(data, "kernels", Name) }
