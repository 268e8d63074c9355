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
}
