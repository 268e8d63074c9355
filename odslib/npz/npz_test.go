package npz

import (
	"archive/zip"
	"encoding/binary"
	"io"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"odslab/odslib"
)

// The file's bytes are checked by their parts here, and were read back by numpy.load when the format was written.
func TestNPZ(t *testing.T) {
	r := odslib.NewResult(odslib.Posterior{}, "test", nil, 1)
	r.Engine = "xla-cpu"
	r.Samples = odslib.Array{Shape: []int{3, 2}, Data: []float32{0, 1, 10, 11, 20, 21}}
	path := filepath.Join(t.TempDir(), "r.npz")
	if err := Write(path, r); err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	read := func(name, header string) []byte {
		f, err := z.Open(name + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		head := 10 + (int(data[8]) | int(data[9])<<8)
		if head%64 != 0 || !strings.Contains(string(data[:head]), header) {
			t.Errorf("header %q", data[:head])
		}
		return data[head:]
	}
	body := read("samples", "'descr': '<f4', 'fortran_order': False, 'shape': (3, 2,)")
	if len(body) != 24 || math.Float32frombits(binary.LittleEndian.Uint32(body[8:])) != 10 {
		t.Errorf("values %v", body)
	}
	if body := read("engine", "'descr': '<U7', 'fortran_order': False, 'shape': ()"); string(body) != "x\x00\x00\x00l\x00\x00\x00a\x00\x00\x00-\x00\x00\x00c\x00\x00\x00p\x00\x00\x00u\x00\x00\x00" {
		t.Errorf("engine %q", body)
	}
	if err := Write(filepath.Join(t.TempDir(), "no", "such", "r.npz"), r); err == nil {
		t.Error("a folder that is not there was written to")
	}
}
