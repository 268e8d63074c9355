package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"odslab/kernel/runtime/contract"
)

// rounds bounds how often a draft is checked again; each round settles at
// least one name.
const rounds = 60

// settle checks the draft until the checker has nothing more that can be
// mended, and returns the errors that are left as an *Error.
func (d *draft) settle() (*checked, error) {
	for range rounds {
		d.gather()
		c, err := d.check()
		if err != nil {
			return nil, err
		}
		changed := d.mend(c)
		if !changed {
			if err := d.errorsLeft(c); err != nil {
				return nil, err
			}
			return c, nil
		}
	}
	return nil, errorAt(d.n, 1, 1, "the cell is too tangled to be checked")
}

// mend changes the draft by what the checker has found; true if it did.
func (d *draft) mend(c *checked) (changed bool) {
	for _, e := range c.problems {
		if d.unhide(e.Msg) {
			changed = true
		}
	}
	if changed { // what else was found may be an echo of it
		return true
	}
	var later []problem
	for _, e := range c.problems {
		switch {
		case strings.HasPrefix(e.Msg, "undefined: "):
			name := strings.TrimPrefix(e.Msg, "undefined: ")
			if d.define(c, e, name) || d.dropBroken(c, e) || d.wait(c, e, name) {
				changed = true
			} else {
				later = append(later, e)
			}
		case strings.HasPrefix(e.Msg, "declared and not used: "):
			if d.use(c, e, strings.TrimPrefix(e.Msg, "declared and not used: ")) {
				changed = true
			}
		case strings.HasSuffix(e.Msg, " declared and not used"): // of a type switch
			if d.use(c, e, strings.TrimSuffix(e.Msg, " declared and not used")) {
				changed = true
			}
		case strings.HasSuffix(e.Msg, "and not used") && strings.Contains(e.Msg, " imported "):
			if d.unimport(c, e) {
				changed = true
			}
		case d.dropBroken(c, e):
			changed = true
		default:
			later = append(later, e)
		}
	}
	if changed {
		return true
	}
	if d.hoistShared(c) || d.dropUnused(c) {
		return true
	}
	for _, e := range later {
		if d.unfit(c, e) {
			return true
		}
	}
	return len(later) == 0 && d.replaceExits(c)
}

// unhide gives a cell the builtin or type that a kept variable has the name
// of, where it can mean nothing else.
func (d *draft) unhide(msg string) bool {
	m := hidesPredeclared.FindStringSubmatch(msg)
	if m == nil {
		return false
	}
	name := m[1] + m[2]
	v := d.s.vars[name]
	if v == nil || types.Universe.Lookup(name) == nil || d.defined[name] || d.predeclared[name] || len(v.group) > 1 {
		return false
	}
	d.predeclared[name] = true
	return true
}

// dropBroken leaves out a variable kept by source whose initialiser is in
// error, if nothing uses it after all.
func (d *draft) dropBroken(c *checked, e problem) bool {
	p, _ := d.at(c, e.Pos)
	for id, q := range d.literals {
		if p != nil && p == q && d.dropHolders(c, id) {
			return true
		}
	}
	for v, q := range d.srcPiece {
		if p == nil || p != q || d.drop[v.name] {
			continue
		}
		for id, o := range c.info.Uses {
			if id.Name != v.name {
				continue
			}
			if user, _ := d.at(c, id.Pos()); user == nil || user == q {
				continue
			}
			if at, _ := d.at(c, o.Pos()); at == q || d.atTop[v.name] && o.Parent() == c.pkg.Scope() {
				return false
			}
		}
		d.drop[v.name] = true
		return true
	}
	return false
}

// dropHolders leaves out the variables that hold a literal in error, if nothing
// uses any of them after all.
func (d *draft) dropHolders(c *checked, literal string) bool {
	var holders []string
	for _, v := range d.kept {
		if slices.Contains(v.known, literal) {
			holders = append(holders, v.name)
		}
	}
	for id, o := range c.info.Uses {
		if v, ok := o.(*types.Var); ok && slices.Contains(holders, id.Name) && d.isNotebooks(c, v) {
			if q, _ := d.at(c, id.Pos()); q != nil && q != d.literals[literal] {
				return false
			}
		}
	}
	for _, name := range holders {
		d.drop[name] = true
	}
	return len(holders) > 0
}

// define finds what an undefined name means.
func (d *draft) define(c *checked, e problem, name string) bool {
	p, off := d.at(c, e.Pos)
	if p == nil {
		return false
	}
	if d.renewed[name] && p.kind == declPiece {
		p.follow(off, name)
		return true
	}
	if d.defined[name] && p.kind == declPiece { // a function needs a variable of the cell
		return d.hoistName(c, name)
	}
	if v := d.s.vars[name]; v != nil && v.lost {
		return false
	}
	if selectorBase(c.file, e.Pos) {
		if path, ok := d.s.pkgs.byName(name); ok && d.auto[name] == "" && d.s.pkgs.need(path) == nil {
			d.auto[name] = path
			return true
		}
	}
	live, session, interact := d.s.alias(contract.LivePath), d.s.alias(contract.SessionPath), d.s.alias(contract.InteractPath)
	text := map[string]string{
		"ctx": live + "." + contract.CallContext + "()", "seed": live + "." + contract.CallSeed + "()",
		"draw": session + "." + contract.CallDraw, "train": session + "." + contract.CallTrain,
		"interact": interact + "." + contract.CallInteract,
	}[name]
	if text == "" {
		return false
	}
	d.session[name] = true
	p.edit(off, off+len(name), text)
	if name == "interact" {
		d.need(contract.InteractPath)
	}
	if name == "draw" || name == "train" {
		d.before[p] = []string{fmt.Sprintf("%s.%s(%q)", live, contract.CallAt, p.target())}
		d.need(contract.SessionPath)
	}
	return true
}

// target is the variable that a statement defines or assigns, or "".
func (p *piece) target() string {
	if ids := p.defined(); len(ids) > 0 {
		return ids[0].Name
	}
	if a, ok := p.stmt.(*ast.AssignStmt); ok {
		if id, ok := a.Lhs[0].(*ast.Ident); ok && id.Name != "_" {
			return id.Name
		}
	}
	return ""
}

// selectorBase: the identifier at pos is the x of x.y.
func selectorBase(f *ast.File, pos token.Pos) (is bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := s.X.(*ast.Ident); ok && id.Pos() == pos {
				is = true
			}
		}
		return !is
	})
	return is
}

// unimport leaves out the import that the checker points at.
func (d *draft) unimport(c *checked, e problem) bool {
	off := c.fset.File(e.Pos).Offset(e.Pos)
	for _, i := range d.importAt {
		if off >= i.from && off < i.to && !d.unused[i.key] {
			d.unused[i.key] = true
			return true
		}
	}
	return false
}

// dropUnused forgets package variables that nothing uses after all.
func (d *draft) dropUnused(c *checked) (changed bool) {
	used := map[string]bool{}
	for id, o := range c.info.Uses {
		if v, ok := o.(*types.Var); ok && v.Parent() == c.pkg.Scope() {
			p, _ := d.at(c, id.Pos())
			own := d.s.vars[id.Name] != nil && p == d.srcPiece[d.s.vars[id.Name]]
			if p != nil && !own {
				used[id.Name] = true
			}
		}
	}
	if d.final {
		return false
	}
	unused := func(name string) bool {
		return d.atTop[name] && !used[name] && d.hoist[name] == nil && name != "seed"
	}
	for _, v := range append(slices.Clone(d.kept), d.sources...) {
		if !unused(v.name) || d.drop[v.name] {
			continue
		}
		if slices.ContainsFunc(v.group, func(m string) bool { return m != v.name && !d.drop[m] && !unused(m) }) {
			continue
		}
		d.drop[v.name], changed = true, true
	}
	return changed
}
