package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// follower is a Compiler that knows which cells have read what.
type follower interface {
	// Follow says of which cell the next text to compile is: the front end's
	// name for it, or "" where it has none. A text aside is no cell.
	Follow(cell string, aside bool)
	// Stale lists the cells to run again, in order.
	Stale() []staleCell
	// Badge is a line about the cells that the last run has made stale, or "".
	Badge() string
}

// staleCell is a cell that has read what another has changed since.
type staleCell struct {
	Number int
	Cell   string // as in Follow
	Source string
	Head   string // its first line
}

// cellID is the name by which the front end knows the cell of a request:
// JupyterLab and VS Code send one.
func cellID(metadata json.RawMessage) string {
	var m struct {
		Cell any `json:"cellId"`
	}
	if json.Unmarshal(metadata, &m) != nil || m.Cell == nil {
		return ""
	}
	if s, ok := m.Cell.(string); ok {
		return s
	}
	return fmt.Sprint(m.Cell)
}

// badge says what the run has made stale, unless more cells wait: who runs all
// of them need not hear of each.
func (x *execution) badge(out *output) {
	if x.aside || x.again || x.k.queue.waiting() {
		return
	}
	line := ""
	x.k.use(func(c Compiler) {
		if f, ok := c.(follower); ok {
			line = f.Badge()
		}
	})
	if line != "" {
		out.stream("stderr", line+"\n")
	}
}

// isRerun: the whole cell is %rerun.
func isRerun(code string) bool { return strings.TrimSpace(code) == "%rerun" }

// rerun runs what is stale, each cell once at most, until none is left or one
// fails. A cell whose values turn out as before leaves its readers alone.
func (x *execution) rerun(ctx context.Context, out *output) *failure {
	stale := func() (list []staleCell, f *failure) {
		err := x.k.use(func(c Compiler) {
			if follow, ok := c.(follower); ok {
				list = follow.Stale()
			}
		})
		return list, kernelFailure(err)
	}
	n, cell := x.n, x.cell
	x.again, out.several = true, true
	defer func() { x.n, x.cell, x.again = n, cell, false }()
	var done []string
	for {
		list, f := stale()
		if f != nil {
			return f
		}
		i := slices.IndexFunc(list, func(s staleCell) bool { return !slices.Contains(done, s.key()) })
		if i < 0 {
			switch {
			case len(done) == 0:
				out.stream("stdout", "Nothing is stale.\n")
			case len(list) > 0:
				out.stream("stderr", "note: these cells change what each other has read; %stale lists what is stale after one round\n")
			}
			return nil
		}
		s := list[i]
		done = append(done, s.key())
		out.stream("stdout", fmt.Sprintf("── cell %d: %s\n", s.Number, s.Head))
		x.n, x.cell, x.k.renumber = s.Number, s.Cell, nil
		x.k.mu.Lock()
		x.k.sources[s.Number] = s.Source
		x.k.mu.Unlock()
		if _, f := x.run(ctx, s.Source, out); f != nil {
			return f
		}
	}
}

func (s staleCell) key() string {
	if s.Cell != "" {
		return "cell " + s.Cell
	}
	return "text " + s.Source
}
