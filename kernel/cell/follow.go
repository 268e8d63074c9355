package cell

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A notebook is out of step where a cell has run on a value that another cell
// has changed since. The session notes, for each cell that has run, what it
// read and which cell that came from. When a later run changes it, the reader
// is stale, and so is whoever has read a variable that a stale cell made.
//
// Changed means another value, by its sum, or another text of a declaration:
// the same value again changes nothing, and an old value come back makes its
// readers fresh. A cell that adds to a variable (x++) is not made stale by a
// later one that adds more, but by what sets the variable anew. What is dropped
// makes nobody stale: there is nothing newer to read.
//
// Where the front end names its cells, their order is known: x := 2 in a new
// cell is another x, which those that came before have nothing to do with, and
// a cell run again does not reach past a later one that makes the same name.

// Origin says which cell of the notebook a text comes from.
type Origin struct {
	// Cell is the front end's name for the cell. Where there is none, a cell is
	// known by its text.
	Cell string
	// Aside: the text is not a cell at all, but an expression of the front end.
	Aside bool
}

// Stale is a cell to run again.
type Stale struct {
	Number int // of its last run
	Source string
	Names  []string // that it has read
	Why    string   // "changed by cell 3"
	Origin Origin
}

// cellRun is the last run of one cell.
type cellRun struct {
	origin Origin
	n      int
	at     int // place among the cells, by their first runs
	src    string
	reads  map[string]string // name → mark of what was read
	from   map[string]string // variables: which cell made them
	adds   map[string]bool   // read and changed as well
	makes  map[string]bool   // declared or defined, not only set
	stale  map[string]int    // name → number of the cell that changed it
}

// following is what the session knows about its cells.
type following struct {
	runs    map[string]*cellRun // by cell
	marks   map[string]string   // name → its value or text now
	by      map[string]string   // variables: which cell changed them last
	next    int                 // place of the next new cell
	touched []*cellRun          // made stale by the last run
	sumless uint64              // values so far whose sum is not known
	late    []late              // methods that no longer fit
}

func newFollowing() *following {
	return &following{runs: map[string]*cellRun{}, marks: map[string]string{}, by: map[string]string{}}
}

func (o Origin) key(src string) string {
	if o.Cell != "" {
		return "cell " + o.Cell
	}
	return "text " + brief(strings.TrimSpace(src))
}

// brief is a text to compare, or its sum where it is long: it stays in memory.
func brief(text string) string {
	if len(text) <= 4<<10 {
		return text
	}
	return fmt.Sprintf("%x of %d bytes", sha256.Sum256([]byte(text)), len(text))
}

// maxFollowed is how long a cell may be that is followed: its text stays in
// memory, to be run again.
const maxFollowed = 1 << 20

// marks tells what each name of the notebook stands for.
func (s *Session) marks() map[string]string {
	out := map[string]string{}
	for _, x := range s.decls {
		if x.recv != "" {
			out[x.key] = brief(x.piece.text)
		}
		for _, name := range x.names {
			if !x.blank[name] {
				out[name] = brief(x.piece.text)
			}
		}
	}
	for name, v := range s.vars {
		switch {
		case v.lost:
			out[name] = fmt.Sprint("lost in ", v.cell)
		case v.source != nil:
			out[name] = "source " + brief(v.source.text)
		default:
			out[name] = fmt.Sprintf("%s %x", v.print, v.sum)
		}
	}
	return out
}

// follow notes the run of a program that has just been committed.
func (s *Session) follow(p *Program) {
	f, now := s.following, s.marks()
	run := &cellRun{origin: p.origin, n: p.N, at: f.next, src: p.text, reads: map[string]string{}, from: map[string]string{}, adds: map[string]bool{}, makes: maps.Clone(p.draft.defined), stale: map[string]int{}}
	for _, x := range p.draft.own {
		for _, name := range x.names {
			run.makes[name] = true
		}
	}
	for name := range p.reads {
		if mark, ok := f.marks[name]; ok {
			run.reads[name] = mark
			if maker := f.by[name]; maker != "" {
				run.from[name] = maker
			}
		}
	}
	key := p.origin.key(p.text)
	old := f.runs[key]
	if old != nil {
		run.at = old.at
	} else {
		f.next++
	}
	if !p.origin.Aside {
		delete(f.runs, key)
		if len(p.draft.stmts)+len(p.draft.own) > 0 && len(p.text) <= maxFollowed {
			f.runs[key] = run
		}
	}
	f.touched = nil
	for _, name := range slices.Sorted(maps.Keys(now)) {
		mark := now[name]
		if f.marks[name] == mark {
			continue
		}
		_, run.adds[name] = run.reads[name]
		for _, r := range f.runs {
			if read, ok := r.reads[name]; ok && r != run && !f.apart(r, run, name, old == nil) {
				f.changed(r, run, name, read == mark)
			}
		}
		f.marks[name] = mark
		delete(f.by, name)
		if v := s.vars[name]; v != nil && v.source == nil && !run.origin.Aside {
			f.by[name] = key
		}
	}
	for _, l := range f.late {
		if f.runs[l.run.origin.key(l.run.src)] == l.run && l.run != run {
			l.run.stale[l.name] = l.by
			f.touched = append(f.touched, l.run)
		}
	}
	f.late = nil
}

// apart: by the order of the notebook, what run has made of a name is not what
// r has read under it.
func (f *following) apart(r, run *cellRun, name string, isNew bool) bool {
	_, read := run.reads[name]
	if r.origin.Cell == "" || run.origin.Cell == "" || !run.makes[name] || read {
		return false
	}
	maker := f.runs[r.from[name]]
	return isNew || maker != nil && maker.at > run.at && maker.at < r.at && maker.makes[name] && !maker.adds[name]
}

// changed tells the reader r that run has changed a name; back says that it is
// again what r has read.
func (f *following) changed(r, run *cellRun, name string, back bool) {
	switch {
	case r.adds[name] && run.adds[name] && run.at > r.at:
	case back && !r.adds[name]:
		delete(r.stale, name)
	default:
		r.stale[name] = run.n
		if !slices.Contains(f.touched, r) {
			f.touched = append(f.touched, r)
		}
	}
}

// unfit makes stale the cell that has declared a method which no longer fits.
func (f *following) unfit(x *declaration, by int) {
	for _, r := range f.runs {
		if r.n == x.piece.cell {
			f.late = append(f.late, late{r, x.key, by})
		}
	}
}

// late is what follow has to mark when it has done the rest.
type late struct {
	run  *cellRun
	name string
	by   int
}

// edited: the cell holds another text now, which does not compile.
func (f *following) edited(o Origin, n int, src string) {
	r := f.runs[o.key(src)]
	switch {
	case r == nil || o.Cell == "" || o.Aside:
	case len(src) > maxFollowed:
		delete(f.runs, o.key(src))
	default:
		r.n, r.src = n, src
	}
}

// stale lists what is stale because of the given cells and of who read from
// them; nil stands for all.
func (f *following) stale(of []*cellRun) []Stale {
	runs := slices.SortedFunc(maps.Values(f.runs), func(a, b *cellRun) int { return cmp.Compare(a.at, b.at) })
	why := map[*cellRun]*Stale{}
	for _, r := range runs {
		if len(r.stale) == 0 || of != nil && !slices.Contains(of, r) {
			continue
		}
		names := slices.Sorted(maps.Keys(r.stale))
		var by []string
		for _, name := range names {
			if n := fmt.Sprint(r.stale[name]); !slices.Contains(by, n) {
				by = append(by, n)
			}
		}
		why[r] = &Stale{Names: names, Why: "changed by " + cellsText(by)}
	}
	for more := true; more; {
		more = false
		for _, r := range runs {
			if why[r] != nil {
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(r.from)) {
				maker := f.runs[r.from[name]]
				if maker == nil || why[maker] == nil || maker.at > r.at { // who comes after is no reason
					continue
				}
				if why[r] == nil {
					why[r], more = &Stale{Why: fmt.Sprintf("made by cell %d, which is stale", maker.n)}, true
				}
				why[r].Names = append(why[r].Names, name)
			}
		}
	}
	var out []Stale
	for _, r := range runs {
		if w := why[r]; w != nil {
			w.Number, w.Source, w.Origin = r.n, r.src, r.origin
			out = append(out, *w)
		}
	}
	return out
}

// Stale lists the cells that have read what was changed since, in the order in
// which the cells came to be.
func (s *Session) Stale() []Stale {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.following.stale(nil)
}
