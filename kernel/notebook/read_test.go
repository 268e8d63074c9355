package notebook

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestParseRefusesWithOneLine(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty", " \n", "the file is empty"},
		{"text", "hello", "not JSON at line 1, column 1"},
		{"cut", "{\n \"cells\": [\n  {\"cell_type\":", "not JSON at line 3"},
		{"rest", `{"nbformat":4,"cells":[]} x`, "not JSON at line 1, column 27"},
		{"list", `[1]`, "not an object"},
		{"other JSON", `{"a":1}`, `no "nbformat"`},
		{"version 3", `{"nbformat":3,"worksheets":[]}`, "nbconvert --to notebook --nbformat 4"},
		{"version 2 without a number", `{"worksheets":[]}`, "nbconvert"},
		{"version 5", `{"nbformat":5,"cells":[]}`, "save it from Jupyter as version 4"},
		{"version as text", `{"nbformat":"4","cells":[]}`, "not a number"},
		{"no cells", `{"nbformat":4}`, `no "cells"`},
		{"cells of another kind", `{"nbformat":4,"cells":{}}`, `"cells" is a object`},
		{"cell is a number", `{"nbformat":4,"cells":[1]}`, "cell 1: the cell is not an object"},
		{"kind of cell", `{"nbformat":4,"cells":[{"cell_type":"x"}]}`, `cell 1: cell_type is "x"`},
		{"source", `{"nbformat":4,"cells":[{"cell_type":"code","source":[1]}]}`, "source is neither"},
		{"output", `{"nbformat":4,"cells":[{"cell_type":"code","source":"","outputs":[{"output_type":"x"}]}]}`, `output 1: output_type is "x"`},
		{"metadata", `{"nbformat":4,"metadata":[],"cells":[]}`, `"metadata" is not an object`},
	} {
		_, err := Parse([]byte(c.in))
		if err == nil {
			t.Errorf("%s: accepted", c.name)
		} else if msg := err.Error(); !strings.Contains(msg, c.want) || strings.Contains(msg, "\n") || len(msg) > 200 {
			t.Errorf("%s: %q, want one line with %q", c.name, msg, c.want)
		}
	}
}

func TestCheckKernel(t *testing.T) {
	for _, c := range []struct{ meta, want string }{
		{`{}`, "names no kernel"},
		{`{"kernelspec":{"name":""}}`, "names no kernel"},
		{`{"kernelspec":{"name":"python3","language":"python"}}`, `is for the kernel "python3" (python)`},
		{`{"kernelspec":{"name":"python3"}}`, "unknown language"},
		{`{"kernelspec":{"name":"odslab"}}`, ""},
		{`{"kernelspec":{"name":"gonb","language":"go"}}`, ""},
		{`{"kernelspec":{"name":"mine"},"language_info":{"name":"go"}}`, ""},
	} {
		nb, err := Parse([]byte(`{"nbformat":4,"cells":[],"metadata":` + c.meta + `}`))
		if err != nil {
			t.Fatal(err)
		}
		err = nb.CheckKernel()
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "Go (odslab)")) {
			t.Errorf("%s: %v, want %q and what to do", c.meta, err, c.want)
		}
	}
}

func TestRoundTripIsTheBytes(t *testing.T) {
	want, err := os.ReadFile("testdata/sample.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := sample(t).Write(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Error("a notebook written by Jupyter's own library changes when read and written")
	}
}

func TestNormalise(t *testing.T) {
	nb := sample(t)
	nb.Cells = append(nb.Cells,
		Cell{Type: "code", Source: "a\r\nb \n\n", Metadata: map[string]any{"collapsed": true, "tags": []any{"check"}}},
		Cell{Type: "code", Source: "same"}, Cell{Type: "code", Source: "same"},
		Cell{Type: "code", ID: "title", Source: "an id taken above"}, Cell{Type: "code", ID: "not valid", Source: "x"})
	before := len(nb.Cells[3].Outputs)
	n := Normalise(nb)
	if len(nb.Cells[3].Outputs) != before {
		t.Fatal("the original was changed")
	}
	seen := map[string]bool{}
	for i, c := range n.Cells {
		if len(c.Outputs) > 0 || c.ExecutionCount != 0 || c.Metadata["execution"] != nil || c.Metadata["collapsed"] != nil {
			t.Errorf("cell %d keeps traces of a run: %+v", i, c)
		}
		if seen[c.ID] || !validID.MatchString(c.ID) {
			t.Errorf("cell %d: id %q is taken or not valid", i, c.ID)
		}
		seen[c.ID] = true
	}
	k := len(nb.Cells) - 5
	if n.Cells[k].Source != "a\nb" || !n.Cells[k].Tagged("check") {
		t.Errorf("cell %+v", n.Cells[k])
	}
	if n.Cells[0].ID != "title" || n.Cells[2].ID != "params" {
		t.Error("valid ids must stay")
	}
	if info := n.Metadata["language_info"].(map[string]any); info["version"] != nil || info["name"] != "go" {
		t.Errorf("language_info %v", info)
	}
	if again := Normalise(n); !reflect.DeepEqual(again, n) {
		t.Error("not idempotent")
	}
	var a, b bytes.Buffer
	n.Write(&a)
	back, err := Read(&a)
	if err != nil {
		t.Fatal(err)
	}
	n.Write(&a)
	Normalise(back).Write(&b)
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("not the same after writing and reading")
	}
}

// An id derived from a cell must not change when cells before it come or go.
func TestIDsDoNotDependOnPlace(t *testing.T) {
	one := Normalise(&Notebook{Cells: []Cell{{Type: "code", Source: "x := 1"}}})
	two := Normalise(&Notebook{Cells: []Cell{{Type: "markdown", Source: "new"}, {Type: "code", Source: "x := 1"}}})
	if one.Cells[0].ID != two.Cells[1].ID {
		t.Errorf("%s, then %s", one.Cells[0].ID, two.Cells[1].ID)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"nbformat":4,"nbformat_minor":2,"metadata":null,"cells":[{"cell_type":"code","source":["a\n","$x$"],"outputs":[{"output_type":"stream","text":"\u001b[31mx\r\b"},{"output_type":"display_data","data":{"text/html":"<b","image/svg+xml":"<svg id='a'/>","a+json":null}}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		nb, err := Parse(data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("more than one line: %q", err)
			}
			return
		}
		HTML(nb, PageOptions{})
		var a, b bytes.Buffer
		if err := nb.Write(&a); err != nil {
			t.Fatal(err)
		}
		back, err := Parse(a.Bytes())
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, a.Bytes())
		}
		if err := back.Write(&b); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Fatalf("not stable:\n%s\n%s", a.Bytes(), b.Bytes())
		}
	})
}
