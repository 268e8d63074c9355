package cell

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// magic answers the session's own magics; the others are GoNB's.
func (s *Session) magic(p *Program, m Magic) (own bool, err error) {
	words := strings.Fields(m.Text)
	switch words[0] {
	case "%who":
		p.Text += s.who()
	case "%drop":
		if len(words) < 2 {
			return true, errors.New("say what to drop: %drop x y")
		}
		for _, name := range words[1:] {
			text, err := s.dropName(name)
			if err != nil {
				return true, err
			}
			p.Text += text
		}
	case "%get":
		if len(words) < 2 {
			return true, errors.New("say what to get: %get module@version")
		}
		for _, what := range words[1:] {
			text, err := s.get(what)
			if err != nil {
				return true, err
			}
			p.Text += text
		}
	case "%stale":
		p.Text += s.following.staleText()
	case "%rerun":
		return true, errors.New("%rerun stands alone in its cell")
	case "%reset":
		s.reset()
		p.Text += "Variables, declarations and imports are gone.\n"
	default:
		return false, nil
	}
	return true, nil
}

func isOwnMagic(text string) bool {
	words := strings.Fields(text)
	return slices.Contains([]string{"%who", "%drop", "%reset", "%stale", "%rerun", "%get"}, words[0])
}

// who lists what the notebook remembers.
func (s *Session) who() string {
	if len(s.vars)+len(s.decls) == 0 {
		return "Nothing is kept yet.\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "name\ttype\tsize\tkept\tcell")
	for _, name := range slices.Sorted(maps.Keys(s.vars)) {
		v := s.vars[name]
		how, size := v.how(), bytesText(v.bytes)
		if len(v.group) > 1 {
			others := slices.DeleteFunc(slices.Clone(v.group), func(n string) bool { return n == name })
			how += " with " + strings.Join(others, ", ")
		}
		switch {
		case v.lost:
			how, size = "gone: "+v.why, ""
		case v.source != nil:
			how, size = "made again: "+v.why, ""
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\n", name, plainType(v.typ), size, how, v.cell)
	}
	for _, key := range slices.Sorted(maps.Keys(s.decls)) {
		x := s.decls[key]
		kind, _, _ := strings.Cut(x.piece.text, " ")
		fmt.Fprintf(w, "%s\t%s\t\tdeclared\t%d\n", key, kind, x.piece.cell)
	}
	w.Flush()
	return b.String()
}

func bytesText(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// dropName forgets a variable or declaration and says what that breaks.
func (s *Session) dropName(name string) (string, error) {
	before := s.uncompilable(name)
	text := name + " is dropped."
	if v := s.vars[name]; v != nil {
		delete(s.vars, name)
		if len(v.group) < 2 && v.file != "" {
			os.Remove(filepath.Join(s.opt.KeepDir, v.file))
		}
	} else if x := s.decls[name]; x != nil && x.recv != "" {
		delete(s.decls, name)
	} else if x := declOf(s.decls, name); x != nil {
		y := *x
		y.blank = map[string]bool{name: true}
		for n := range x.blank {
			y.blank[n] = true
		}
		delete(s.decls, x.key)
		if len(y.blank) < len(y.names) {
			s.decls[x.key] = &y
		}
		for key, m := range s.decls {
			if m.recv == name {
				delete(s.decls, key)
			}
		}
		var values []string
		for _, n := range slices.Sorted(maps.Keys(s.vars)) {
			if v := s.vars[n]; v.typ != nil && slices.Contains(ownTypes(v.typ), name) {
				values = append(values, n)
				delete(s.vars, n)
			}
		}
		if len(values) > 0 {
			text += " These are of its type and go with it: " + strings.Join(values, ", ") + "."
		}
	} else {
		return "", fmt.Errorf("nothing named %s is kept; %%who lists what is", name)
	}
	var users []string
	for _, key := range s.uncompilable(name) {
		if !slices.Contains(before, key) {
			users = append(users, fmt.Sprintf("%s (cell %d)", key, s.decls[key].piece.cell))
		}
	}
	if len(users) > 0 {
		text += " These use it and no longer compile: " + strings.Join(users, ", ") + "."
	}
	return text + "\n", nil
}

// uncompilable lists the remembered declarations that mention a name and do
// not compile as the notebook stands.
func (s *Session) uncompilable(name string) (keys []string) {
	if s.pkgs.warm() != nil {
		return nil
	}
	d := s.newDraft(0)
	for _, key := range slices.Sorted(maps.Keys(s.decls)) {
		if x := s.decls[key]; x.idents[name] && x.recv != name && !slices.Contains(x.names, name) && d.stillCompiles(x, &Program{}) != "" {
			keys = append(keys, key)
		}
	}
	return keys
}
