package snapshot

import (
	"maps"
	"slices"
	"unsafe"
)

// Group is a set of variables that share memory, written together.
type Group struct {
	Names []string
	Image *Image
	// Types are the full names of the types to Register before decoding.
	Types []string
	// Known are the names of what is kept by name: exported variables and
	// functions to register before decoding.
	Known []string
	// Pointed says, per name, that another value points at the variable itself.
	Pointed []bool
	// Same says that the image is the one whose stamp earlier returned.
	Same bool
	// Sums, per name, are equal for variables that reach equal memory, whatever
	// group they stand in. There are none where Same is set.
	Sums []uint64
}

// Groups writes the roots, those that share memory into one group. Roots that
// can't be kept are left out and named in refused. What earlier, if not nil,
// returns for a group's names is the stamp of what was written before, or the
// zero Stamp: where nothing has changed since, there is no need to write it.
func Groups(roots []Root, earlier func(names []string) Stamp) (groups []Group, refused map[string]error) {
	refused = map[string]error{}
	var objects []object
	mapRoot := map[unsafe.Pointer][]int{}
	parent, walks := make([]int, len(roots)), make([]*memory, len(roots))
	for i, r := range roots {
		parent[i] = i
		// Each root has its own walk, so that one refused leaves no trace.
		m := newMemory()
		walks[i] = m
		if err := m.addRoot(i, r.Ptr); err != nil {
			refused[r.Name] = err
			parent[i] = -1
			continue
		}
		if len(roots) > 1 {
			objects = append(objects, m.objects...)
			for p := range m.maps {
				mapRoot[p] = append(mapRoot[p], i)
			}
		}
	}
	find := func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	join := func(a, b int) {
		if a, b = find(a), find(b); a != b {
			parent[max(a, b)] = min(a, b)
		}
	}
	joinShared(objects, join)
	for _, rs := range mapRoot {
		for _, r := range rs[1:] {
			join(rs[0], r)
		}
	}
	members := map[int][]Root{}
	for i, r := range roots {
		if parent[i] >= 0 {
			members[find(i)] = append(members[find(i)], r)
		}
	}
	for _, i := range slices.Sorted(maps.Keys(members)) {
		var old Stamp
		if earlier != nil {
			var names []string
			for _, r := range members[i] {
				names = append(names, r.Name)
			}
			old = earlier(names)
		}
		var walk *memory
		if len(members[i]) == 1 {
			walk = walks[i]
		}
		g, err := encode(members[i], walk, old)
		if err != nil {
			for _, r := range members[i] {
				refused[r.Name] = err
			}
			continue
		}
		groups = append(groups, g)
	}
	return groups, refused
}

// joinShared joins the roots of ranges that overlap.
func joinShared(objects []object, join func(a, b int)) {
	slices.SortFunc(objects, func(a, b object) int {
		if a.addr < b.addr {
			return -1
		} else if a.addr > b.addr {
			return 1
		}
		return 0
	})
	var end uintptr
	root := 0
	for i, o := range objects {
		if i > 0 && o.addr < end {
			join(root, o.root)
		} else {
			root = o.root
		}
		if o.end() > end {
			end = o.end()
		}
	}
}

// sums tells for each root alone what it reaches; 0 is not known.
func sums(roots []Root, whole *Image) []uint64 {
	if len(roots) == 1 {
		return []uint64{whole.Stamp().Sum}
	}
	out := make([]uint64, len(roots))
	for i := range roots {
		if g, err := encode(roots[i:i+1], nil, Stamp{}); err == nil {
			out[i] = g.Sums[0]
		}
	}
	return out
}
