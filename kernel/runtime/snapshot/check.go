package snapshot

import (
	"encoding/binary"
	"hash/crc32"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
)

// check is a sum of 64 bits over a stream, taken chunk by chunk so that several processors can share the work: of each
// chunk two CRCs whose polynomials have no common factor, which are the remainder by the product of both, and of these
// remainders the same again. The processor computes a CRC at the speed of memory, which no 64-bit hash of the standard
// library does and keeps from process to process.
type check struct {
	now  crcs
	n    int    // of the chunk so far
	done []byte // the sums of the chunks before
}

const (
	checkChunk = 1 << 20
	checkBlock = 16 << 10 // is read from memory once for both CRCs
)

type crcs struct{ a, b uint32 }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (c *crcs) add(p []byte) {
	for len(p) > 0 {
		q := p[:min(len(p), checkBlock)]
		c.a = crc32.Update(c.a, castagnoli, q)
		c.b = crc32.Update(c.b, crc32.IEEETable, q)
		p = p[len(q):]
	}
}

func (c crcs) sum() uint64 { return uint64(c.a)<<32 | uint64(c.b) }

func (c *check) add(p []byte) {
	for len(p) > 0 {
		q := p[:min(len(p), checkChunk-c.n)]
		c.now.add(q)
		p, c.n = p[len(q):], c.n+len(q)
		if c.n == checkChunk {
			c.end()
		}
	}
}

func (c *check) end() {
	c.done = binary.LittleEndian.AppendUint64(c.done, c.now.sum())
	c.now, c.n = crcs{}, 0
}

func (c *check) sum() uint64 {
	if c.n > 0 {
		c.end()
	}
	var all crcs
	all.add(c.done)
	return all.sum()
}

// sumOf sums parts that are size bytes together.
func sumOf(parts iter.Seq[[]byte], size int) uint64 {
	workers := min(runtime.GOMAXPROCS(0), size/checkChunk)
	if workers < 2 {
		var c check
		for p := range parts {
			c.add(p)
		}
		return c.sum()
	}
	chunks := make([][][]byte, 1, size/checkChunk+1)
	room := checkChunk
	for p := range parts {
		for len(p) > 0 {
			if room == 0 {
				chunks, room = append(chunks, nil), checkChunk
			}
			q := p[:min(len(p), room)]
			last := &chunks[len(chunks)-1]
			*last = append(*last, q)
			p, room = p[len(q):], room-len(q)
		}
	}
	c := check{done: make([]byte, 8*len(chunks))}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(chunks) {
					return
				}
				var one crcs
				for _, p := range chunks[i] {
					one.add(p)
				}
				binary.LittleEndian.PutUint64(c.done[8*i:], one.sum())
			}
		})
	}
	wg.Wait()
	return c.sum()
}
