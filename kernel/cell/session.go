package cell

import (
	"errors"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"odslab/kernel/runtime/contract"
)

// Options say where cells are built and where their values are.
type Options struct {
	ModuleDir string   // holds the go.mod that cells are built with
	Go        string   // the go command; "go" when empty
	Env       []string // of the go command; this process's when nil
	KeepDir   string   // where kept values are stored
	Resident  bool     // cells that compute do so in the kernel's resident process
}

// Session is the memory of one notebook. Its methods may be called from
// several goroutines.
type Session struct {
	opt  Options
	base Options // as it began, without modules that cells have added
	pkgs *packages
	got  map[string]string // modules that cells have added: path → version

	mu      sync.Mutex
	imports map[string]importSpec   // by key
	decls   map[string]*declaration // by key
	vars    map[string]*variable
	aliases map[string]string // import path → name in generated code
	shadow  map[string]bool   // package names that a note has been given for
	unmade  map[string]int    // variables whose cell ended before it set them

	literals  map[string]*piece // function literals that values hold, by id
	running   map[string]bool   // lines of goroutines that a note has been given for
	following *following        // which cells have read what
}

// importSpec is one import that the user wrote.
type importSpec struct {
	name string // as used in the text; "." and "_" too
	path string
	at   *piece
	off  int // of the path in the piece
}

func (i importSpec) key() string {
	if i.name == "." || i.name == "_" {
		return i.name + " " + i.path
	}
	return i.name
}

// declaration is a func, type or const that the notebook remembers.
type declaration struct {
	key    string // name, or "T.name" of a method
	names  []string
	recv   string
	piece  *piece
	idents map[string]bool
	blank  map[string]bool // names of a group that have been declared anew
	waits  []string        // functions that it calls and no cell had declared
	misfit string          // of a method that is dropped: what the checker says
}

// variable is a kept variable.
type variable struct {
	name  string
	typ   types.Type
	print string // layout of the type when kept
	cell  int

	file    string       // by value: where, with whom, how many bytes
	group   []string     // all variables in the file, sorted
	mates   []types.Type // and their types when it was written
	pointed bool
	dynamic []string // full names of types inside its interfaces
	known   []string // variables of packages, functions and literals that it names
	bytes   int
	sum     uint64   // equal for equal values; 0 when not known
	held    []string // arrays of the resident process that its file stands for
	shared  []string // sums of its arrays that the resident process has too

	source *piece            // by source: the statement that makes it
	from   map[string]string // by source: what it is made from, and its mark
	why    string            // why it isn't kept by value
	lost   bool              // gone: a mention is an error that says why
}

// how says where the data of a kept variable is.
func (v *variable) how() string {
	if len(v.held) > 0 {
		return "in the resident process"
	}
	if len(v.shared) > 0 {
		return "by value, and in the resident process"
	}
	return "by value"
}

// NewSession starts an empty notebook. Values of an earlier one in KeepDir go.
func NewSession(opt Options) (*Session, error) {
	if opt.Go == "" {
		opt.Go = "go"
	}
	if opt.KeepDir == "" {
		return nil, errors.New("cell: no folder for kept values")
	}
	var err error
	if opt.KeepDir, err = filepath.Abs(opt.KeepDir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(opt.KeepDir, 0o700); err != nil {
		return nil, err
	}
	s := &Session{opt: opt, base: opt, pkgs: newPackages(opt)}
	s.reset()
	go s.pkgs.ahead()
	return s, nil
}

// Held lists, by variable, the arrays of the resident process that the
// notebook's values stand for.
func (s *Session) Held() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]string{}
	for name, v := range s.vars {
		if len(v.held) > 0 {
			out[name] = v.held
		}
	}
	return out
}

// Shared lists the sums of the arrays that the notebook's values have and the
// resident process has too.
func (s *Session) Shared() (sums []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.vars {
		sums = append(sums, v.shared...)
	}
	return distinct(sums)
}

// Unshare forgets what the resident process has, since it has ended.
func (s *Session) Unshare() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.vars {
		v.shared = nil
	}
}

// distinct puts texts in order, each once.
func distinct(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

func (s *Session) reset() {
	s.imports, s.decls, s.vars = map[string]importSpec{}, map[string]*declaration{}, map[string]*variable{}
	s.aliases, s.shadow, s.unmade = map[string]string{}, map[string]bool{}, map[string]int{}
	s.literals, s.running = map[string]*piece{}, map[string]bool{}
	if len(s.got) > 0 {
		os.RemoveAll(s.opt.ModuleDir)
		s.opt = s.base
		s.pkgs = newPackages(s.opt)
	}
	s.got = map[string]string{}
	s.following = newFollowing()
	files, _ := filepath.Glob(filepath.Join(s.opt.KeepDir, "*"+contract.KeptSuffix))
	for _, f := range append(files, filepath.Join(s.opt.KeepDir, contract.SavedFile), filepath.Join(s.opt.KeepDir, contract.PlaceFile)) {
		os.Remove(f)
	}
}

// newDeclaration notes what a declaration piece declares. Groups of types are
// taken apart; groups of consts stay whole, because of iota.
func newDeclarations(p *piece) []*declaration {
	switch x := p.decl.(type) {
	case *ast.FuncDecl:
		d := &declaration{key: x.Name.Name, names: []string{x.Name.Name}, piece: p}
		if x.Recv != nil && len(x.Recv.List) > 0 {
			d.recv = receiver(x.Recv.List[0].Type)
			d.key, d.names = d.recv+"."+x.Name.Name, nil
		}
		d.findIdents(x)
		return []*declaration{d}
	case *ast.GenDecl:
		if x.Tok == token.TYPE && x.Lparen.IsValid() {
			var out []*declaration
			for _, spec := range x.Specs {
				out = append(out, typeOfGroup(p, spec.(*ast.TypeSpec)))
			}
			return out
		}
		d := &declaration{piece: p}
		for _, spec := range x.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				d.names = append(d.names, s.Name.Name)
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.Name != "_" {
						d.names = append(d.names, n.Name)
					}
				}
			}
		}
		if len(d.names) == 0 {
			d.key = "_" + strconv.Itoa(p.cell) + "." + strconv.Itoa(p.line) + "." + strconv.Itoa(p.col)
		} else {
			d.key = d.names[0]
		}
		d.findIdents(x)
		return []*declaration{d}
	}
	return nil
}

// typeOfGroup makes one spec of `type ( … )` a declaration of its own.
func typeOfGroup(p *piece, spec *ast.TypeSpec) *declaration {
	from, to := p.offset(spec.Pos()), p.offset(spec.End())
	q := p.copy()
	q.edit(0, from, "type ")
	q.edit(to, len(p.text), "")
	line, col := p.place(from)
	// A piece of its own, so that its text stands alone.
	own, err := parsePiece(chunk{text: "type " + p.text[from:to], line: line, col: max(col-5, 1)}, p.cell)
	if err != nil {
		own = q
	}
	d := &declaration{key: spec.Name.Name, names: []string{spec.Name.Name}, piece: own}
	d.findIdents(own.decl)
	return d
}

func (d *declaration) findIdents(n ast.Node) {
	d.idents = map[string]bool{}
	identifiers(n, func(id *ast.Ident) { d.idents[id.Name] = true })
}

func receiver(t ast.Expr) string {
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.ParenExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// place is the line and column in the cell of an offset into the piece.
func (p *piece) place(off int) (line, col int) {
	line, col = position(p.text, off)
	if line == 1 {
		col += p.col - 1
	}
	return p.line + line - 1, col
}

// declOf finds the declaration of a name (not a method).
func declOf(decls map[string]*declaration, name string) *declaration {
	if d := decls[name]; d != nil && slices.Contains(d.names, name) && !d.blank[name] {
		return d
	}
	for _, d := range decls {
		if slices.Contains(d.names, name) && !d.blank[name] {
			return d
		}
	}
	return nil
}
