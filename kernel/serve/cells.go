package serve

import (
	"errors"

	"odslab/kernel/cell"
)

// cells is the Compiler of real kernels: package cell, as the kernel sees it.
type cells struct {
	*cell.Session
	next cell.Origin
}

// newCells starts an empty notebook.
func newCells(opt cell.Options) (Compiler, error) {
	s, err := cell.NewSession(opt)
	if err != nil {
		return nil, err
	}
	return &cells{Session: s}, nil
}

func (c *cells) IsComplete(src string) (status, indent string) { return cell.IsComplete(src) }

func (c *cells) Follow(id string, aside bool) { c.next = cell.Origin{Cell: id, Aside: aside} }

func (c *cells) Stale() (out []staleCell) {
	for _, s := range c.Session.Stale() {
		out = append(out, staleCell{Number: s.Number, Cell: s.Origin.Cell, Source: s.Source, Head: cell.Beginning(s.Source)})
	}
	return out
}

func (c *cells) Compile(n int, src string) (*Program, error) {
	p, err := c.Session.CompileCell(c.next, n, src)
	var bad *cell.Error
	if errors.As(err, &bad) {
		all := bad.All
		if len(all) == 0 {
			all = []cell.Error{*bad}
		}
		e := &CompileError{}
		for _, x := range all {
			e.Problems = append(e.Problems, Problem{max(x.Cell, 0), x.Line, x.Col, x.Msg})
		}
		return nil, e
	}
	if err != nil {
		return nil, err
	}
	out := &Program{Key: p.Key, Notes: p.Notes, Text: p.Text, Computes: p.Computes, Resident: p.Resident, Link: p.Link}
	for _, m := range p.Magics {
		out.Magics = append(out.Magics, m.Text)
	}
	if !p.Empty {
		out.Source = p.Source
		out.Commit = func() error { return c.Session.Commit(p) }
		out.After = func() []string { return p.After }
		out.Loaded = p.Loaded
	}
	return out, nil
}
