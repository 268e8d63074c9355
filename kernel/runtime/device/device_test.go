package device

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"odslab/kernel/runtime/snapshot"
)

// carry writes x and reads it into y, as two cells would.
func carry[T any](t *testing.T, x *T) *T {
	t.Helper()
	g, err := snapshot.Encode([]snapshot.Root{{Name: "x", Ptr: x}})
	if err != nil {
		t.Fatal(err)
	}
	y := new(T)
	if err := snapshot.Adopt(g.Image.Bytes(), []snapshot.Root{{Name: "x", Ptr: y}}); err != nil {
		t.Fatal(err)
	}
	return y
}

func change(t *testing.T, x *tensors.Tensor, f func(b []byte)) {
	t.Helper()
	if err := x.MutableBytes(f); err != nil {
		t.Fatal(err)
	}
}

// TestTensorsByValue: tensors of host memory come back equal, on their own memory, whatever their size and type.
func TestTensorsByValue(t *testing.T) {
	var list []*tensors.Tensor
	for _, dtype := range []dtypes.DType{dtypes.Bool, dtypes.Int8, dtypes.Int32, dtypes.Uint64, dtypes.Float16, dtypes.BFloat16, dtypes.Float32, dtypes.Float64, dtypes.Complex64} {
		for _, dims := range [][]int{{}, {0, 3}, {7}, {3, 100, 50}} {
			x := tensors.FromShape(shapes.Make(dtype, dims...))
			change(t, x, func(b []byte) {
				for i := range b {
					b[i] = byte(i) & 1
				}
			})
			list = append(list, x)
		}
	}
	list = append(list, nil)
	back := *carry(t, &list)
	bytesOf := func(x *tensors.Tensor) (out []byte) {
		if err := x.ConstBytes(func(b []byte) { out = bytes.Clone(b) }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	for i, x := range list {
		switch y := back[i]; {
		case x == nil:
			if y != nil {
				t.Error("nil came back another")
			}
		case !x.Shape().Equal(y.Shape()) || !bytes.Equal(bytesOf(x), bytesOf(y)):
			t.Errorf("%s came back as %s", x.Shape(), y.Shape())
		case x.Size() > 0:
			change(t, y, func(b []byte) { b[0] ^= 1 })
			if bytes.Equal(bytesOf(x), bytesOf(y)) {
				t.Errorf("%s: both stand on one memory", x.Shape())
			}
		}
	}
}

// TestTensorChangeIsSeen: a tensor that was only read has the stamp it had.
func TestTensorChangeIsSeen(t *testing.T) {
	x := tensors.FromShape(shapes.Make(dtypes.Float32, 100_000))
	stamp := func(x *tensors.Tensor) snapshot.Stamp {
		g, err := snapshot.Encode([]snapshot.Root{{Name: "x", Ptr: &x}})
		if err != nil {
			t.Fatal(err)
		}
		return g.Image.Stamp()
	}
	before, y := stamp(x), *carry(t, &x)
	if stamp(y) != before {
		t.Error("a tensor that was only read counts as changed")
	}
	change(t, y, func(b []byte) { b[len(b)-1] = 1 })
	if stamp(y) == before {
		t.Error("a change goes unseen")
	}
}

func TestStoreByValue(t *testing.T) {
	s := model.NewStore()
	for path, n := range map[string]int{"/a/small": 3, "/b/large": 5000} {
		v, err := s.CreateVariable(path, tensors.FromFlatDataAndDimensions(make([]float32, n), n))
		if err != nil {
			t.Fatal(err)
		}
		v.SetTrainable(n == 3)
	}
	s.SetParams(map[string]any{"rate": .5})
	back := *carry(t, &s)
	seen := ""
	for v := range back.IterVariables() {
		x, err := v.Value()
		if err != nil {
			t.Fatal(err)
		}
		seen += v.Path() + " "
		if (x.Size() == 3) != v.Trainable {
			t.Errorf("%s: %d values, trainable is %v", v.Path(), x.Size(), v.Trainable)
		}
	}
	if !strings.Contains(seen, "/a/small ") || !strings.Contains(seen, "/b/large ") {
		t.Errorf("variables %q", seen)
	}
	for _, value := range back.IterParams() {
		if value != .5 {
			t.Errorf("rate is %v", value)
		}
	}
}

func TestHeld(t *testing.T) {
	ids, size := held([]byte("xx" + mark + "AB-1 80;yy" + mark + "C 8;"))
	if len(ids) != 2 || ids[0] != "AB-1" || ids[1] != "C" || size != 88 {
		t.Errorf("%v %d", ids, size)
	}
}
