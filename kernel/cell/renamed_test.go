package cell

import (
	"errors"
	"go/types"
	"strings"
	"testing"
)

// lib imports a package of the library for the tests below.
func lib(t *testing.T, s *Session, path string) *types.Package {
	t.Helper()
	p, err := s.pkgs.Import(path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return p
}

// has reports whether a package has a name, or a type of it a field or method.
func has(p *types.Package, name string) bool {
	typ, member, isMember := strings.Cut(name, ".")
	o := p.Scope().Lookup(typ)
	if !isMember || o == nil {
		return o != nil
	}
	found, _, _ := types.LookupFieldOrMethod(types.NewPointer(o.Type()), true, p, member)
	return found != nil
}

// Every row is about something that is gone, and names something that is there.
func TestRenamedTable(t *testing.T) {
	s := newSession(t)
	seen := map[[2]string]bool{}
	for _, r := range renamed {
		if key := [2]string{r.path, r.old}; seen[key] {
			t.Errorf("%+v: twice", r)
		} else {
			seen[key] = true
		}
		if r.old == "" {
			if s.pkgs.need(r.path) == nil {
				t.Errorf("%+v: the package is there", r)
			}
			lib(t, s, r.now)
			continue
		}
		if typ, _, isMember := strings.Cut(r.old, "."); isMember && !has(lib(t, s, r.path), typ) {
			t.Errorf("%+v: there is no such type; its own row is enough", r)
		}
		if s.pkgs.need(r.path) == nil && has(lib(t, s, r.path), r.old) {
			t.Errorf("%+v: the name is there", r)
		}
		name, rest, ok := strings.Cut(r.now, ".")
		path, known := s.pkgs.byName(name)
		rest, _, _ = strings.Cut(rest, "(")
		if !ok || !known || !has(lib(t, s, path), rest) {
			t.Errorf("%+v: what it is now is not there", r)
		}
	}
}

// A cell that uses an old name is told the new one, in one line, however it gets at it.
func TestRenamed(t *testing.T) {
	defer func(table []renaming) { renamed = table }(renamed)
	renamed = append(renamed[:len(renamed):len(renamed)],
		renaming{"odslab/odslib/engine", "Start", "engine.Open"},
		renaming{"odslab/odslib", "Budget.Hours", "odslib.Budget.Minutes"},
		renaming{"odslab/odslib", "Plain", "odslib.Sampler"})
	for _, c := range []struct{ cell, want string }{
		{"r := &odslib.Result{}\nr.WriteNPZ(\"x.npz\")", "cell[1]:2:3: Result.WriteNPZ is renamed to npz.Write(path, result)"},
		{"import \"odslab/odslib/session\"\nfmt.Println(session.Seed())", "cell[1]:1:8: odslab/odslib/session is renamed to odslab/kernel/runtime/session"},
		{"import w \"odslab/odslib/engine/resident/wire\"\nfmt.Println(w.OK)", "cell[1]:1:10: odslab/odslib/engine/resident/wire is renamed to odslab/kernel/runtime/wire"},
		{"e, err := engine.Start()", "cell[1]:1:18: engine.Start is renamed to engine.Open"},
		{"import en \"odslab/odslib/engine\"\nfunc f() { en.Start() }\nf()", "cell[1]:2:15: en.Start is renamed to engine.Open"},
		{"b := odslib.Budget{Hours: 2}", "cell[1]:1:20: Budget.Hours is renamed to odslib.Budget.Minutes"},
		{"var b *odslib.Budget\nfmt.Println(b.Hours)", "cell[1]:2:15: Budget.Hours is renamed to odslib.Budget.Minutes"},
		{"for _, b := range []odslib.Budget{{Hours: 2}} { fmt.Println(b) }", "cell[1]:1:36: Budget.Hours is renamed to odslib.Budget.Minutes"},
		{"var s odslib.Plain", "cell[1]:1:14: odslib.Plain is renamed to odslib.Sampler"},
		{"type Budget struct{ Minutes int }\nb := Budget{Hours: 2}", "cell[1]:2:13: unknown field Hours in struct literal of type Budget; it has Minutes"},
		{"x := engine.Begin()", "cell[1]:1:13: undefined: engine.Begin"},
	} {
		_, err := newSession(t).Compile(1, c.cell)
		if e := (*Error)(nil); !errors.As(err, &e) || strings.Contains(e.Error(), "\n") || e.Error() != c.want {
			t.Errorf("%s\n  got  %v\n  want %s", c.cell, err, c.want)
		}
	}
}

// A package that is gone altogether is known by its name.
func TestPackageGone(t *testing.T) {
	defer func(table []renaming) { renamed = table }(renamed)
	renamed = []renaming{{"odslab/odslib/annealing", "", "odslab/odslib/smc"}, {"odslab/odslib/annealing", "Sampler", "smc.Bootstrap"}}
	for cell, want := range map[string]string{
		"s := annealing.Sampler{}": ": annealing.Sampler is renamed to smc.Bootstrap",
		"s := annealing.Other{}":   ": package annealing is renamed to odslab/odslib/smc",
	} {
		if _, err := newSession(t).Compile(1, cell); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v", err)
		}
	}
}
