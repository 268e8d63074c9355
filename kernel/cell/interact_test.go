package cell

import "testing"

// interact knows what parameters are called, wherever the function is from, and
// shows what the last expression of a cell would show.
func TestInteract(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("func area(width, height float64) float64 { return width * height }\ninteract(area, []float64{0, 2}, []float64{0, 4})",
		"interact: width = 1 (0 … 2), height = 2 (0 … 4)\n2")
	b.want("interact(area, [2]int{0, 2}, []float64{0, 4, 1, 3})", "interact: width = 1 (0 … 2), height = 3 (0 … 4)\n3")
	b.want("type law string\nk := 3\ninteract(func(l law, _ bool, r uint8) rune { k++; return rune(r) + rune(k) }, []law{\"a\", \"b\"}, false, []int{60, 64})",
		"interact: l = a of [a b], value 2 = false, r = 62 (60 … 64)\n'B' (66)")
	b.want("k", "4") // the first picture is of the cell's own run
	b.want("f := func(x int) {\n\tfmt.Println(\"x is\", x)\n}\ninteract(f, []int{0, 10});", "x is 5")
	b.want("interact := 4\ninteract + 1", "5") // a name like any other
}
