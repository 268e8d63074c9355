package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"

	"odslab/kernel/runtime/contract"
)

func (d *draft) writef(format string, args ...any) { fmt.Fprintf(&d.out, format, args...) }

// place writes a piece under its line directive, edits applied. After an edit
// a directive in a comment puts the column right again.
func (d *draft) place(p *piece) {
	d.writef("\n//line cell[%d]:%d:%d\n", p.cell, p.line, p.col)
	at, begin := 0, d.out.Len()
	run := func(to int) {
		if to > at {
			d.segs = append(d.segs, segment{d.out.Len(), to - at, p, at})
			d.out.WriteString(p.text[at:to])
			at = to
		}
	}
	for i, e := range p.edits {
		if e.from < at {
			continue
		}
		run(e.from)
		d.out.WriteString(e.text)
		at = e.to
		if i+1 < len(p.edits) && p.edits[i+1].from == at {
			continue
		}
		if at < len(p.text) && p.text[at] != '\n' {
			line, col := p.place(at)
			d.writef("/*line cell[%d]:%d:%d*/", p.cell, line, col)
		}
	}
	run(len(p.text))
	d.span[p] = [2]int{begin, d.out.Len()}
	d.out.WriteString("\n")
}

// generated ends the text of a piece: what follows is the kernel's.
func (d *draft) generated() { d.writef("\n//line kernel:1\n") }

// render writes the whole program. The final one loads, keeps and shows; the
// ones before it only say enough for the type checker.
func (d *draft) render() string {
	d.out.Reset()
	d.segs, d.span = nil, map[*piece][2]int{}
	body := d.body() // first, for the imports it needs
	segs := d.segs
	d.out.Reset()
	d.segs = nil
	d.writef("// Program of notebook cell %d.\npackage main\n\n", d.n)
	d.need(contract.LivePath)
	if d.session["draw"] || d.session["train"] {
		d.need(contract.SessionPath)
	}
	d.importAt = nil
	line := func(key string, write func()) {
		if d.unused[key] {
			return
		}
		from := d.out.Len()
		write()
		d.importAt = append(d.importAt, importLine{from, d.out.Len(), key})
	}
	for _, path := range slices.Sorted(maps.Keys(d.needed)) {
		line("needed "+path, func() { d.writef("import %s %q\n", d.s.alias(path), path) })
	}
	for _, name := range slices.Sorted(maps.Keys(d.auto)) {
		line("auto "+name, func() { d.writef("import %s %q\n", name, d.auto[name]) })
	}
	for _, key := range slices.Sorted(maps.Keys(d.imports)) {
		i := d.imports[key]
		line("import "+key, func() {
			if i.at != nil && i.at.cell == d.n {
				l, col := i.at.place(i.off)
				d.writef("import %s /*line cell[%d]:%d:%d*/%q\n//line kernel:1\n", i.name, d.n, l, col, i.path)
			} else {
				d.writef("import %s %q\n", i.name, i.path)
			}
		})
	}
	if d.final {
		for _, path := range d.extraImports() {
			d.writef("import _ %q\n", path)
		}
	}
	shift := d.out.Len()
	for i := range segs {
		segs[i].out += shift
	}
	for p, s := range d.span {
		d.span[p] = [2]int{s[0] + shift, s[1] + shift}
	}
	d.segs = segs
	d.out.WriteString(body)
	return d.out.String()
}

// extraImports are those that the rest of the program makes necessary.
func (d *draft) extraImports() (out []string) {
	paths := d.paths()
	if d.s.pkgs.reaches(paths, gonbuiPath) {
		out = append(out, contract.RichPath)
	}
	if d.s.pkgs.reaches(paths, tensorsPath) {
		out = append(out, contract.DevicePath)
	}
	d.computes = d.s.pkgs.reaches(paths, computePath)
	if d.resident = d.computes && d.s.opt.Resident; d.resident {
		out = append(out, contract.ResidentPath)
	}
	return out
}

func (d *draft) body() string {
	live := d.s.alias(contract.LivePath)
	d.writef("\n")
	for _, name := range slices.Sorted(maps.Keys(d.hoist)) {
		d.writef("var %s %s\n", name, d.typeText(d.hoist[name]))
	}
	for _, v := range append(slices.Clone(d.kept), d.sources...) {
		if _, hoisted := d.hoist[v.name]; d.atTop[v.name] && !hoisted {
			d.writef("var %s %s\n", v.name, d.typeText(v.typ))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.renewed)) {
		d.writef("var %s *%s\n", name+latest, d.typeText(d.s.vars[name].typ))
	}
	for _, x := range d.include {
		d.place(d.pieces[x])
	}
	d.generated()
	d.writef("func main() {\n\t%s.%s(%d)\n\tdefer %s.%s()\n", live, contract.CallBegin, d.n, live, contract.CallEnd)
	if d.session["ctx"] || d.session["draw"] || d.session["train"] {
		d.writef("\t_ = %s.%s() // an interrupt leaves it time to end\n", live, contract.CallContext)
	}
	d.loads(live)
	for _, v := range d.sources {
		p := d.srcPiece[v]
		if d.atTop[v.name] {
			d.assign(p, map[string]bool{v.name: true})
		}
		d.place(p)
		d.generated()
		if !d.atTop[v.name] && (d.final || d.written[v.name]) {
			d.writef("\t_ = %s\n", v.name)
		}
		if d.loose[v.name] {
			d.writef("\t%s.%s(%q, &%s)\n", live, contract.CallKeep, v.name, v.name)
		}
	}
	for _, f := range d.inits {
		d.writef("\t%s()\n", f)
	}
	d.writef("\t{\n")
	for _, p := range d.stmts {
		for _, l := range d.before[p] {
			d.writef("\t%s\n", l)
		}
		d.place(p)
		d.generated()
		if !d.final {
			for _, id := range p.defined() {
				if d.hoist[id.Name] == nil {
					d.writef("\t_ = %s\n", id.Name)
				}
			}
			continue
		}
		for _, l := range d.after[p] {
			d.writef("\t%s\n", l)
		}
	}
	for _, f := range d.mains {
		d.writef("\t%s()\n", f)
	}
	d.writef("\t}\n}\n")
	return d.out.String()
}

// loads declares the kept variables and reads them, group by group.
func (d *draft) loads(live string) {
	if d.final {
		names := map[string]bool{}
		for _, v := range d.kept {
			for _, n := range v.dynamic {
				names[n] = true
			}
		}
		for _, n := range slices.Sorted(maps.Keys(names)) {
			d.writef("\t%s.%s[%s]()\n", live, contract.CallRegister, d.dynamicText(n))
		}
		for _, x := range d.include {
			if g, ok := x.piece.decl.(*ast.GenDecl); ok && g.Tok == token.TYPE && !isGeneric(g) && !isConstraint(g) {
				for _, n := range x.names {
					if !x.blank[n] {
						d.writef("\t%s.%s[%s]()\n", live, contract.CallRegister, n)
					}
				}
			}
		}
	}
	if d.final && d.keeps {
		d.known(live)
	}
	done := map[string]bool{}
	for _, v := range lastUniverse(d.kept) {
		name := d.local(v)
		if name != v.name || !d.atTop[v.name] {
			d.writef("\tvar %s %s\n", name, d.typeText(v.typ))
		}
		if name != v.name || d.written[v.name] {
			d.writef("\t_ = %s\n", name)
		}
		if d.renewed[name] {
			d.writef("\t%s = &%s\n", name+latest, name)
		}
	}
	d.placeLiterals(live)
	if !d.final {
		return
	}
	for _, v := range d.kept {
		if done[v.file] {
			continue
		}
		done[v.file] = true
		args := ""
		for i, mate := range v.group {
			switch {
			case !d.together(v, mate): // it has moved to another file since
				d.writef("\tvar %s %s\n", mate+was, d.typeText(v.mates[i]))
				args += fmt.Sprintf(", %q, %s.%s(&%s)", mate, live, contract.CallUnkept, mate+was)
			case d.local(d.s.vars[mate]) != mate:
				args += fmt.Sprintf(", %q, %s.%s(&%s)", mate, live, contract.CallUnkept, mate+was)
			default:
				args += fmt.Sprintf(", %q, &%s", mate, mate)
			}
		}
		d.writef("\t%s.%s(%q%s)\n", live, contract.CallLoad, v.file, args)
		if v.name == "seed" && isInteger(v.typ) && d.local(v) == v.name {
			d.writef("\t%s.%s(uint64(seed))\n", live, contract.CallSetSeed)
		}
	}
}

// lastUniverse puts variables named like types behind those that may have them.
func lastUniverse(kept []*variable) []*variable {
	kept = slices.Clone(kept)
	slices.SortStableFunc(kept, func(a, b *variable) int {
		x, y := types.Universe.Lookup(a.name) != nil, types.Universe.Lookup(b.name) != nil
		switch {
		case x == y:
			return 0
		case x:
			return 1
		}
		return -1
	})
	return kept
}

// together: the mate still stands in the file of v.
func (d *draft) together(v *variable, mate string) bool {
	w := d.s.vars[mate]
	return w != nil && w.file == v.file
}

// was ends the name of a variable that is another one now.
const was = ours + "was" + ours

// local is the name by which a kept variable is loaded: its own, unless the
// cell makes a package variable of that name with another type.
func (d *draft) local(v *variable) string {
	if t, ok := d.hoist[v.name]; ok && !types.Identical(t, v.typ) && d.typeText(t) != d.typeText(v.typ) {
		return v.name + was
	}
	return v.name
}

func isGeneric(g *ast.GenDecl) bool {
	for _, s := range g.Specs {
		if t, ok := s.(*ast.TypeSpec); ok && t.TypeParams != nil {
			return true
		}
	}
	return false
}

// isConstraint: an interface that may only bound type parameters.
func isConstraint(g *ast.GenDecl) bool {
	for _, s := range g.Specs {
		if t, ok := s.(*ast.TypeSpec); ok {
			if _, ok := t.Type.(*ast.InterfaceType); ok {
				return true
			}
		}
	}
	return false
}

func isInteger(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsInteger != 0
}
