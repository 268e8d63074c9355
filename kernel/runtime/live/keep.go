package live

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/runtime/snapshot"
)

// Keep makes the variable live on: at the end its value is written.
func Keep(name string, ptr any) {
	cell.Lock()
	defer cell.Unlock()
	for _, v := range cell.vars {
		if v.name == name {
			v.ptr = ptr
			return
		}
	}
	cell.vars = append(cell.vars, &variable{name, ptr})
}

// Held lists the arrays of a resident process that what codecs have written mentions, and how many bytes they have;
// package device sets it where they can occur.
var Held func(coded []byte) (ids []string, size int64)

// Shared lists the arrays in a stretch of memory that a resident process has too, by their sums; package device sets it.
var Shared func(memory []byte) (sums []string)

// unkept is a pointer to load into and then forget.
type unkept struct{ ptr any }

// Unkept marks a pointer given to Load whose variable is another one now.
func Unkept(ptr any) any { return unkept{ptr} }

// Load reads a kept file into the variables it holds, name and pointer in
// turn, and keeps them further.
func Load(file string, namesAndPointers ...any) {
	data, err := readKept(filepath.Join(cell.dir, file))
	var roots, keep []snapshot.Root
	for i := 0; i+1 < len(namesAndPointers); i += 2 {
		r := snapshot.Root{Name: namesAndPointers[i].(string), Ptr: namesAndPointers[i+1]}
		if u, ok := r.Ptr.(unkept); ok {
			r.Ptr = u.ptr
		} else {
			keep = append(keep, r)
		}
		roots = append(roots, r)
	}
	if err == nil {
		err = snapshot.Adopt(data, roots)
	}
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = errors.New("its kept file is gone")
		}
		names := make([]string, len(roots))
		for i, r := range roots {
			names[i] = r.Name
		}
		panic(raised{fmt.Errorf("%s can't be loaded: %w; run the cell that defines it again", strings.Join(names, ", "), err)})
	}
	cell.loaded[file] = snapshot.StampOf(data)
	for _, r := range keep {
		Keep(r.Name, r.Ptr)
	}
}

// Partial keeps value under name, says in one line why it is partial, and ends
// the cell with err. It does not return.
func Partial(name string, value any, err error) {
	if name != "" && value != nil {
		p := reflect.New(reflect.TypeOf(value))
		p.Elem().Set(reflect.ValueOf(value))
		Keep(name, p.Interface())
	}
	panic(raised{err})
}

// FileName is the file of a group of variables: readable, and apart on file
// systems that ignore case.
func FileName(names []string) string {
	var parts []string
	for _, n := range names {
		if n != strings.ToLower(n) || strings.ContainsFunc(n, func(r rune) bool { return r > 126 }) {
			n = "=" + fmt.Sprintf("%x", n)
		}
		parts = append(parts, n)
	}
	name := strings.Join(parts, "+")
	if len(name) > 200 {
		h := uint64(14695981039346656037)
		for _, b := range []byte(name) {
			h = (h ^ uint64(b)) * 1099511628211
		}
		name = name[:150] + "~" + strconv.FormatUint(h, 16)
	}
	return name + contract.KeptSuffix
}

func savedFile(dir string) string { return filepath.Join(dir, contract.SavedFile) }

// save writes every variable of the cell, each group into a file of its own
// beside the old one, then the list of what there is now, a contract.Saved.
// Where one can't be written, none is: what was kept before stays.
func save() error {
	if cell.dir == "" || Copy {
		return nil
	}
	cell.Lock()
	defer cell.Unlock()
	keepPlace(cell.dir)
	roots := make([]snapshot.Root, len(cell.vars))
	for i, v := range cell.vars {
		roots[i] = snapshot.Root{Name: v.name, Ptr: v.ptr}
	}
	slices.SortFunc(roots, func(a, b snapshot.Root) int { return strings.Compare(a.Name, b.Name) })
	groups, refused := snapshot.Groups(roots, func(names []string) snapshot.Stamp { return cell.loaded[FileName(names)] })
	types := map[string]string{}
	for _, r := range roots {
		types[r.Name] = snapshot.TypeName(reflect.TypeOf(r.Ptr).Elem())
	}
	var j object
	j.open()
	j.key("number").raw(strconv.Itoa(cell.number))
	j.key("groups").array()
	for _, g := range groups {
		file := FileName(g.Names)
		if !g.Same {
			if err := writeKept(filepath.Join(cell.dir, file), g.Image); err != nil {
				removeNew(cell.dir)
				return err
			}
		}
		j.item().open()
		j.key("file").text(file)
		j.key("bytes").raw(strconv.Itoa(g.Image.Size()))
		j.key("same").raw(strconv.FormatBool(g.Same))
		j.key("sums").array()
		for _, sum := range g.Sums {
			j.item().raw(strconv.FormatUint(sum, 10))
		}
		j.close(']')
		j.key("names").texts(g.Names)
		j.key("types").array()
		for _, n := range g.Names {
			j.item().text(types[n])
		}
		j.close(']')
		j.key("dynamic").texts(g.Types)
		j.key("known").texts(g.Known)
		if Held != nil {
			var ids []string
			var size int64
			for part := range g.Image.Coded() {
				i, n := Held(part)
				ids, size = append(ids, i...), size+n
			}
			j.key("held").texts(ids)
			j.key("heldBytes").raw(strconv.FormatInt(size, 10))
		}
		if Shared != nil {
			var sums []string
			for part := range g.Image.Long() {
				sums = append(sums, Shared(part)...)
			}
			j.key("shared").texts(sums)
		}
		j.key("pointed").array()
		for _, p := range g.Pointed {
			j.item().raw(strconv.FormatBool(p))
		}
		j.close(']')
		j.close('}')
	}
	j.close(']')
	j.key("refused").open()
	for _, r := range roots {
		if err, ok := refused[r.Name]; ok {
			j.key(r.Name).text(err.Error())
		}
	}
	j.close('}')
	j.key("running").texts(running())
	j.close('}')
	err := write(savedFile(cell.dir), j.b)
	if err != nil {
		removeNew(cell.dir)
	}
	return err
}

// removeNew removes what a save that did not come to its end has left.
func removeNew(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, "*"+contract.NewSuffix))
	for _, file := range left {
		os.Remove(file)
	}
}
