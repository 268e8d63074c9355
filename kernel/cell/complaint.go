package cell

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"odslab/kernel/runtime/contract"
)

// errorsLeft turns what the checker still objects to into an *Error.
func (d *draft) errorsLeft(c *checked) error {
	var all []Error
	var rest []problem
	for _, e := range c.problems {
		if !d.final && d.isShown(c, e) {
			continue
		}
		rest = append(rest, e)
	}
	for _, e := range rest {
		msg := cmp.Or(c.hint(e), d.userNames(e.Msg))
		if name, ok := strings.CutPrefix(msg, "undefined: "); ok {
			if v := d.s.vars[name]; v != nil && v.lost {
				msg = v.goneText()
			} else if n := d.s.unmade[name]; n > 0 && v == nil {
				msg += fmt.Sprintf(": cell %d ended before it was set", n)
			} else if text := d.waiting(name); text != "" {
				msg = text
			} else if text := d.lateIn(c, e, name); text != "" {
				msg = text
			}
		}
		msg = d.hint(c, e, msg)
		if p, off := d.at(c, e.Pos); p != nil && p.kind == declPiece {
			for _, name := range []string{"main", "init"} {
				if strings.HasPrefix(p.text[off:], name) && (d.defined[name] || d.s.vars[name] != nil) && strings.Contains(msg, name) {
					msg = "a function can't use a variable named " + name + ": give it another name"
				}
			}
		}
		if m := hidesPredeclared.FindStringSubmatch(msg); m != nil {
			if v := d.s.vars[m[1]+m[2]]; v != nil && types.Universe.Lookup(v.name) != nil {
				msg += fmt.Sprintf("; %s is the variable of cell %d, %%drop %s brings Go's own back", v.name, v.cell, v.name)
			}
		}
		for name := range d.predeclared {
			if strings.HasPrefix(msg, name+" (") {
				msg += fmt.Sprintf("; this cell uses %s as Go's own and as the variable of cell %d", name, d.s.vars[name].cell)
			}
		}
		n, ok := cellOf(e.at.Filename)
		if ok && n == d.n {
			all = append(all, Error{Cell: n, Line: e.at.Line, Col: e.at.Column, Msg: msg})
			continue
		}
		line, col := 1, 1
		if p, _ := d.at(c, e.Pos); p != nil && strings.Contains(msg, " waits for ") {
			line, col, _ = d.blame(p, n, e.at.Line, msg)
		} else if p != nil {
			line, col, msg = d.blame(p, n, e.at.Line, msg)
		}
		all = append(all, Error{Cell: d.n, Line: line, Col: col, Msg: msg})
	}
	slices.SortStableFunc(all, func(a, b Error) int { return (a.Line-b.Line)*10000 + a.Col - b.Col })
	all = slices.CompactFunc(all, func(a, b Error) bool { return a.Line == b.Line && a.Col == b.Col })
	if len(all) == 0 {
		return nil
	}
	return newError(d.n, all)
}

// hidesPredeclared: what the checker says where a variable named len or string
// stands for the builtin or type.
var hidesPredeclared = regexp.MustCompile(`^(?:invalid operation: cannot call (?:non-function )?(\w+) \(|(\w+) \((?:local|package-level) variable\) is not a type)`)

// userNames puts the names that the user wrote back into a message.
func (d *draft) userNames(msg string) string {
	live, session, interact := d.s.alias(contract.LivePath), d.s.alias(contract.SessionPath), d.s.alias(contract.InteractPath)
	return strings.NewReplacer(mainPath+".", "", live+"."+contract.CallContext+"()", "ctx", live+"."+contract.CallSeed+"()", "seed",
		session+"."+contract.CallDraw, "draw", session+"."+contract.CallTrain, "train", interact+"."+contract.CallInteract, "interact",
		live+".", "", session+".", "", interact+".", "", "\n\t", ", ").Replace(msg)
}

// blame says at the cell's own text that something remembered is broken.
func (d *draft) blame(p *piece, cell, line int, msg string) (int, int, string) {
	name := ""
	for x, q := range d.pieces {
		if q == p {
			name = strings.Split(x.key, "#")[0]
		}
	}
	for v, q := range d.srcPiece {
		if q == p {
			name = v.name
		}
	}
	for id, q := range d.literals {
		if q != p {
			continue
		}
		for _, v := range d.kept {
			if slices.Contains(v.known, id) {
				name = v.name
			}
		}
	}
	text := fmt.Sprintf("%s, of cell %d line %d, no longer compiles: %s; define it again", name, cell, line, msg)
	for _, s := range d.stmts {
		at := -1
		identifiers(s.stmt, func(id *ast.Ident) {
			if at < 0 && id.Name == name {
				at = s.offset(id.Pos())
			}
		})
		if at >= 0 {
			l, c := s.place(at)
			return l, c, text
		}
	}
	return 1, 1, text
}

// isShown: "is not used" about the last expression, which will be shown.
func (d *draft) isShown(c *checked, e problem) bool {
	if !strings.HasSuffix(e.Msg, "is not used") && !strings.Contains(e.Msg, "is not used") {
		return false
	}
	p := d.of(c, e.Pos)
	return p != nil && len(d.stmts) > 0 && p == d.stmts[len(d.stmts)-1] && p.expression() != nil
}
