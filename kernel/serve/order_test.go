package serve

import (
	"fmt"
	"strings"
	"testing"
)

// Prints and displays of a cell are seen in the order in which it made them.
func TestOrder(t *testing.T) {
	f := startCells(t)
	s := f.run("for i := range 30 {\n\tfmt.Println(\"before\", i)\n\tsession.Display(i, \"\")\n\tfmt.Println(\"after\", i)\n}")
	var got, want []string
	for _, m := range s.messages {
		var c struct {
			Text string
			Data map[string]string
		}
		m.Decode(&c)
		got = append(got, strings.Split(strings.TrimSpace(c.Text+c.Data["text/plain"]), "\n")...)
	}
	for i := range 30 {
		want = append(want, fmt.Sprint("before ", i), fmt.Sprint(i), fmt.Sprint("after ", i))
	}
	if s.Status != "ok" || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s %s\n got %q\nwant %q", s.Status, s.EValue, got, want)
	}
}
