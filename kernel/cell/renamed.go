package cell

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"strings"
)

// renaming is a name of the library that cells may still use as it was. old is a name of the package at path ("Plain"), or a
// field or method of one of its types ("Result.WriteNPZ"); where it is "", the package itself is meant. now is what to write
// instead, as in a cell: "smc.Tempered"; for a package its import path.
type renaming struct{ path, old, now string }

// renamed is the table of them. A name that the library does not have any more gets its row here, in the change that takes it
// away; a name that is free again for another thing loses it.
var renamed = []renaming{
	{"odslab/odslib/session", "", "odslab/kernel/runtime/session"},
	{"odslab/odslib/session/live", "", "odslab/kernel/runtime/live"},
	{"odslab/odslib/session/live/device", "", "odslab/kernel/runtime/device"},
	{"odslab/odslib/session/live/rich", "", "odslab/kernel/runtime/rich"},
	{"odslab/odslib/session/snapshot", "", "odslab/kernel/runtime/snapshot"},
	{"odslab/odslib/engine/resident", "", "odslab/kernel/runtime/resident"},
	{"odslab/odslib/engine/resident/wire", "", "odslab/kernel/runtime/wire"},

	{"odslab/odslib", "Result.WriteNPZ", "npz.Write(path, result)"},
	{"odslab/odslib", "Result.Draws", "odslib.Result.States"},
	{"odslab/odslib", "Exact", "odslib.Conjugate"},
	{"odslab/odslib", "Residual", "odslib.Measured"},
	{"odslab/odslib", "Observe", "odslib.Notify"},
	{"odslab/odslib/exact", "Of", "odslib.Posterior.Exact"},
	{"odslab/odslib/compare", "LogR", "odslib.Posterior.Rewards(ctx, x)"},
	{"odslab/odslib/diffusion", "Read", "diffusion.Chain.Of"},
	{"odslab/odslib/priors", "Mixture.Noise", "priors.Mixture.Noising"},
	{"odslab/odslib/priors", "Diffusion.Process", "priors.Diffusion.Noising"},
	{"odslab/odslib/guide", "Curve", "odslib.Curve"},
	{"odslab/odslib/guide", "Settings", "diffusion.Chain"},
	{"odslab/odslib/guide", "Plain.Settings", "guide.Plain.Chain"},
	{"odslab/odslib/guide", "DPS.Settings", "guide.DPS.Chain"},
	{"odslab/odslib/balance", "Settings.Batch", "balance.Settings.Paths"},
	{"odslab/odslib/smc", "Twist", "twist.Twist"},
	{"odslab/odslib/smc", "Point", "twist.Point"},
	{"odslab/odslib/smc", "Tempered", "twist.Tempered"},
	{"odslab/odslib/smc", "Prior", "smc.OwnStep"},
	{"odslab/odslib/smc", "Bootstrap.Observe", "diffusion.Chain.Observe"},
	{"odslab/odslib/diffusion", "Plain", "diffusion.WeightOutput"},
	{"odslab/odslib/diffusion", "Noise", "diffusion.WeightNoise"},
	{"odslab/odslib/diffusion", "Clean", "diffusion.WeightClean"},
	{"odslab/odslib/diffusion", "MinSNR", "diffusion.WeightMinSNR"},
	{"odslab/odslib/nn", "MLP.Plain", "nn.MLP.NoResidual"},
	{"odslab/odslib/engine", "EnvResident", "contract.EnvResident"},
}

// hint says in place of an error what the name that the checker does not know is called now, or "".
func (c *checked) hint(e problem) string {
	if p, ok := strings.CutPrefix(e.Msg, "could not import "); ok {
		p, _, _ = strings.Cut(p, " ")
		return find(p, "", p)
	}
	var hint string
	ast.Inspect(c.file, func(n ast.Node) bool {
		if n == nil || hint != "" || e.Pos < n.Pos() || e.Pos >= n.End() {
			return false
		}
		switch x := n.(type) {
		case *ast.SelectorExpr:
			if c.unknown(x.Sel, e.Pos) {
				hint = c.selected(x)
			}
			if base, ok := x.X.(*ast.Ident); ok && c.unknown(base, e.Pos) {
				hint = gone(base.Name, x.Sel.Name)
			}
		case *ast.CompositeLit:
			for _, element := range x.Elts {
				if kv, ok := element.(*ast.KeyValueExpr); ok {
					if key, ok := kv.Key.(*ast.Ident); ok && c.unknown(key, e.Pos) {
						hint = member(c.info.TypeOf(x), key.Name)
					}
				}
			}
		}
		return true
	})
	return hint
}

// unknown: the error stands at this name, and the name means nothing.
func (c *checked) unknown(id *ast.Ident, pos token.Pos) bool {
	return id.Pos() == pos && c.info.Uses[id] == nil
}

// selected is the hint for x.old.
func (c *checked) selected(x *ast.SelectorExpr) string {
	if base, ok := x.X.(*ast.Ident); ok {
		if p, ok := c.info.Uses[base].(*types.PkgName); ok {
			return find(p.Imported().Path(), x.Sel.Name, base.Name+"."+x.Sel.Name)
		}
	}
	return member(c.info.TypeOf(x.X), x.Sel.Name)
}

// member is the hint for a field or method that type t does not have.
func member(t types.Type, name string) string {
	if t == nil {
		return ""
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return ""
	}
	full := n.Obj().Name() + "." + name
	return find(n.Obj().Pkg().Path(), full, full)
}

// gone is the hint for a name of a package that is no more.
func gone(base, name string) string {
	for _, r := range renamed {
		if r.old == "" && path.Base(r.path) == base {
			return cmp.Or(find(r.path, name, base+"."+name), find(r.path, "", "package "+base))
		}
	}
	return ""
}

// find is the hint of a row, for the name as the cell wrote it.
func find(path, old, written string) string {
	for _, r := range renamed {
		if r.path == path && r.old == old {
			return fmt.Sprintf("%s is renamed to %s", written, r.now)
		}
	}
	return ""
}
