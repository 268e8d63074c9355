package cell

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"

	"odslab/kernel/toolchain"
	"odslab/odslib/atomicfile"
)

// listing is what go list has said of the packages of cells, kept beside their
// go.mod: the next kernel need not wait for go list, nor share the machine with
// it while it builds its first cell.
//
// It serves as long as Key and Sources are what they were and Go's build cache
// still has all export data.
type listing struct {
	Key      string   // go.mod, go.sum, the go command's settings, what is asked for
	Folders  []string // of replaced modules, where packages of the listing lie
	Sources  string   // hash of names, sizes and times of all sources there
	Exported []*pkg   // with export data
	Found    []*pkg   // by name
}

const listingFile = "packages.json"

// settings are those of the go command that say what it lists.
var settings = []string{
	"GOVERSION", "GOROOT", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOFLAGS", "GOEXPERIMENT", "GOWORK",
	"CGO_ENABLED", "CC", "CGO_CFLAGS", "CGO_CPPFLAGS", "GOMODCACHE", "GOCACHE", "GOTOOLDIR",
}

// listingKey covers what a listing depends on, but for the sources of replaced modules.
func (p *packages) listingKey() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.opt.Go, append([]string{"env"}, settings...)...)
	cmd.Dir, cmd.Env = p.opt.ModuleDir, p.opt.Env
	env, err := cmd.Output()
	if err != nil {
		return "", err
	}
	values := strings.Split(string(env), "\n")
	p.mu.Lock()
	p.tools = ""
	if flags := strings.Fields(values[slices.Index(settings, "GOFLAGS")]); !slices.ContainsFunc(flags, changesCode) {
		p.tools = values[slices.Index(settings, "GOTOOLDIR")]
	}
	p.mu.Unlock()
	h := sha256.New()
	fmt.Fprintln(h, basePackages, preferred, indexPatterns, toolchain.PackageFlags(p.opt.Resident))
	h.Write(env)
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(p.opt.ModuleDir, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, name, len(data))
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// changesCode reports whether a flag in GOFLAGS may change what the compiler and
// the linker are told.
func changesCode(flag string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(flag, "-"), "=")
	return !slices.Contains([]string{"buildvcs", "mod", "modcacherw", "modfile", "p", "v", "x"}, name)
}

// restore takes over the listing of an earlier kernel, if it still holds.
func (p *packages) restore() bool {
	began := time.Now()
	key, err := p.listingKey()
	if err != nil {
		return false
	}
	p.mu.Lock()
	p.key = key // before anything is listed: what changes meanwhile is noticed
	p.mu.Unlock()
	data, err := os.ReadFile(filepath.Join(p.opt.ModuleDir, listingFile))
	if err != nil {
		return false
	}
	var l listing
	if json.Unmarshal(data, &l) != nil || l.Key != key || len(l.Exported) == 0 || len(l.Found) == 0 {
		return false
	}
	if now, _, err := sources(l.Folders); err != nil || now != l.Sources {
		return false
	}
	if slices.ContainsFunc(l.Exported, (*pkg).trimmed) {
		return false
	}
	p.mu.Lock()
	for _, q := range l.Exported {
		p.exported[q.ImportPath] = q
	}
	p.since, p.restored = began, true
	p.mu.Unlock()
	p.index.Do(func() { p.name(l.Found) })
	return true
}

// kept says whether the packages come from the listing of an earlier kernel.
func (p *packages) kept() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.restored
}

// trimmed says whether Go's build cache has dropped the export data.
func (q *pkg) trimmed() bool {
	if q.Export == "" {
		return false
	}
	_, err := os.Stat(q.Export)
	return err != nil
}

// store keeps the listing for the next kernel, unless sources have changed since
// or shortly before it was made. It is a help and no more: if it can't be
// written, the next kernel lists again.
func (p *packages) store() {
	p.mu.Lock()
	l, since := listing{Key: p.key, Found: p.found}, p.since
	for _, q := range p.exported {
		// Packages with an error are asked for again, so that they are found when mended.
		if q.Error == nil && (q.Export != "" || q.ImportPath == "unsafe") {
			l.Exported = append(l.Exported, q)
		}
	}
	p.mu.Unlock()
	if l.Key == "" || len(l.Found) == 0 {
		return
	}
	slices.SortFunc(l.Exported, func(a, b *pkg) int { return strings.Compare(a.ImportPath, b.ImportPath) })
	var err error
	if l.Folders, err = p.folders(slices.Concat(l.Exported, l.Found)); err != nil {
		return
	}
	var last time.Time
	if l.Sources, last, err = sources(l.Folders); err != nil || last.After(since.Add(-toolchain.Settled)) {
		return
	}
	if now, err := p.listingKey(); err != nil || now != l.Key {
		return
	}
	text, err := json.Marshal(l)
	if err != nil {
		return
	}
	_ = atomicfile.Write(filepath.Join(p.opt.ModuleDir, listingFile), text, 0o600) // without it the next kernel lists anew
}

// folders are the parts of replaced modules in which packages lie: a module's
// folder itself may hold much else.
func (p *packages) folders(all []*pkg) ([]string, error) {
	path := filepath.Join(p.opt.ModuleDir, "go.mod")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	mod, err := modfile.Parse(path, data, nil)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, r := range mod.Replace {
		if r.New.Version != "" {
			continue
		}
		root := r.New.Path
		if !filepath.IsAbs(root) {
			root = filepath.Join(p.opt.ModuleDir, root)
		}
		seen[filepath.Join(root, "go.mod")] = true
		for _, q := range all {
			if rel, err := filepath.Rel(root, q.Dir); err == nil && filepath.IsLocal(rel) {
				first, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
				seen[filepath.Join(root, first)] = true
			}
		}
	}
	var out []string
	for dir := range seen {
		out = append(out, dir)
	}
	slices.Sort(out)
	return out, nil
}

// sources hashes names, sizes and times of all files below the folders but for
// tests, and returns the time of the last change.
func sources(folders []string) (hash string, last time.Time, err error) {
	var b bytes.Buffer
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name := d.Name()
			if d.IsDir() {
				if path != folder && (name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
					return filepath.SkipDir // as the go command does
				}
				return nil
			}
			if strings.HasSuffix(name, "_test.go") {
				return nil
			}
			info, err := os.Stat(path) // follows links, as the compiler does
			if err != nil {
				return err
			}
			fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
			if info.ModTime().After(last) {
				last = info.ModTime()
			}
			return nil
		})
		if err != nil {
			return "", last, err
		}
	}
	sum := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(sum[:]), last, nil
}
