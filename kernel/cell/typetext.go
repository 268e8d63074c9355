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

// ours ends the names that generated code makes up: a letter that nobody types.
const ours = "ˍ"

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
	a := base + ours
	for i := 2; ; i++ {
		taken := false
		for _, b := range s.aliases {
			taken = taken || a == b
		}
		if !taken {
			break
		}
		a = fmt.Sprintf("%s%d%s", base, i, ours)
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
