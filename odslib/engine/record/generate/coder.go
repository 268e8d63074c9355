package main

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
)

// coder writes functions that code Go types.
type coder struct {
	done   map[string]string
	source bytes.Buffer
}

// encode is the statement that writes expression x of type t to e.
func (c *coder) encode(t reflect.Type, x string) (string, error) {
	if basic, _, ok := basic(t); ok {
		return fmt.Sprintf(basic, x), nil
	}
	name, err := c.function(t)
	return fmt.Sprintf("Enc%s(e, %s)", name, x), err
}

// decode is the expression that reads a value of type t from d.
func (c *coder) decode(t reflect.Type) (string, error) {
	if _, basic, ok := basic(t); ok {
		return basic, nil
	}
	name, err := c.function(t)
	return fmt.Sprintf("Dec%s(d)", name), err
}

func basic(t reflect.Type) (enc, dec string, ok bool) {
	switch {
	case t == tValue:
		return "e.Value(%s)", "d.Value()", true
	case t == tFunction:
		return "e.Function(%s)", "d.Function()", true
	}
	switch t.Kind() {
	case reflect.Interface: // the data of a constant
		return "e.Flat(%s)", "d.Flat()", true
	case reflect.Bool:
		return "e.Bool(bool(%s))", cast(t, "bool", "d.Bool()"), true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "e.Int(int64(%s))", cast(t, "int64", "d.Int()"), true
	case reflect.Float32, reflect.Float64:
		return "e.Float(float64(%s))", cast(t, "float64", "d.Float()"), true
	case reflect.String:
		return "e.Str(string(%s))", cast(t, "string", "d.Str()"), true
	}
	return "", "", false
}

func cast(t reflect.Type, from, x string) string {
	if t.String() == from {
		return x
	}
	return t.String() + "(" + x + ")"
}

// function writes the two functions of a composite type, once, and returns what their names end in.
func (c *coder) function(t reflect.Type) (string, error) {
	typ := t.String()
	name := strings.NewReplacer("[]", "List", "[2]", "Pair", "*", "Pointer", "compute.", "", "shapes.", "", "dtypes.", "").Replace(typ)
	name = strings.ToUpper(name[:1]) + name[1:]
	if had, ok := c.done[name]; ok {
		if had != typ {
			return "", fmt.Errorf("types %s and %s have one name", had, typ)
		}
		return name, nil
	}
	c.done[name] = typ
	var enc, dec strings.Builder
	element := func(x string) (e, d string, err error) {
		if e, err = c.encode(t.Elem(), x); err == nil {
			d, err = c.decode(t.Elem())
		}
		return e, d, err
	}
	switch t.Kind() {
	case reflect.Slice:
		e, d, err := element("v")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&enc, "if e.Len(len(x), x == nil) {\nfor _, v := range x {\n%s\n}\n}\n", e)
		fmt.Fprintf(&dec, "n, isNil := d.Len()\nif isNil {\nreturn nil\n}\nx = make(%s, n)\nfor i := range x {\nx[i] = %s\n}\nreturn x\n", typ, d)
	case reflect.Array:
		e, d, err := element("v")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&enc, "for _, v := range x {\n%s\n}\n", e)
		fmt.Fprintf(&dec, "for i := range x {\nx[i] = %s\n}\nreturn x\n", d)
	case reflect.Pointer:
		e, d, err := element("*x")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&enc, "e.Bool(x != nil)\nif x != nil {\n%s\n}\n", e)
		fmt.Fprintf(&dec, "if !d.Bool() {\nreturn nil\n}\nv := %s\nreturn &v\n", d)
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() {
				return "", fmt.Errorf("%s.%s is not exported", typ, f.Name)
			}
			e, err := c.encode(f.Type, "x."+f.Name)
			if err != nil {
				return "", err
			}
			d, err := c.decode(f.Type)
			if err != nil {
				return "", err
			}
			fmt.Fprintln(&enc, e)
			fmt.Fprintf(&dec, "x.%s = %s\n", f.Name, d)
		}
		dec.WriteString("return x\n")
	default:
		return "", fmt.Errorf("no coding for %s", typ)
	}
	fmt.Fprintf(&c.source, "\n// Enc%s writes x.\nfunc Enc%s(e *Enc, x %s) {\n%s}\n", name, name, typ, enc.String())
	fmt.Fprintf(&c.source, "\n// Dec%s reads what Enc%s wrote.\nfunc Dec%s(d *Dec) (x %s) {\n%s}\n", name, name, name, typ, dec.String())
	return name, nil
}
