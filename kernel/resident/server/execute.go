package server

import (
	"fmt"

	"odslab/odslib/engine/record"

	"github.com/gomlx/compute"
)

// execute runs a program. The memory of a donated buffer is used again only when nobody else holds it: no id, no other
// handle, no other input.
func (k *connection) execute(d *record.Dec, out *record.Enc) (err error) {
	s, l := k.s, k.l
	id, device := d.Uint(), compute.DeviceNum(d.Int())
	n := d.Count()
	entries, buffers, donate := make([]*entry, n), make([]compute.Buffer, n), make([]bool, n)
	used := false
	s.mu.Lock()
	p := l.programs[id]
	if p == nil {
		err = fmt.Errorf("no program %d", id)
	}
	for i := 0; i < n && err == nil; i++ {
		h, given := d.Uint(), d.Bool()
		e := l.buffers[h]
		if e == nil {
			err = fmt.Errorf("input %d: no buffer %d", i, h)
			break
		}
		entries[i], buffers[i] = e, e.buffer
		e.holders++
		if given {
			delete(l.buffers, h)
			e.holders--
			donate[i] = e.holders == 1
		}
	}
	if err == nil {
		err = d.Err
	}
	for i, e := range entries { // given twice, or given and lent
		for j := range i {
			if e != nil && entries[j] == e {
				donate[i], donate[j] = false, false
			}
		}
	}
	l.running++
	s.stats.Executed++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		l.running--
		for i, e := range entries {
			switch {
			case e == nil:
			case donate[i] && used:
				e.holders--
				s.forget(e)
			default:
				s.release(e)
			}
		}
	}()
	if err != nil {
		return err
	}
	if err := s.room(p.bytes); err != nil {
		return err
	}
	results, err := p.Execute(buffers, donate, device)
	if err != nil {
		return err
	}
	used = true
	shapes := p.Outputs()
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Uint(uint64(len(results)))
	for i, b := range results {
		if !p.spread && len(results) == len(shapes) && !shapes[i].IsDynamic() {
			out.Uint(s.add(l, b, shapes[i], device))
			out.Bool(false)
			continue
		}
		shape, err := b.Shape()
		if err != nil {
			return err
		}
		on, err := b.DeviceNum()
		if err != nil {
			return err
		}
		out.Uint(s.add(l, b, shape, on))
		out.Bool(true)
		out.Int(int64(on))
		record.EncShape(out, shape)
	}
	return nil
}
