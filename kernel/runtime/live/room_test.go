package live

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMachineFree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	info := file("meminfo", "MemTotal:       24684092 kB\nMemFree:          100 kB\nMemAvailable:       3000 kB\nSwapTotal:  9 kB\nSwapFree:   1000 kB\n")
	for group, want := range map[string]uint64{"max\n": 4000 << 10, "2048000\n": 2048000, "99999999999\n": 4000 << 10} {
		if free := machineFree(info, file("max", group)); free != want {
			t.Errorf("%q: %d bytes, not %d", group, free, want)
		}
	}
	if free := machineFree(filepath.Join(dir, "none"), file("max", "5")); free != 0 {
		t.Errorf("nobody tells: %d", free)
	}
}
