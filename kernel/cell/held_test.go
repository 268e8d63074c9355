package cell

import "testing"

// TestHeldFuncsSeeWhatIsNew: a function that a kept value holds sees the variable that the very cell makes anew.
func TestHeldFuncsSeeWhatIsNew(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("i := 94\nm := map[string]func() int{\"a\": func() int { return 2 * i }}", "")
	b.want("i := 7\nm[\"a\"]()", "14")
	b.want("m[\"a\"]()", "14")
	b.want("i := 8\nfmt.Print(m[\"a\"]())", "16")
	b.want("i, j := 9, 1\nfmt.Print(m[\"a\"](), j)", "18 1")
	b.want("m = map[string]func() int{\"a\": func() int { i := 1; return i }}\nm[\"a\"]()", "1")
	b.want("i := 5\nm[\"a\"]() + i", "6")
	b.want("i := 6\nif m != nil { m[\"b\"] = func() int { return 2 * i } }", "")
	b.want("m[\"b\"]()", "12")
	b.want("switch { case true: m[\"b\"] = func() int { return 3 * i } }\nfor range 1 { m[\"c\"] = func() int { return 4 * i } }", "")
	b.want("i := 8\nm[\"b\"](), m[\"c\"]()", "24, 32")
}

// TestMadeAnewIsAnother: what points at a variable goes on to when a cell makes it anew, whether functions see it or not.
func TestMadeAnewIsAnother(t *testing.T) {
	t.Parallel()
	for what, first := range map[string]string{
		"a function": "func get() int { return i }\nfunc set(n int) { i = n }\n",
		"a literal":  "var get func() int\nvar set func(int)\n",
	} {
		b := newNotebook(t)
		b.want(first+"i := 1\np := &i", "")
		if what == "a literal" {
			b.want("get = func() int { return i }\nset = func(n int) { i = n }", "")
		}
		b.want("i := 2\nget(), *p", "2, 1")
		b.want("get(), *p, i", "2, 1, 2")
		b.want("set(3)\nq := &i\n*q, *p", "3, 1")
		b.want("*q += get()\ni := i + 4\nset(get() + 1)\nget(), *q, *p, i", "11, 6, 1, 11")
		b.want("set(5)\nset(get() + 1)\ni, j := get(), 0\ni++\nget(), i, j", "7, 7, 0")
		b.want("old := &i\nset(20)\ni := 30\n*old, get()", "20, 30")
		b.want("*old, get(), *q, *p", "20, 30, 6, 1")
		if o := b.run("*old++\nset(40)\npanic(1)\ni := 50\n_ = i"); o.status == 0 {
			t.Error("a panic")
		}
		b.want("get(), i, *old", "40, 40, 21")
		b.want("var i int\nget(), *old", "0, 21")
		b.want("s := []int{1}\nfunc put() { s[0], i = 9, len(s) }", "")
		b.want("t := &s\ns := []int{2, 3}\nput()\ns, *t, i", "[]int{9, 3}, []int{1}, 2")
	}
}
