package notebook

import (
	"strings"
	"testing"
)

func paramCell(src string) *Notebook {
	return &Notebook{Cells: []Cell{
		{Type: "code", Source: "n := 99", Metadata: map[string]any{}}, // not tagged: stays
		{Type: "code", ID: "p", Source: src, Metadata: map[string]any{"tags": []any{"parameters"}}},
	}}
}

func TestSetParameters(t *testing.T) {
	for _, c := range []struct{ src, name, value, want string }{
		{"n := 2000 // draws", "n", "10", "n := 10 // draws"},
		{"n := 2000", "n", "4*50", "n := 4*50"},
		{"n = 1\nm := 2", "m", "7", "n = 1\nm := 7"},
		{"a, b := 1, f(2, 3)", "b", "0", "a, b := 1, 0"},
		{"var s string = \"x\"", "s", "two words", `var s string = "two words"`},
		{"s := `raw`", "s", `"quoted"`, `s := "quoted"`},
		{"s := \"x\"", "s", "12", `s := "12"`},
		{"const (\n\ta = 1\n\tb = 2.5\n)", "b", "3", "const (\n\ta = 1\n\tb = 3.0\n)"},
		{"x := -.5", "x", "-1e-3", "x := -1e-3"},
		{"d := 2 * time.Second", "d", "time.Minute", "d := time.Minute"},
		{"quick := false", "quick", "true", "quick := true"},
		{"%env A=b\nn := 1\n!ls", "n", "2", "%env A=b\nn := 2\n!ls"},
		{"n := 1\nn = 5", "n", "2", "n := 2\nn = 2"},
		{"σ := .5 // größe", "σ", "0.1", "σ := 0.1 // größe"},
	} {
		nb := paramCell(c.src)
		if err := nb.SetParameters(map[string]string{c.name: c.value}); err != nil {
			t.Errorf("%q: %v", c.src, err)
		} else if got := nb.Cells[1].Source; got != c.want {
			t.Errorf("%q with %s=%s\n got %q\nwant %q", c.src, c.name, c.value, got, c.want)
		}
		if nb.Cells[0].Source != "n := 99" {
			t.Error("a cell without the tag was changed")
		}
	}
}

func TestSetParametersErrors(t *testing.T) {
	for _, c := range []struct{ src, name, value, want string }{
		{"n := 1\nname := \"a\"", "m", "1", `no parameter "m"; it has n, name`},
		{"fmt.Println(1)", "n", "1", `no cell with the tag "parameters" assigns one`},
		{"n := 1", "n", "many", `"many" is not a number`},
		{"n := 1", "n", `"1"`, "is not a number"},
		{"n := 1", "n", "1; os.Exit(1)", "is not a Go value"},
		{"n := 1", "n", "", "is not a Go value"},
		{"q := true", "q", "1", "neither true nor false"},
		{"n := ", "n", "1", "a mistake (line 2: expected operand"},
		{"import \"fmt\"\nn := 1", "n", "1", `cell "p"`},
	} {
		nb := paramCell(c.src)
		err := nb.SetParameters(map[string]string{c.name: c.value})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q with %s=%s: %v, want %q", c.src, c.name, c.value, err, c.want)
		}
		if nb.Cells[1].Source != c.src {
			t.Errorf("%q was changed all the same", c.src)
		}
	}
}
