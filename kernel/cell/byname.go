package cell

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strconv"
	"strings"

	"odslab/kernel/runtime/contract"
)

// Values may hold what can't be written but is there in every program that has
// it: declared functions, function literals of a cell's own statements that
// capture the notebook's variables alone, and what packages hold in exported
// variables. A program makes known by name what its values may hold.

func itoa(n int) string { return strconv.Itoa(n) }

// textSum tells texts apart.
func textSum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:6])
}

// nameFunctions finds the declared functions that the program uses as values.
func (d *draft) nameFunctions(c *checked) {
	called := map[*ast.Ident]bool{}
	ast.Inspect(c.file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			switch f := ast.Unparen(call.Fun).(type) {
			case *ast.Ident:
				called[f] = true
			case *ast.SelectorExpr:
				called[f.Sel] = true
			}
		}
		return true
	})
	for id, o := range c.info.Uses {
		f, ok := o.(*types.Func)
		if !ok || called[id] || f.Signature().Recv() != nil || f.Signature().TypeParams() != nil {
			continue
		}
		if q, _ := d.at(c, id.Pos()); q != nil {
			d.nameFunction(f.Pkg().Path(), f.Name(), f.Pkg() == c.pkg)
		}
	}
}

func (d *draft) nameFunction(path, name string, own bool) {
	if !own {
		d.need(path)
		d.functions[path+"."+name] = d.s.alias(path) + "." + name
	} else if x := declOf(d.avail, name); x != nil && x.recv == "" && d.pieces[x] != nil {
		d.functions[name+"#"+textSum(x.piece.text)] = name
	}
}

// starting are functions of packages that keep no function that they are given.
var starting = []string{"slices", "sort", "maps", "strings", "bytes", "sync", "time", "context"}

// nameLiterals names the function literals of the cell's own statements that
// values may hold.
func (d *draft) nameLiterals(c *checked) {
	live := d.s.alias(contract.LivePath)
	var visit func(n ast.Node, stored bool)
	visit = func(n ast.Node, stored bool) {
		ast.Inspect(n, func(m ast.Node) bool {
			switch x := m.(type) {
			case *ast.GoStmt:
				visit(&ast.CompositeLit{Elts: x.Call.Args}, stored)
				return false
			case *ast.DeferStmt:
				return false
			case *ast.CallExpr:
				keeps := stored
				if s, ok := ast.Unparen(x.Fun).(*ast.SelectorExpr); ok {
					if f, ok := c.info.Uses[s.Sel].(*types.Func); ok && f.Pkg() != nil && slices.Contains(starting, f.Pkg().Path()) {
						keeps = false
					}
				}
				if _, called := ast.Unparen(x.Fun).(*ast.FuncLit); !called {
					visit(x.Fun, stored)
				}
				for _, a := range x.Args {
					visit(a, keeps)
				}
				return false
			case *ast.FuncLit:
				if stored {
					d.nameLiteral(c, x, live)
				}
				return false
			}
			return true
		})
	}
	for _, st := range d.statements(c) {
		visit(st, true)
	}
}

func (d *draft) nameLiteral(c *checked, f *ast.FuncLit, live string) {
	p, from := d.at(c, f.Pos())
	q, to := d.end(c, f.End())
	if p == nil || p != q || !slices.Contains(d.stmts, p) || !d.captures(c, f) {
		return
	}
	text := p.text[from:to]
	line, col := p.place(from)
	lit, err := parsePiece(chunk{text: text, line: line, col: col}, p.cell)
	if err != nil {
		return
	}
	id := "func." + textSum(text)
	d.fresh[id] = lit
	p.edit(from, from, fmt.Sprintf("%s.%s(%q, ", live, contract.CallLiteral, id))
	p.close(to, ")")
}

// known writes the calls that make known what kept values hold and what the
// cell's own may.
func (d *draft) known(live string) {
	for _, path := range slices.Sorted(maps.Keys(witnesses)) {
		if d.s.pkgs.reaches(d.paths(), path) {
			d.need(path)
			for _, w := range witnesses[path] {
				d.writef("\t%s.%s(%s.%s)\n", live, contract.CallWitness, d.s.alias(path), w)
			}
		}
	}
	for _, v := range d.kept {
		for _, name := range v.known {
			if d.literals[name] != nil {
				continue
			}
			if own, _, ok := strings.Cut(name, "#"); ok {
				d.nameFunction(mainPath, own, true)
				continue
			}
			if i := strings.LastIndexByte(name, '.'); i > 0 && !strings.HasSuffix(name, "()") && d.s.pkgs.need(name[:i]) == nil {
				if _, ok := d.s.pkgs.lookup(name[:i], name[i+1:]).(*types.Func); ok {
					d.nameFunction(name[:i], name[i+1:], false)
				} else {
					d.need(name[:i])
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.functions)) {
		d.writef("\t%s.%s(%q, %s)\n", live, contract.CallFunction, name, d.functions[name])
	}
	values, pointers := d.globals()
	if len(values) > 0 {
		d.writef("\t%s.%s(%s)\n", live, contract.CallValues, strings.Join(values, ", "))
	}
	if len(pointers) > 0 {
		d.writef("\t%s.%s(%s)\n", live, contract.CallPointers, strings.Join(pointers, ", "))
	}
}

// placeLiterals makes again the literals that kept values hold: they capture
// the variables that are about to be loaded.
func (d *draft) placeLiterals(live string) {
	for _, id := range slices.Sorted(maps.Keys(d.literals)) {
		p := d.literals[id]
		d.writef("\t%s.%s(%q,", live, contract.CallLiteral, id)
		p.edit(len(p.text), len(p.text), ",")
		d.place(p)
		d.generated()
		d.writef("\t)\n")
	}
}

// witnesses are values of types that packages hide, by which they are known.
var witnesses = map[string][]string{
	"math/rand":                 {"NewSource(1)"},
	"gonum.org/v1/plot/palette": {"Heat(2, 1)"},
}

// global is an exported variable of a package.
type global struct {
	name    string
	pointer bool // of a pointer type; else of an interface type
}

// unnamed are packages whose variables are not made known: plain data, or known
// to every program already.
var unnamed = map[string]bool{
	"unicode": true, "io": true, "os": true, "io/fs": true, "context": true, "strconv": true, "errors": true, "time": true, "syscall": true,
	"bytes": true, "path": true, "path/filepath": true, "hash/crc32": true, "reflect": true, "runtime": true, "image/color": true,
	"odslab/kernel/runtime/live": true, "odslab/kernel/runtime/snapshot": true, "golang.org/x/text/encoding/charmap": true, "debug/elf": true, "debug/dwarf": true,
}

// globals writes what the exported variables hold of all packages that the
// program links anyway.
func (d *draft) globals() (values, pointers []string) {
	live := d.s.alias(contract.LivePath)
	for _, path := range d.s.pkgs.closure(d.paths()) {
		if unnamed[path] || hiddenPath(path) {
			continue
		}
		for _, g := range d.s.pkgs.globals(path) {
			d.need(path)
			name := d.s.alias(path) + "." + g.name
			if g.pointer {
				d.need("unsafe")
				pointers = append(pointers, fmt.Sprintf("%s.Pointer{%q, %s.Pointer(%s)}", live, path+"."+g.name, d.s.alias("unsafe"), name))
			} else {
				values = append(values, fmt.Sprintf("%s.Value{%q, %s}", live, path+"."+g.name, name))
			}
		}
	}
	return values, pointers
}

// paths are the packages that the program imports so far.
func (d *draft) paths() (paths []string) {
	for p := range d.needed {
		if !d.unused["needed "+p] {
			paths = append(paths, p)
		}
	}
	for name, p := range d.auto {
		if !d.unused["auto "+name] {
			paths = append(paths, p)
		}
	}
	for key, i := range d.imports {
		if !d.unused["import "+key] {
			paths = append(paths, i.path)
		}
	}
	return paths
}
