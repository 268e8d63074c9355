package cell

import (
	"strings"
	"testing"
)

func TestValuesLive(t *testing.T) {
	b := newNotebook(t)
	b.want("x := 41", "")
	b.want("x + 1", "42")
	b.want("x++", "")
	b.want("import \"fmt\"\nfmt.Println(\"hi\", x)", "hi 42")
	b.want(`type T struct { A []float64; b map[string]int; next *T }
func (t *T) Add(v float64) { t.A = append(t.A, v); t.b["n"]++ }
t := &T{b: map[string]int{}}
t.next = t
t.Add(1.5)`, "")
	b.want("t.Add(2.5)\nfmt.Println(t.A, t.b, t.next == t)", "[1.5 2.5] map[n:2] true")
	b.want("x := fmt.Sprint(\"now text \", 3)", "")
	b.want("x", `"now text 3"`)
	b.want("rows := make([][]float64, 1000)\nfor i := range rows { rows[i] = make([]float64, 1000); rows[i][i] = 1 }", "")
	b.want("len(rows)", "1000")
	o := b.run("x = \"before the panic\"\nvar m map[string]int\nm[\"a\"] = 1")
	if o.status != 1 || o.fail.Evalue != "assignment to entry in nil map" && o.fail.Evalue != "runtime error: assignment to entry in nil map" || o.fail.Line != 3 {
		t.Errorf("panic: %+v", o)
	}
	b.want("x", `"before the panic"`)
	o = b.run("for i := range 3 {\n\t_ = rows[i][5000]\n}")
	if o.fail.Line != 2 || !strings.Contains(o.fail.Evalue, "index out of range [5000] with length 1000") {
		t.Errorf("panic: %+v", o.fail)
	}
	b.bad("y := undefinedThing", 1, 6, "undefined: undefinedThing")
}
