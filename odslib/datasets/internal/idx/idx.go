// Package idx reads and writes arrays of bytes in the IDX format of the MNIST
// files: http://yann.lecun.com/exdb/mnist/. Files are gzip'd.
package idx

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Bytes is an array of bytes, row-major.
type Bytes struct {
	Shape []int
	Data  []uint8
}

// maxSize is the longest unpacked file that is read: three times the largest
// that the data sets have.
const maxSize = 150 << 20

// Decode reads a gzip'd file and returns, beside the array, the SHA-256 of the
// unpacked bytes: packed ones differ with the version of the packer.
func Decode(packed []byte) (a Bytes, sum string, err error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return a, "", fmt.Errorf("not a gzip file: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(z, maxSize+1))
	if err != nil {
		return a, "", fmt.Errorf("damaged gzip file: %w", err)
	}
	if len(b) > maxSize {
		return a, "", fmt.Errorf("more than %d MB unpacked", maxSize>>20)
	}
	h := sha256.Sum256(b)
	a, err = parse(b)
	return a, hex.EncodeToString(h[:]), err
}

// parse reads the layout: 0, 0, 8 (unsigned bytes), number of dimensions, each
// dimension as a big-endian uint32, data.
func parse(b []byte) (Bytes, error) {
	if len(b) < 4 || b[0] != 0 || b[1] != 0 || b[2] != 8 {
		return Bytes{}, errors.New("not an IDX file of bytes")
	}
	dims := int(b[3])
	if len(b) < 4+4*dims {
		return Bytes{}, errors.New("IDX file: truncated")
	}
	data := b[4+4*dims:]
	shape := make([]int, dims)
	n := 1
	for i := range shape {
		shape[i] = int(binary.BigEndian.Uint32(b[4+4*i:]))
		if shape[i] > 0 && n > len(data)/shape[i] {
			return Bytes{}, fmt.Errorf("IDX file: %d bytes of data are too few for its dimensions", len(data))
		}
		n *= shape[i]
	}
	if n != len(data) {
		return Bytes{}, fmt.Errorf("IDX file: %d bytes of data for %v", len(data), shape)
	}
	return Bytes{shape, data}, nil
}

// Encode returns the gzip'd file and the SHA-256 of its unpacked bytes.
func (a Bytes) Encode() (packed []byte, sum string, err error) {
	b := []byte{0, 0, 8, byte(len(a.Shape))}
	for _, d := range a.Shape {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
	}
	b = append(b, a.Data...)
	if _, err := parse(b); err != nil {
		return nil, "", err
	}
	h := sha256.Sum256(b)
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression) // no name, no time: the same bytes each time
	if err != nil {
		return nil, "", err
	}
	if _, err := z.Write(b); err != nil {
		return nil, "", err
	}
	if err := z.Close(); err != nil {
		return nil, "", err
	}
	return out.Bytes(), hex.EncodeToString(h[:]), nil
}
