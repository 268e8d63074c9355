package cell

import (
	"fmt"
	"go/types"
	"strings"
)

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
