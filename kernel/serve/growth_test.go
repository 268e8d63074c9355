package serve

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Many cells in one kernel: memory of all its processes, and its folders, stay
// as they are after the first. $ODSLAB_CELLS says how many; the promise is
// 200 MB for a thousand, and a shorter run has 20 MB.
func TestGrowth(t *testing.T) {
	t.Parallel()
	cells, warm := 60, 20
	if n, err := strconv.Atoi(os.Getenv("ODSLAB_CELLS")); err == nil {
		cells = n
	}
	tag := "ODSLAB_TEST_TAG=growth" + fmt.Sprint(os.Getpid())
	tmp := t.TempDir()
	f := launchFor(t, time.Duration(cells)*2*time.Second+2*time.Minute, tag, "TMPDIR="+tmp)
	f.run("total := 0\nvalues := map[string]float64{}\ntype point struct{ X, Y float64 }\npoints := []point{}")
	var first usage
	begin := time.Now()
	for i := 1; i <= warm+cells; i++ {
		code := []string{
			"fmt.Println(\"cell\", %d)\ntotal++",
			"v%d := make([]float64, 2000)\nvalues[fmt.Sprint(%[1]d %% 7)] = float64(len(v%[1]d))\nlen(values)",
			"func f%d(n int) int { return n + %[1]d }\nf%[1]d(total)",
			"points = append(points, point{%d, 2})[:min(len(points)+1, 50)]\npoints",
			"q := []int{}\n_ = q[%d]",
			"session.Display(session.Bundle{\"text/html\": strings.Repeat(\"<b>%d</b>\", 1000)}, \"id\")\n%%drop v%[2]d",
		}[i%6]
		if strings.Contains(code, "%[2]d") {
			code = "%drop v" + fmt.Sprint(i-4) + "\n" + fmt.Sprintf(strings.Split(code, "\n%%")[0], i)
		} else {
			code = fmt.Sprintf(code, i)
		}
		s := f.run(code)
		if want := i%6 != 4; (s.Status == "ok") != want {
			t.Fatalf("cell %d: %q: %v", i, code, s)
		}
		if i == warm {
			first = f.usage(tag, tmp)
		}
		if i%100 == 0 || i == warm || i == warm+cells {
			t.Logf("%4d cells, %v: %v", i, time.Since(begin).Round(time.Second), f.usage(tag, tmp))
		}
	}
	last := f.usage(tag, tmp)
	limit := max(20<<20, int64(cells)*200<<20/1000)
	if grown := last.total() - first.total(); grown > limit {
		t.Errorf("%d cells: %d MB more (%v, then %v)", cells, grown>>20, first, last)
	}
	if last.processes > first.processes {
		t.Errorf("%d processes, then %d: %q", first.processes, last.processes, family(tag, 0))
	}
}

// usage is what a kernel takes, in bytes.
type usage struct {
	kernel, others, disk int64
	processes, files     int
}

func (u usage) total() int64 { return u.kernel + u.others + u.disk }

func (u usage) String() string {
	return fmt.Sprintf("kernel %.1f MB, %d others %.1f MB, %d files %.1f MB", float64(u.kernel)/1e6, u.processes-1, float64(u.others)/1e6, u.files, float64(u.disk)/1e6)
}

func (f *front) usage(tag, folder string) (u usage) {
	for _, p := range family(tag, 0) {
		pid, _, _ := strings.Cut(p, " ")
		b, _ := os.ReadFile("/proc/" + pid + "/status")
		_, rest, ok := strings.Cut(string(b), "VmRSS:")
		if !ok {
			continue
		}
		kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		u.processes++
		if pid == fmt.Sprint(f.PID()) {
			u.kernel += kb << 10
		} else {
			u.others += kb << 10
		}
	}
	filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				u.disk += info.Size()
				u.files++
			}
		}
		return nil
	})
	return u
}
