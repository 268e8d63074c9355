package main

import (
	"fmt"
	"reflect"
	"strings"
)

// operation is one method of compute.Function.
type operation struct {
	name           string
	params, args   []string // "a0 compute.Value", "a0" as a call passes it
	encode, decode string
	results        []reflect.Type // without the error
}

func (c *coder) operation(m reflect.Method) (*operation, error) {
	o := &operation{name: m.Name}
	t := m.Type
	for i := range t.NumIn() {
		name := fmt.Sprintf("a%d", i)
		typ, arg := t.In(i).String(), name
		if t.IsVariadic() && i == t.NumIn()-1 {
			typ, arg = "..."+t.In(i).Elem().String(), name+"..."
		}
		o.params = append(o.params, name+" "+typ)
		o.args = append(o.args, arg)
		enc, err := c.encode(t.In(i), name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		dec, err := c.decode(t.In(i))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		o.encode += enc + "\n"
		o.decode += name + " := " + dec + "\n"
	}
	for i := range t.NumOut() - 1 {
		o.results = append(o.results, t.Out(i))
		if t.Out(i) != tValue && (t.Out(i) != tValues || i < t.NumOut()-2) {
			return nil, fmt.Errorf("%s: results are values, then at most one list of values, not those of %s", m.Name, t)
		}
	}
	return o, nil
}

// client is the method that records the operation. Its outputs' shapes are inferred on the spot where a rule is known;
// for others the backend is asked.
func (o *operation) client() string {
	var types, returns []string
	for i, t := range o.results {
		types = append(types, t.String())
		returns = append(returns, fmt.Sprintf("out[%d]", i))
		if t == tValues {
			returns[i] = fmt.Sprintf("out[%d:]", i)
		}
	}
	fail := strings.Repeat("nil, ", len(o.results)) + "err"
	rule := inferred(o.name)
	if rule == "" {
		rule = "askBackend()"
	}
	return fmt.Sprintf(`
func (f *Function) %s(%s) (%s, error) {
	e, err := f.begin(Op%s)
	if err != nil {
		return %s
	}
	%sout, err := f.end(func() ([]shapes.Shape, error) { return %s })
	if err != nil {
		return %s
	}
	return %s, nil
}
`, o.name, strings.Join(o.params, ", "), strings.Join(types, ", "), o.name, fail, o.encode, rule, fail, strings.Join(returns, ", "))
}

// server is the case that applies the operation.
func (o *operation) server() string {
	var vars []string
	collect := "return nil, nil\n"
	for i, t := range o.results {
		r := fmt.Sprintf("r%d", i)
		if t == tValues {
			collect = fmt.Sprintf("return append([]compute.Value{%s}, %s...), nil\n", strings.Join(vars, ", "), r)
		} else {
			collect = fmt.Sprintf("return []compute.Value{%s}, nil\n", strings.Join(append(vars, r), ", "))
		}
		vars = append(vars, r)
	}
	assign := ":="
	if len(vars) == 0 {
		assign = "="
	}
	return fmt.Sprintf(`case Op%s:
	%sif d.Err != nil {
		return nil, d.Err
	}
	%s %s f.%s(%s)
	if err != nil {
		return nil, err
	}
	%s`, o.name, o.decode, strings.Join(append(vars, "err"), ", "), assign, o.name, strings.Join(o.args, ", "), collect)
}
