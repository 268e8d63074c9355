package server

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"odslab/odslib/engine/record"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

const (
	spillSuffix  = ".array"
	spillDefault = 1 << 30
)

// spill is the folder where kept buffers lie for the process that comes after a crash.
type spill struct {
	dir string // "": none
	max int64
	run string // begins the ids of this process

	work chan func()
	idle sync.WaitGroup

	mu    sync.Mutex
	files map[string]*spilled // by id
	total int64               // bytes of all
}

// spilled is a file, or one that is being written.
type spilled struct {
	bytes int64
	whole bool
}

func openSpill(dir string, limit int64) (*spill, error) {
	if limit == 0 {
		limit = spillDefault
	}
	sp := &spill{dir: dir, max: limit, run: rand.Text()[:10], files: map[string]*spilled{}, work: make(chan func(), 1024)}
	if dir == "" {
		return sp, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		id, ok := strings.CutSuffix(f.Name(), spillSuffix)
		info, err := f.Info()
		if !ok || err != nil { // left by a process that was killed while it wrote
			os.Remove(filepath.Join(dir, f.Name()))
			continue
		}
		sp.files[id] = &spilled{info.Size(), true}
		sp.total += info.Size()
	}
	sp.idle.Go(func() {
		for f := range sp.work {
			f()
		}
	})
	return sp, nil
}

func (sp *spill) close() {
	close(sp.work)
	sp.idle.Wait()
}

func (sp *spill) path(id string) string { return filepath.Join(sp.dir, id+spillSuffix) }

func (sp *spill) has(id string) bool {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	f := sp.files[id]
	return f != nil && f.whole
}

// spillLater writes a buffer in the background, which it holds until then; the caller has the server's lock.
func (s *Server) spillLater(e *entry) {
	sp := s.spill
	if sp.dir == "" {
		return
	}
	id := e.id
	e.holders++
	write := func() {
		defer func() {
			s.mu.Lock()
			s.release(e)
			s.mu.Unlock()
		}()
		s.mu.Lock()
		wanted := s.kept[id] == e
		s.mu.Unlock()
		if !wanted || !sp.reserve(id, int64(e.shape.ByteSize())) {
			return
		}
		data, err := bytesOf(e.buffer, e.shape)
		if err == nil {
			err = sp.write(id, e.shape, e.device, data)
		}
		if err != nil {
			sp.drop(id)
		}
	}
	select {
	case sp.work <- write:
	default: // a thousand are waiting: this one is not worth holding up the cell
		e.holders--
	}
}

// reserve takes room for n bytes, if there is.
func (sp *spill) reserve(id string, n int64) bool {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if sp.total+n > sp.max {
		return false
	}
	sp.files[id] = &spilled{bytes: n}
	sp.total += n
	return true
}

// write puts the array at its place whole or not at all.
func (sp *spill) write(id string, shape shapes.Shape, device compute.DeviceNum, data []byte) error {
	e := &record.Enc{}
	record.EncShape(e, shape)
	e.Int(int64(device))
	e.Bytes(data)
	tmp := sp.path(id) + ".tmp"
	err := os.WriteFile(tmp, e.B, 0o600)
	if err == nil {
		err = os.Rename(tmp, sp.path(id))
	}
	if err != nil {
		os.Remove(tmp)
		return err
	}
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if f := sp.files[id]; f != nil {
		f.whole = true
		return nil
	}
	return os.Remove(sp.path(id)) // given up while it was written
}

func (sp *spill) read(id string) (shape shapes.Shape, device compute.DeviceNum, flat any, err error) {
	if !sp.has(id) {
		return shape, 0, nil, errLost
	}
	data, err := os.ReadFile(sp.path(id))
	if err != nil {
		return shape, 0, nil, fmt.Errorf("%w: %v", errLost, err)
	}
	d := &record.Dec{B: data}
	shape, device = record.DecShape(d), compute.DeviceNum(d.Int())
	b := d.Bytes()
	if d.Err != nil || !shape.Ok() {
		return shape, 0, nil, fmt.Errorf("%w: its file is damaged", errLost)
	}
	flat, err = record.MakeFlat(shape.DType, uint64(shape.Size()), uint64(len(b)))
	if err != nil {
		return shape, 0, nil, fmt.Errorf("%w: its file is damaged", errLost)
	}
	if len(b) > 0 {
		copy(dtypes.UnsafeByteSliceFromAny(flat), b)
	}
	return shape, device, flat, nil
}

// drop removes what lies under an id, or the room that was taken for it.
func (sp *spill) drop(id string) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if f := sp.files[id]; f != nil {
		sp.total -= f.bytes
		delete(sp.files, id)
		os.Remove(sp.path(id))
	}
}

// retain removes what is not wanted.
func (sp *spill) retain(wanted []string) {
	sp.mu.Lock()
	var gone []string
	for id := range sp.files {
		if !slices.Contains(wanted, id) {
			gone = append(gone, id)
		}
	}
	sp.mu.Unlock()
	for _, id := range gone {
		sp.drop(id)
	}
}
