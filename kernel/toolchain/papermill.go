package toolchain

import (
	"bytes"
	_ "embed"
	"os"
	"path/filepath"
)

// translator is what papermill needs to set parameters of Go notebooks. Other
// environments get it by `pip install kernel/toolchain/papermill`.
//
//go:embed papermill/odslab_papermill.py
var translator []byte

// announce puts it into the private environment, as pip would: papermill loads all
// modules that are announced as engines.
func (l Layout) announce() error {
	sites, err := filepath.Glob(filepath.Join(l.venv(), "lib", "python3*", "site-packages"))
	if err != nil {
		return err
	}
	for _, site := range sites {
		info := filepath.Join(site, "odslab_papermill-1.dist-info")
		for path, text := range map[string][]byte{
			filepath.Join(site, "odslab_papermill.py"): translator,
			filepath.Join(info, "METADATA"):            []byte("Metadata-Version: 2.1\nName: odslab-papermill\nVersion: 1\n"),
			filepath.Join(info, "entry_points.txt"):    []byte("[papermill.engine]\nodslab = odslab_papermill:Engine\n"),
		} {
			if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
				continue
			}
			if err := writeFile(path, text); err != nil {
				return err
			}
		}
	}
	return nil
}
