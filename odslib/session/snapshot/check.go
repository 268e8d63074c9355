package snapshot

import (
	"hash/crc32"
	"iter"
	"sync"
)

// check is a sum of 64 bits: two CRCs whose polynomials have no common factor are the remainder by the product of both.
// The processor computes each at the speed of memory, which no 64-bit hash of the standard library does and keeps from
// process to process.
type check struct{ a, b uint32 }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	checkBlock    = 32 << 10 // is read from memory once for both
	checkParallel = 1 << 20  // from here on each has a processor of its own
)

func (c *check) add(p []byte) {
	for len(p) > 0 {
		q := p[:min(len(p), checkBlock)]
		c.a = crc32.Update(c.a, castagnoli, q)
		c.b = crc32.Update(c.b, crc32.IEEETable, q)
		p = p[len(q):]
	}
}

func (c *check) sum() uint64 { return uint64(c.a)<<32 | uint64(c.b) }

// sumOf sums parts that are about size bytes together.
func sumOf(parts iter.Seq[[]byte], size int) uint64 {
	var c check
	if size < checkParallel {
		for p := range parts {
			c.add(p)
		}
		return c.sum()
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for p := range parts {
			c.a = crc32.Update(c.a, castagnoli, p)
		}
	})
	for p := range parts {
		c.b = crc32.Update(c.b, crc32.IEEETable, p)
	}
	wg.Wait()
	return c.sum()
}
