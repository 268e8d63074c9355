package sweep

import (
	"reflect"
	"strings"
	"testing"
)

func TestGrid(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"a: [1, 2]\nb: [x, y]", []string{"a=1 b=x", "a=1 b=y", "a=2 b=x", "a=2 b=y"}},
		{"b: [1]\na: 1e-3", []string{"b=1 a=1e-3"}},
		{"- {a: 1, seed: [1, 2]}\n- {a: 2, seed: 7}", []string{"a=1 seed=1", "a=1 seed=2", "a=2 seed=7"}},
		{"quick: [TRUE, false]", []string{"quick=true", "quick=false"}},
		{"y: ['[]float64{1, 2}', \"[]float64{3}\"]", []string{"y=[]float64{1, 2}", "y=[]float64{3}"}},
		{"a: &v [1, 2]\nb: *v", []string{"a=1 b=1", "a=1 b=2", "a=2 b=1", "a=2 b=2"}},
		{"# of one point\nσ: .30", []string{"σ=.30"}},
	} {
		g, err := ParseGrid([]byte(c.text))
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		var got []string
		for _, p := range g.Points {
			got = append(got, g.Label(p))
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestBadGrids(t *testing.T) {
	for text, want := range map[string]string{
		"":                "empty",
		"# nothing":       "empty",
		"a: [1":           "not YAML",
		"a:\n\t- 1":       "not YAML",
		"just a text":     "want name: [value, value]",
		"[1, 2]":          "line 1: want name",
		"a: []":           "a has no value",
		"a: [1, ~]":       "line 1: a: a value is missing",
		"a: [1]\na: [2]":  "line 2: a stands there twice",
		"a: [[1, 2]]":     "a Go expression in quotes",
		"a: {b: 1}":       "a Go expression in quotes",
		"a: [1, 2, 1]":    "index 0 and index 2 are the same point",
		"{}":              "no point",
		"[]":              "no point",
		"? [a]\n: 1":      "the name of a parameter is missing",
		"a: 1\n---\na: 2": "more than one YAML document",
		"a: [" + many(1000) + "]\nb: [" + many(1000) + "]": "more than 100000 points",
	} {
		_, err := ParseGrid([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40q: %v, want one line with %q", text, err, want)
		}
	}
}

func many(n int) string { return strings.TrimSuffix(strings.Repeat("1, ", n), ", ") }

func TestFixedValues(t *testing.T) {
	g, err := ParseGrid([]byte("a: [1, 2]"))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Set(map[string]string{"b": "3"}); err != nil || g.Label(g.Points[1]) != "a=2 b=3" {
		t.Errorf("%v, %v", g, err)
	}
	if err := g.Set(map[string]string{"a": "3"}); err == nil {
		t.Error("a parameter of the grid was replaced")
	}
}
