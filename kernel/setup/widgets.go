package setup

import (
	"fmt"
	"os"
	"path/filepath"
)

// WidgetPackages are what InstallWidgets takes its files from.
var WidgetPackages = []string{"jupyterlab-widgets"}

// extension is where they are below a Jupyter data folder, and mark is beside
// those that we have put there.
var extension = filepath.Join("labextensions", "@jupyter-widgets", "jupyterlab-manager")

const mark = ".odslab"

// InstallWidgets puts the extension by which JupyterLab shows widgets below a
// Jupyter data folder, from the environment of python. One of the user's own that
// is there is left alone.
func InstallWidgets(python, data string) error {
	from, to := filepath.Join(filepath.Dir(filepath.Dir(python)), "share", "jupyter", extension), filepath.Join(data, extension)
	if _, err := os.Stat(to); err == nil {
		if _, err := os.Stat(filepath.Join(to, mark)); err != nil {
			return nil
		}
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("widgets: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(to), ".odslab-")
	if err != nil {
		return fmt.Errorf("widgets: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.CopyFS(tmp, os.DirFS(from)); err != nil {
		return fmt.Errorf("widgets: %w", err)
	}
	if err := os.WriteFile(filepath.Join(tmp, mark), nil, 0o644); err != nil {
		return fmt.Errorf("widgets: %w", err)
	}
	if err := os.RemoveAll(to); err != nil {
		return fmt.Errorf("widgets: %w", err)
	}
	return os.Rename(tmp, to)
}

// uninstallWidgets takes it out again, if it is ours.
func uninstallWidgets(data string) error {
	to := filepath.Join(data, extension)
	if _, err := os.Stat(filepath.Join(to, mark)); err != nil {
		return nil
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	for dir := filepath.Dir(to); dir != data; dir = filepath.Dir(dir) {
		if os.Remove(dir) != nil { // not empty
			break
		}
	}
	return nil
}
