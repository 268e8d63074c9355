package serve

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"odslab/kernel/jupyter"
)

// A person changes a cell in the middle of a notebook: the kernel says what
// else is out of step, and runs that again.
func TestStaleCells(t *testing.T) {
	f := startCells(t)
	cell := func(id, code string) *shown {
		t.Helper()
		return f.run(code, func(o *jupyter.ExecuteOptions) { o.CellID = id })
	}
	ok := func(id, code, badge string) {
		t.Helper()
		s := cell(id, code)
		if s.Status != "ok" || strings.TrimSpace(s.stderr) != badge {
			t.Errorf("%s: %v, want badge %q", id, s, badge)
		}
	}
	stale := func(want ...string) {
		t.Helper()
		s := cell("s", "%stale")
		var got []string
		lines := strings.Split(s.stdout, "\n")
		for _, l := range lines[1:max(1, len(lines)-2)] {
			got = append(got, strings.Join(strings.Fields(l), " "))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%%stale says %q, want %q", s.stdout, want)
		}
	}
	ok("a", "m := map[string][]float64{\"k\": {1, 2}, \"l\": {3}, \"n\": nil}", "")                       // 1
	ok("b", "total := 0.0\nfor _, v := range m[\"k\"] { total += v }\nfmt.Println(\"total\", total)", "") // 2
	ok("c", "fmt.Println(len(m), total)", "")                                                             // 3
	ok("d", "total * 2", "")                                                                              // 4
	ok("e", "fmt.Println(\"alone\")", "")                                                                 // 5
	ok("f", "sorted := slices.Sorted(maps.Keys(m))", "")                                                  // 6
	ok("x", "ys := append([]float64(nil), m[\"k\"]...)\nys = append(ys, 7)", "")                          // 7
	ok("y", "len(ys)", "")                                                                                // 8
	ok("z", "cap(ys) > 100", "")                                                                          // 9
	stale()
	ok("a", "m := map[string][]float64{\"k\": {1, 2}, \"l\": {3}, \"n\": nil} // the same", "")
	ok("a", "m := map[string][]float64{\"k\": {1, 5}, \"l\": {3}, \"n\": nil}", // 12: the sheet of stale counts as well
		"stale: cells 2, 3, 6, 7 (they read m), cell 4 (it read total), cells 8, 9 (they read ys); %rerun runs what is stale")
	stale("2 m changed by cell 12 total := 0.0", "3 m changed by cell 12 fmt.Println(len(m), total)", "4 total made by cell 2, which is stale total * 2",
		"6 m changed by cell 12 sorted := slices.Sorted(maps.Keys(m))", "7 m changed by cell 12 ys := append([]float64(nil), m[\"k\"]...)",
		"8 ys made by cell 7, which is stale len(ys)", "9 ys made by cell 7, which is stale cap(ys) > 100")
	s := cell("r", "%rerun")
	want := "── cell 2: total := 0.0\ntotal 6\n── cell 3: fmt.Println(len(m), total)\n3 6\n── cell 4: total * 2\n── cell 6: sorted := slices.Sorted(maps.Keys(m))\n" +
		"── cell 7: ys := append([]float64(nil), m[\"k\"]...)\n── cell 8: len(ys)\n── cell 9: cap(ys) > 100\n"
	if s.Status != "ok" || s.stdout != want || s.stderr != "" || fmt.Sprint(s.types) != "[display_data display_data display_data]" {
		t.Errorf("%%rerun: %v, want %q", s, want)
	}
	if s = cell("r", "%rerun"); s.stdout != "Nothing is stale.\n" {
		t.Errorf("%%rerun again: %v", s)
	}
	// The first cell that fails ends it; its line is told by the cell's own number.
	ok("g", "first := m[\"k\"][1]\nif len(m[\"k\"]) < 2 {\n\tpanic(\"too short\")\n}", "")
	n := f.kernel.counted()
	ok("a", "m := map[string][]float64{}", "stale: cells 2, 3, 6, 7, "+fmt.Sprint(n)+" (they read m), cell 4 (it read total), cells 8, 9 (they read ys); %rerun runs what is stale")
	s = cell("r", "%rerun")
	if s.EName != "panic" || !strings.Contains(strings.Join(s.Traceback, "\n"), fmt.Sprintf("cell[%d]:1    first := m", n)) || !strings.Contains(s.stdout, "total 0\n") {
		t.Errorf("a cell that fails in %%rerun: %v", s)
	}
	ok("g", "fmt.Println(len(m))", "")
	stale()
	// Without names of cells, a cell is its text; expressions are no cells.
	if s = f.run("p := 1\np", func(o *jupyter.ExecuteOptions) { o.Expressions = map[string]string{"e": "p + 1"} }); s.Status != "ok" {
		t.Errorf("%v", s)
	}
	ok("", "q := p", "")
	n = f.kernel.counted()
	ok("", "p = 2", fmt.Sprintf("stale: cell %d (it read p); %%rerun runs what is stale", n))
	// A function is known by its text; a cell of declarations alone says so too.
	ok("h", "func half(v float64) float64 { return v / 2 }", "")
	ok("i", "half(4)", "")
	ok("h", "func half(v float64) float64 { return v * .5 }", fmt.Sprintf("stale: cell %d (it read half); %%rerun runs what is stale", f.kernel.counted()))
	if s = cell("r", "1\n%rerun"); s.EName != "compile error" || !strings.Contains(s.EValue, "%rerun stands alone") {
		t.Errorf("%%rerun in a cell: %v", s)
	}
	if s = cell("r", "%rerun"); s.Status != "ok" || s.last("display_data") == nil || strings.Count(s.stdout, "──") != 2 {
		t.Errorf("%%rerun: %v", s)
	}
}

// Cells that wait in line are told once, at the end, what is stale.
func TestBadgeOfMany(t *testing.T) {
	f := startCells(t)
	f.run("x := 1")
	f.run("fmt.Println(x)")
	replies := make(chan string, 2)
	send := func(code string) {
		var text strings.Builder
		f.Execute(f.ctx, code, jupyter.ExecuteOptions{OnOutput: func(m *jupyter.Message) {
			var c struct{ Name, Text string }
			if m.Header.Type == "stream" && m.Decode(&c) == nil && c.Name == "stderr" {
				text.WriteString(c.Text)
			}
		}})
		replies <- text.String()
	}
	go send("time.Sleep(time.Second); x = 2")
	for f.kernel.working() == "" { // it is at work, so the next one waits
		time.Sleep(time.Millisecond)
	}
	go send("fmt.Println(1)")
	if a, b := <-replies, <-replies; a+b != "" {
		t.Errorf("badges %q %q", a, b)
	}
	if s := f.run("%stale"); !strings.Contains(s.stdout, "changed by cell 3") {
		t.Error(s)
	}
}

// counted is the number of the last cell.
func (k *kernel) counted() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count
}

// working is the code of the cell at work, or "".
func (k *kernel) working() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.running == nil {
		return ""
	}
	return k.running.code
}
