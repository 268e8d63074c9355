package sweep

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Point is what the parameters are at one index: Go expressions, or texts.
type Point map[string]string

// Grid is the points of a sweep, by their index.
type Grid struct {
	Names  []string // of all parameters, in the order of the file
	Points []Point
}

// maxPoints bounds a grid: more is a slip of the pen.
const maxPoints = 100_000

// ReadGrid reads a grid. Errors are one line that names the file and the line.
func ReadGrid(path string) (Grid, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return Grid{}, fmt.Errorf("grid %s: cannot be read: %w", path, err)
	}
	g, err := ParseGrid(text)
	if err != nil {
		return Grid{}, fmt.Errorf("grid %s: %w", path, err)
	}
	return g, nil
}

// ParseGrid is ReadGrid of a text.
func ParseGrid(text []byte) (g Grid, err error) {
	// Parsed as it was written: 1e-3 stays 1e-3.
	var doc yaml.Node
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	if err := d.Decode(&doc); err != nil || len(doc.Content) == 0 {
		if err == nil || err.Error() == "EOF" {
			return g, errors.New("it is empty: want name: [value, value]")
		}
		return g, fmt.Errorf("not YAML: %s", strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "yaml: "))
	}
	if err := d.Decode(new(yaml.Node)); err == nil {
		return g, errors.New("more than one YAML document in it: a list of grids is one document")
	}
	root := doc.Content[0]
	grids := []*yaml.Node{root}
	if root.Kind == yaml.SequenceNode {
		grids = root.Content
	}
	for _, n := range grids {
		if err := g.add(resolve(n)); err != nil {
			return g, err
		}
	}
	if len(g.Points) == 0 {
		return g, errors.New("it has no point")
	}
	seen := map[string]int{}
	for i, p := range g.Points {
		key := g.Label(p)
		if j, twice := seen[key]; twice {
			return g, fmt.Errorf("index %d and index %d are the same point (%s)", j, i, key)
		}
		seen[key] = i
	}
	return g, nil
}

// add appends all combinations of one mapping.
func (g *Grid) add(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: want name: [value, value], or a list of such grids", n.Line)
	}
	points, own := []Point{{}}, map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, list := n.Content[i].Value, resolve(n.Content[i+1])
		if n.Content[i].Kind != yaml.ScalarNode || strings.TrimSpace(name) == "" {
			return fmt.Errorf("line %d: the name of a parameter is missing", n.Content[i].Line)
		}
		if own[name] {
			return fmt.Errorf("line %d: %s stands there twice", n.Content[i].Line, name)
		}
		own[name] = true
		if !slices.Contains(g.Names, name) {
			g.Names = append(g.Names, name)
		}
		values := []*yaml.Node{list}
		if list.Kind == yaml.SequenceNode {
			values = list.Content
		}
		if len(values) == 0 {
			return fmt.Errorf("line %d: %s has no value", list.Line, name)
		}
		if len(points)*len(values) > maxPoints-len(g.Points) {
			return fmt.Errorf("line %d: more than %d points", list.Line, maxPoints)
		}
		var next []Point
		for _, p := range points {
			for _, v := range values {
				text, err := scalar(resolve(v))
				if err != nil {
					return fmt.Errorf("line %d: %s: %w", v.Line, name, err)
				}
				q := maps.Clone(p)
				q[name] = text
				next = append(next, q)
			}
		}
		points = next
	}
	if len(own) > 0 {
		g.Points = append(g.Points, points...)
	}
	return nil
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// scalar is a value as it was written.
func scalar(n *yaml.Node) (string, error) {
	switch {
	case n.Kind != yaml.ScalarNode:
		return "", errors.New(`a value is a number, a text, true or false; anything else is a Go expression in quotes, such as "[]float64{1, 2}"`)
	case n.Tag == "!!null":
		return "", errors.New("a value is missing")
	case n.Tag == "!!bool":
		return strings.ToLower(n.Value), nil
	}
	return n.Value, nil
}

// Set gives all points the same value of some parameters.
func (g *Grid) Set(values map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if slices.Contains(g.Names, name) {
			return fmt.Errorf("%s stands in the grid and in -param: leave one out", name)
		}
		g.Names = append(g.Names, name)
		for _, p := range g.Points {
			p[name] = values[name]
		}
	}
	return nil
}

// Label is a point in one line.
func (g *Grid) Label(p Point) string { return g.label(p, "") }

// label leaves out one name.
func (g *Grid) label(p Point, without string) string {
	var parts []string
	for _, name := range g.Names {
		if v, ok := p[name]; ok && name != without {
			parts = append(parts, name+"="+v)
		}
	}
	return strings.Join(parts, " ")
}
