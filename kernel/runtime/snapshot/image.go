package snapshot

import (
	"bytes"
	"encoding/binary"
	"io"
	"iter"
)

// How a file is laid out: magic, the length of the head, the head; then the long stretches, each at a multiple of
// farAlign; then the sum of all before it, eight bytes.
const (
	magic    = "odslab2\n"
	headAt   = len(magic) + 8
	sumSize  = 8
	farAlign = 16
	// farSize is from what length on a stretch stands apart, where it is neither copied to be written nor to be read.
	farSize = 256
	// writeSize is how much is copied, summed and written at a time: what the processor's own cache holds.
	writeSize = 256 << 10
)

var zeros [farAlign]byte

// Image is a group as it stands in a file. Long stretches of memory are not copied into it: an image is to be written
// before its variables change.
type Image struct {
	head []byte // magic and length included
	far  []stretch
	size int
	sum  uint64
}

// stretch is a long piece of memory, or of what a codec returned.
type stretch struct {
	b     []byte
	coded bool
}

// Stamp tells images apart: equal for equal ones, and none's is the zero Stamp.
type Stamp struct {
	Sum  uint64
	Size int
}

// StampOf is the stamp of the image in a file.
func StampOf(file []byte) Stamp {
	if len(file) < headAt+sumSize {
		return Stamp{}
	}
	return Stamp{binary.LittleEndian.Uint64(file[len(file)-sumSize:]), len(file)}
}

// newImage lays head and far out. The head has room for magic and length.
func newImage(head []byte, far []stretch) *Image {
	copy(head, magic)
	binary.LittleEndian.PutUint64(head[len(magic):], uint64(len(head)))
	im := &Image{head: head, far: far, size: len(head) + sumSize}
	for _, s := range far {
		im.size += padding(im.size-sumSize) + len(s.b)
	}
	im.sum = sumOf(im.parts(), im.size)
	return im
}

func padding(at int) int { return -at & (farAlign - 1) }

// parts yields what stands before the sum.
func (im *Image) parts() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if !yield(im.head) {
			return
		}
		at := len(im.head)
		for _, s := range im.far {
			pad := padding(at)
			if !yield(zeros[:pad]) || !yield(s.b) {
				return
			}
			at += pad + len(s.b)
		}
	}
}

// Size is how long the file is, in bytes.
func (im *Image) Size() int { return im.size }

// Stamp tells the image from others.
func (im *Image) Stamp() Stamp { return Stamp{im.sum, im.size} }

// Coded yields the parts in which the output of codecs stands, with other things around it.
func (im *Image) Coded() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if !yield(im.head) {
			return
		}
		for _, s := range im.far {
			if s.coded && !yield(s.b) {
				return
			}
		}
	}
}

// Long yields the long stretches of memory.
func (im *Image) Long() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, s := range im.far {
			if !s.coded && !yield(s.b) {
				return
			}
		}
	}
}

// WriteTo writes the file. A cell that is interrupted may still be at work on its variables: what is summed is the copy
// that is written, so that the file is whole whatever they do.
func (im *Image) WriteTo(w io.Writer) (n int64, err error) {
	var c check
	buf := make([]byte, 0, min(im.size, writeSize))
	put := func(part []byte, summed bool) {
		for len(part) > 0 && err == nil {
			k := copy(buf[len(buf):cap(buf)], part)
			if summed {
				c.add(buf[len(buf) : len(buf)+k])
			}
			buf, part = buf[:len(buf)+k], part[k:]
			if len(buf) == cap(buf) {
				k, err = w.Write(buf)
				n, buf = n+int64(k), buf[:0]
			}
		}
	}
	for part := range im.parts() {
		put(part, true)
	}
	put(binary.LittleEndian.AppendUint64(nil, c.sum()), false)
	if len(buf) > 0 && err == nil {
		var k int
		k, err = w.Write(buf)
		n += int64(k)
	}
	return n, err
}

// Bytes is the file in memory.
func (im *Image) Bytes() []byte {
	var b bytes.Buffer
	b.Grow(im.size)
	_, _ = im.WriteTo(&b) // a Buffer takes everything
	return b.Bytes()
}
