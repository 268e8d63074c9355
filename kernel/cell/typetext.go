package cell

import (
	"fmt"
	"go/types"
	"path"
	"regexp"
	"slices"
	"strings"
)

// mainPath is the import path of the generated program.
const mainPath = "main"

// alias is the name that generated code imports a package under: one that
// nothing of the user's hides.
func (s *Session) alias(importPath string) string {
	if a, ok := s.aliases[importPath]; ok {
		return a
	}
	base := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(path.Base(importPath)))
	a := base + "_"
	for i := 2; ; i++ {
		taken := false
		for _, b := range s.aliases {
			taken = taken || a == b
		}
		if !taken {
			break
		}
		a = fmt.Sprintf("%s%d_", base, i)
	}
	s.aliases[importPath] = a
	return a
}

// typeText writes a type as generated code names it and notes the imports.
func (d *draft) typeText(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p.Path() == mainPath {
			return ""
		}
		d.need(p.Path())
		return d.s.alias(p.Path())
	})
}

// plainType writes a type for people.
func plainType(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p.Path() == mainPath {
			return ""
		}
		return p.Name()
	})
}

var fullName = regexp.MustCompile(`([\w.~-]+(?:/[\w.~-]+)*)\.([A-Za-z_]\w*)`)

// dynamicText turns the full name of a type, as package snapshot writes it,
// into generated code: `main.Pair[int,a/b.T]` into `Pair[int,b_.T]`.
func (d *draft) dynamicText(name string) string {
	return fullName.ReplaceAllStringFunc(name, func(m string) string {
		g := fullName.FindStringSubmatch(m)
		if g[1] == mainPath {
			return g[2]
		}
		d.need(g[1])
		return d.s.alias(g[1]) + "." + g[2]
	})
}

// dynamicMains lists the names of the notebook's own types in a full name.
func dynamicMains(name string) (out []string) {
	for _, g := range fullName.FindAllStringSubmatch(name, -1) {
		if g[1] == mainPath {
			out = append(out, g[2])
		}
	}
	return out
}

// typeKey is equal for equal types, instances of generic ones too.
func typeKey(t types.Type) any {
	if n, ok := t.(*types.Named); ok && n.TypeArgs().Len() > 0 {
		return types.TypeString(t, nil)
	}
	return t
}

// walkType calls f for t and every type it is composed of; f says whether to
// go into it.
func walkType(t types.Type, f func(types.Type) bool) {
	seen := map[any]bool{}
	var walk func(types.Type)
	walk = func(t types.Type) {
		if t == nil || seen[typeKey(t)] || !f(t) {
			return
		}
		seen[typeKey(t)] = true
		switch u := t.(type) {
		case *types.Alias:
			walk(types.Unalias(u))
		case *types.Named:
			for i := range u.TypeArgs().Len() {
				walk(u.TypeArgs().At(i))
			}
			walk(u.Underlying())
		case *types.Pointer:
			walk(u.Elem())
		case *types.Slice:
			walk(u.Elem())
		case *types.Array:
			walk(u.Elem())
		case *types.Chan:
			walk(u.Elem())
		case *types.Map:
			walk(u.Key())
			walk(u.Elem())
		case *types.Tuple:
			for i := range u.Len() {
				walk(u.At(i).Type())
			}
		case *types.Signature:
			walk(u.Params())
			walk(u.Results())
		case *types.Struct:
			for i := range u.NumFields() {
				walk(u.Field(i).Type())
			}
		case *types.Interface:
			for i := range u.NumExplicitMethods() {
				walk(u.ExplicitMethod(i).Type())
			}
			for i := range u.NumEmbeddeds() {
				walk(u.EmbeddedType(i))
			}
		}
	}
	walk(t)
}

// ownTypes lists the notebook's types that t mentions, at any depth.
func ownTypes(t types.Type) []string {
	var out []string
	walkType(t, func(t types.Type) bool {
		var o *types.TypeName
		switch u := t.(type) {
		case *types.Named:
			o = u.Obj()
		case *types.Alias:
			o = u.Obj()
		default:
			return true
		}
		if o.Pkg() != nil && o.Pkg().Path() == mainPath {
			out = append(out, o.Name())
			return true
		}
		return o.Pkg() == nil // go no deeper into packages
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// unnameable says why generated code can't write the type, or "".
func unnameable(t types.Type) (why string) {
	walkType(t, func(t types.Type) bool {
		switch u := t.(type) {
		case *types.Named:
			o := u.Obj()
			if o.Pkg() == nil {
				return true
			}
			if o.Pkg().Path() == mainPath {
				if o.Parent() != o.Pkg().Scope() {
					why = "its type " + o.Name() + " is declared inside a function"
				}
				return false
			}
			switch {
			case !o.Exported():
				why = "its type " + plainType(u) + " is hidden"
			case hiddenPath(o.Pkg().Path()):
				why = "its type " + plainType(u) + " belongs to an internal package"
			}
			for i := range u.TypeArgs().Len() {
				if w := unnameable(u.TypeArgs().At(i)); w != "" {
					why = w
				}
			}
			return false
		case *types.Struct:
			for i := range u.NumFields() {
				f := u.Field(i)
				if !f.Exported() && f.Pkg() != nil && f.Pkg().Path() != mainPath {
					why = "its type has hidden fields of " + f.Pkg().Path()
				}
			}
		case *types.Basic:
			if u.Kind() == types.Invalid || u.Kind() == types.UntypedNil {
				why = "it has no type"
			}
		}
		return true
	})
	return why
}

// openPrefixes hold plain data in their hidden fields (package snapshot).
var openPrefixes = []string{mainPath, "odslab", "gonum.org/v1/gonum", "container", "bytes", "strings", "math/rand", "sync/atomic",
	"github.com/gomlx/compute/shapes", "github.com/gomlx/compute/dtypes"}

// notData says why a value of type t can never be kept by value, or "".
func notData(t types.Type) (why string) {
	var inside []string
	seen := map[any]bool{}
	var walk func(t types.Type) string
	field := func(name string, t types.Type) string {
		inside = append(inside, name)
		defer func() { inside = inside[:len(inside)-1] }()
		return walk(t)
	}
	holds := func(what string) string {
		if len(inside) == 0 {
			return "it is a " + what
		}
		return strings.Join(inside, "") + " is a " + what
	}
	walk = func(t types.Type) string {
		if seen[typeKey(t)] {
			return ""
		}
		seen[typeKey(t)] = true
		if n, ok := types.Unalias(t).(*types.Named); ok && n.Obj().Pkg() != nil {
			if hasMethod(n, "MarshalBinary") || hasMethod(n, "GobEncode") {
				return ""
			}
		}
		switch u := t.Underlying().(type) {
		case *types.Basic:
			if u.Kind() == types.UnsafePointer {
				return holds("unsafe.Pointer")
			}
		case *types.Chan:
			return holds("chan")
		case *types.Signature:
			if len(inside) == 0 {
				return holds("func")
			}
			return "" // a field may be nil
		case *types.Pointer:
			return walk(u.Elem())
		case *types.Slice:
			return field("[]", u.Elem())
		case *types.Array:
			return field("[]", u.Elem())
		case *types.Map:
			return field("[…]", u.Elem())
		case *types.Struct:
			n, named := types.Unalias(t).(*types.Named)
			if named && n.Obj().Pkg() != nil && !isOpen(n.Obj().Pkg().Path()) {
				return "" // decided when it runs: a zero value can be kept
			}
			for i := range u.NumFields() {
				f := u.Field(i)
				if _, isChan := f.Type().Underlying().(*types.Chan); isChan {
					continue
				}
				if w := field("."+f.Name(), f.Type()); w != "" {
					return w
				}
			}
		}
		return ""
	}
	return walk(t)
}

func isOpen(p string) bool {
	for _, o := range openPrefixes {
		if p == o || strings.HasPrefix(p, o+"/") {
			return true
		}
	}
	return false
}

func hasMethod(n *types.Named, name string) bool {
	o, _, _ := types.LookupFieldOrMethod(types.NewPointer(n), true, n.Obj().Pkg(), name)
	_, ok := o.(*types.Func)
	return ok
}

// layout describes a type so that two declarations that lay memory out alike
// under the same names have equal descriptions.
func layout(t types.Type) string {
	var b strings.Builder
	seen := map[any]bool{}
	var walk func(types.Type)
	walk = func(t types.Type) {
		t = types.Unalias(t)
		n, ok := t.(*types.Named)
		if !ok {
			switch u := t.(type) {
			case *types.Pointer:
				b.WriteString("*")
				walk(u.Elem())
			case *types.Slice:
				b.WriteString("[]")
				walk(u.Elem())
			case *types.Array:
				fmt.Fprintf(&b, "[%d]", u.Len())
				walk(u.Elem())
			case *types.Map:
				b.WriteString("map[")
				walk(u.Key())
				b.WriteString("]")
				walk(u.Elem())
			case *types.Struct:
				b.WriteString("struct{")
				for i := range u.NumFields() {
					b.WriteString(u.Field(i).Name() + " ")
					walk(u.Field(i).Type())
					b.WriteString(";")
				}
				b.WriteString("}")
			default:
				b.WriteString(types.TypeString(t, func(p *types.Package) string { return p.Path() }))
			}
			return
		}
		b.WriteString(types.TypeString(t, func(p *types.Package) string { return p.Path() }))
		if n.Obj().Pkg() == nil || n.Obj().Pkg().Path() != mainPath || seen[typeKey(t)] {
			return
		}
		seen[typeKey(t)] = true
		b.WriteString("=")
		walk(n.Underlying())
	}
	walk(t)
	return b.String()
}
