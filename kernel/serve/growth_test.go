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
// as they are after the first.
func TestGrowth(t *testing.T) {
	t.Parallel()
	cells := manyCells()
	tag := "ODSLAB_TEST_TAG=growth" + fmt.Sprint(os.Getpid())
	tmp := t.TempDir()
	f := launchFor(t, cells.limit(), tag, "TMPDIR="+tmp)
	f.run("total := 0\nvalues := map[string]float64{}\ntype point struct{ X, Y float64 }\npoints := []point{}")
	f.grow(cells, max(20<<20, promise*int64(cells)/1000), tag, tmp, func(i int) (code string, ok bool) {
		code = []string{
			"fmt.Println(\"cell\", %d)\ntotal++",
			"v%d := make([]float64, 2000)\nvalues[fmt.Sprint(%[1]d %% 7)] = float64(len(v%[1]d))\nlen(values)",
			"func f%d(n int) int { return n + %[1]d }\nf%[1]d(total)",
			"points = append(points, point{%d, 2})[:min(len(points)+1, 50)]\npoints",
			"q := []int{}\n_ = q[%d]",
			"session.Display(session.Bundle{\"text/html\": strings.Repeat(\"<b>%d</b>\", 1000)}, \"id\")",
		}[i%6]
		code = fmt.Sprintf(code, i)
		if i%6 == 5 {
			code = "%drop v" + fmt.Sprint(i-4) + "\n" + code
		}
		return code, i%6 != 4
	})
}

// The same with XLA: cells have programs of their own, so the resident process has
// to give up the oldest; arrays are kept, replaced and dropped. What the compiler
// needs comes and goes, so a short run gets no smaller limit.
func TestGrowthWithXLA(t *testing.T) {
	t.Parallel()
	cells := manyCells()
	tmp := t.TempDir()
	f, tag := withXLAFor(t, cells.limit(), "TMPDIR="+tmp)
	f.run("total := graph.MustNewExec(compute.MustNew(), func(g *graph.Graph) *graph.Node { return graph.Zeros(g, shapes.Make(dtypes.F32, 1000, 100)) }).MustCall1()")
	f.grow(cells, promise, tag, tmp, func(i int) (code string, ok bool) {
		const run = "graph.MustNewExec(compute.MustNew(), func(x *graph.Node) *graph.Node { return %s }).MustCall1(total)"
		switch i % 5 {
		case 0:
			return fmt.Sprintf("total = "+run, fmt.Sprintf("graph.AddScalar(x, %d)", i)), true
		case 1:
			return fmt.Sprintf("v := "+run, fmt.Sprintf("graph.Sin(graph.MulScalar(x, %d))", i)), true
		case 2:
			return fmt.Sprintf(run+".Value()", fmt.Sprintf("graph.ReduceAllSum(graph.Tanh(graph.AddScalar(x, %d)))", i)), true
		case 3:
			return fmt.Sprintf(run, fmt.Sprintf("graph.Reshape(x, 7, %d)", i)), false
		}
		return fmt.Sprintf("%%drop v\nfmt.Println(%d, total.Shape())", i), true
	})
}

// promise is how many bytes more a kernel may take after a thousand cells.
const promise = 200 << 20

// number of cells: $ODSLAB_CELLS, or few.
type number int

func manyCells() number {
	if n, err := strconv.Atoi(os.Getenv("ODSLAB_CELLS")); err == nil {
		return number(n)
	}
	return 60
}

func (n number) limit() time.Duration { return time.Duration(n)*2*time.Second + 2*time.Minute }

// grow runs a few cells and then as many as it should, and compares what the
// kernel takes.
func (f *front) grow(cells number, limit int64, tag, tmp string, cell func(i int) (code string, ok bool)) {
	t, warm := f.t, 20
	t.Helper()
	var first usage
	begin := time.Now()
	for i := 1; i <= warm+int(cells); i++ {
		code, ok := cell(i)
		if s := f.run(code); (s.Status == "ok") != ok {
			t.Fatalf("cell %d: %q: %v", i, code, s)
		}
		if i == warm {
			first = f.usage(tag, tmp)
		}
		if i%100 == 0 || i == warm || i == warm+int(cells) {
			t.Logf("%4d cells, %v: %v", i, time.Since(begin).Round(time.Second), f.usage(tag, tmp))
		}
	}
	last := f.usage(tag, tmp)
	if grown := last.total() - first.total(); grown > limit {
		t.Errorf("%d cells: %d MB more (%v, then %v)", cells, grown/1e6, first, last)
	} else {
		t.Logf("%.1f MB more", float64(grown)/1e6)
	}
	if last.processes > first.processes {
		t.Errorf("%d processes, then %d: %q", first.processes, last.processes, family(tag, 0))
	}
}

// usage is what a kernel takes, in bytes. Pages of programs and libraries are no
// part of it: the system has them on disk.
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
		_, rest, ok := strings.Cut(string(b), "RssAnon:")
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
