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
	f, err := z.Open("samples.npy")
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	head := int(data[8]) | int(data[9])<<8
	if (10+head)%64 != 0 || !strings.Contains(string(data[:10+head]), "'descr': '<f4', 'fortran_order': False, 'shape': (3, 2,)") {
		t.Errorf("header %q", data[:10+head])
	}
	if body := data[10+head:]; len(body) != 24 || math.Float32frombits(binary.LittleEndian.Uint32(body[8:])) != 10 {
		t.Errorf("values %v", body)
	}
	if err := Write(filepath.Join(t.TempDir(), "no", "such", "r.npz"), r); err == nil {
		t.Error("a folder that is not there was written to")
	}
}
