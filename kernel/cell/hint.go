package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// hint ends a complaint about a name with what was probably meant.
func (d *draft) hint(c *checked, e problem, msg string) string {
	if name, ok := strings.CutPrefix(msg, "undefined: "); ok {
		if m := butHave.FindStringSubmatch(name); m != nil {
			return msg + d.packageIs(c, m[1])
		}
		if strings.ContainsAny(name, " :") {
			return msg
		}
		if text := d.assigns(c, e, name); text != "" {
			return msg + " (use " + text + ")"
		}
		if pkg, member, ok := strings.Cut(name, "."); ok {
			for id, o := range c.info.Uses {
				if p, ok := o.(*types.PkgName); ok && id.Name == pkg {
					return msg + d.packageIs(c, pkg) + meant(member, slices.Values(slices.DeleteFunc(p.Imported().Scope().Names(), func(n string) bool { return !token.IsExported(n) })), pkg+".")
				}
			}
			return msg
		}
		return msg + meant(name, maps.Keys(d.visibleNames(c, e.Pos)), "")
	}
	if m := unknownField.FindStringSubmatch(msg); m != nil {
		if lit := literalAt(c, e.Pos); lit != nil {
			if st, ok := c.info.TypeOf(lit).Underlying().(*types.Struct); ok {
				var fields []string
				for i := range st.NumFields() {
					if f := st.Field(i); f.Exported() || f.Pkg() == c.pkg {
						fields = append(fields, f.Name())
					}
				}
				if hint := meant(m[1], slices.Values(fields), ""); hint != "" {
					return msg + hint
				}
				if 0 < len(fields) && len(fields) <= 8 {
					return msg + "; it has " + strings.Join(fields, ", ")
				}
			}
		}
	}
	if strings.HasSuffix(msg, "does not implement odslib.Sampler (missing method Sample)") && trains(c, e.Pos) {
		return msg + "; it is a trainer: s := train(…, posterior), then draw(s, posterior, n)"
	}
	if m := noMember.FindStringSubmatch(msg); m != nil && !strings.Contains(msg, "but does have") {
		if sel := selectorAt(c, e.Pos); sel != nil {
			if t := c.info.TypeOf(sel.X); t != nil {
				return msg + meant(m[1], slices.Values(membersOf(t, c.pkg)), "")
			}
		}
	}
	return msg
}

// trains says whether the expression that begins there has a method Train.
func trains(c *checked, at token.Pos) (found bool) {
	ast.Inspect(c.file, func(n ast.Node) bool {
		if x, ok := n.(ast.Expr); ok && x.Pos() == at {
			if t := c.info.TypeOf(x); t != nil {
				found = found || types.NewMethodSet(t).Lookup(nil, "Train") != nil
			}
		}
		return !found
	})
	return found
}

// packageIs says which package a name means where its path does not end in it.
func (d *draft) packageIs(c *checked, name string) string {
	for id, o := range c.info.Uses {
		if p, ok := o.(*types.PkgName); ok && id.Name == name {
			if path := p.Imported().Path(); path != name && !strings.HasSuffix(path, "/"+name) {
				return "; " + name + " is " + path
			}
			return ""
		}
	}
	return ""
}

var (
	butHave      = regexp.MustCompile(`^(\w+)\.\w+ \(but have`)
	unknownField = regexp.MustCompile(`^unknown field (\w+) in struct literal`)
	noMember     = regexp.MustCompile(`has no field or method (\w+)`)
)

// assigns is the statement `x := …` where the cell assigns to an x that is not
// there, or "".
func (d *draft) assigns(c *checked, e problem, name string) string {
	for q, st := range d.statements(c) {
		a, ok := st.(*ast.AssignStmt)
		if !ok || a.Tok != token.ASSIGN || len(a.Lhs) != 1 {
			continue
		}
		if id, ok := a.Lhs[0].(*ast.Ident); ok && id.Pos() == e.Pos && id.Name == name {
			value := q.text[strings.IndexByte(q.text, '=')+1:]
			if value = strings.TrimSpace(value); len(value) > 40 || strings.Contains(value, "\n") {
				value = "…"
			}
			return name + " := " + value
		}
	}
	return ""
}

// visibleNames are what a name of the cell may have meant where it stands, or anywhere.
func (d *draft) visibleNames(c *checked, at token.Pos) map[string]bool {
	names := map[string]bool{}
	for _, n := range sessionNames {
		names[n] = true
	}
	for name, v := range d.s.vars {
		names[name] = !v.lost
	}
	for _, x := range d.avail {
		for _, n := range x.names {
			names[n] = !x.blank[n]
		}
	}
	inner := c.pkg.Scope().Innermost(at)
	visible := func(n string) bool {
		if inner == nil {
			return true
		}
		_, o := inner.LookupParent(n, at)
		return o != nil
	}
	for n := range d.defined {
		names[n] = visible(n)
	}
	for scope := inner; scope != nil && scope != c.pkg.Scope(); scope = scope.Parent() {
		for _, n := range scope.Names() {
			names[n] = visible(n) && !strings.HasSuffix(n, ours)
		}
	}
	for _, n := range types.Universe.Names() {
		names[n] = true
	}
	for n := range preferred {
		names[n] = true
	}
	for _, n := range basePackages {
		if !strings.Contains(n, "/") {
			names[n] = true
		}
	}
	maps.DeleteFunc(names, func(_ string, there bool) bool { return !there })
	return names
}

// membersOf lists fields and methods.
func membersOf(t types.Type, from *types.Package) (names []string) {
	set := types.NewMethodSet(t)
	if _, isPointer := t.Underlying().(*types.Pointer); !isPointer && !types.IsInterface(t) {
		set = types.NewMethodSet(types.NewPointer(t))
	}
	for i := range set.Len() {
		if f := set.At(i).Obj(); f.Exported() || f.Pkg() == from {
			names = append(names, f.Name())
		}
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	if st, ok := t.Underlying().(*types.Struct); ok {
		for i := range st.NumFields() {
			if f := st.Field(i); f.Exported() || f.Pkg() == from {
				names = append(names, f.Name())
			}
		}
	}
	return names
}

func literalAt(c *checked, pos token.Pos) *ast.CompositeLit {
	for _, n := range pathTo(c.file, pos) {
		if lit, ok := n.(*ast.CompositeLit); ok {
			return lit
		}
	}
	return nil
}

func selectorAt(c *checked, pos token.Pos) *ast.SelectorExpr {
	for _, n := range pathTo(c.file, pos) {
		if s, ok := n.(*ast.SelectorExpr); ok {
			return s
		}
	}
	return nil
}

// meant is the nearest of the names, as a question, or "".
func meant(name string, of func(func(string) bool), before string) string {
	best, least := "", max(1, len(name)/3)+1
	low := strings.ToLower(name)
	for n := range of {
		far := distance(low, strings.ToLower(n))
		if len(name) > 2 && strings.HasPrefix(strings.ToLower(n), low) {
			far = min(far, 1)
		}
		if len(name) < 3 && far > 0 {
			continue
		}
		if far < least || far == least && best != "" && nearer(name, n, best) {
			best, least = n, far
		}
	}
	if best == "" || best == name {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s%s?)", before, best)
}

// nearer decides between names at the same distance: the one of the same length, then the first.
func nearer(name, a, b string) bool {
	if x, y := len(a) == len(name), len(b) == len(name); x != y {
		return x
	}
	return a < b
}

// distance counts the letters to add, leave out, replace or swap between a and b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(x)][len(y)]
}
