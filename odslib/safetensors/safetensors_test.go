package safetensors

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// The bytes that the Python package safetensors 0.8.0 writes for the arrays of
// reference below, with metadata {"format": "np"}; withHalves has the F16 and
// BF16 arrays too.
const (
	withHalves    = "cAIAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJucCJ9LCJsIjp7ImR0eXBlIjoiSTY0Iiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbMCwxNl19LCJ3aWRlIjp7ImR0eXBlIjoiRjY0Iiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbMTYsMzJdfSwiYS53ZWlnaHQiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzIsM10sImRhdGFfb2Zmc2V0cyI6WzMyLDU2XX0sImIuYmlhcyI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbM10sImRhdGFfb2Zmc2V0cyI6WzU2LDY4XX0sImVtcHR5Ijp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlswLDRdLCJkYXRhX29mZnNldHMiOls2OCw2OF19LCJzY2FsYXIiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6W10sImRhdGFfb2Zmc2V0cyI6WzY4LDcyXX0sImkiOnsiZHR5cGUiOiJJMzIiLCJzaGFwZSI6WzJdLCJkYXRhX29mZnNldHMiOls3Miw4MF19LCJicmFpbiI6eyJkdHlwZSI6IkJGMTYiLCJzaGFwZSI6WzNdLCJkYXRhX29mZnNldHMiOls4MCw4Nl19LCJoYWxmIjp7ImR0eXBlIjoiRjE2Iiwic2hhcGUiOlsyLDJdLCJkYXRhX29mZnNldHMiOls4Niw5NF19LCJ1Ijp7ImR0eXBlIjoiVTgiLCJzaGFwZSI6WzNdLCJkYXRhX29mZnNldHMiOls5NCw5N119fSAgICAgICAAAAAAAAAAgAcAAAAAAAAAGC1EVPshCUCcdQCIPOQ3/gAAAACrqqo+q6oqPwAAgD+rqqo/VVXVPwAAwD8AAADAAACAfwAAIED/////////f4A/SUCW/gA8VbX/ewEAAMj/"
	withoutHalves = "+AEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJucCJ9LCJsIjp7ImR0eXBlIjoiSTY0Iiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbMCwxNl19LCJ3aWRlIjp7ImR0eXBlIjoiRjY0Iiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbMTYsMzJdfSwiYS53ZWlnaHQiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzIsM10sImRhdGFfb2Zmc2V0cyI6WzMyLDU2XX0sImIuYmlhcyI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbM10sImRhdGFfb2Zmc2V0cyI6WzU2LDY4XX0sImVtcHR5Ijp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlswLDRdLCJkYXRhX29mZnNldHMiOls2OCw2OF19LCJzY2FsYXIiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6W10sImRhdGFfb2Zmc2V0cyI6WzY4LDcyXX0sImkiOnsiZHR5cGUiOiJJMzIiLCJzaGFwZSI6WzJdLCJkYXRhX29mZnNldHMiOls3Miw4MF19LCJ1Ijp7ImR0eXBlIjoiVTgiLCJzaGFwZSI6WzNdLCJkYXRhX29mZnNldHMiOls4MCw4M119fSAgICAgICAAAAAAAAAAgAcAAAAAAAAAGC1EVPshCUCcdQCIPOQ3/gAAAACrqqo+q6oqPwAAgD+rqqo/VVXVPwAAwD8AAADAAACAfwAAIED/////////fwDI/w=="
)

var reference = []Tensor{
	{"b.bias", F32, []int{3}, []float32{1.5, -2, float32(math.Inf(1))}},
	{"a.weight", F32, []int{2, 3}, []float32{0, 1. / 3, 2. / 3, 1, 4. / 3, 5. / 3}},
	{"wide", F64, []int{2}, []float64{math.Pi, -1e300}},
	{"half", F16, []int{2, 2}, []float32{1, -.333251953125, 65504, 1. / (1 << 24)}},
	{"brain", BF16, []int{3}, []float32{1, 3.140625, math.Float32frombits(0xfe960000)}},
	{"i", I32, []int{2}, []int32{-1, math.MaxInt32}},
	{"l", I64, []int{2}, []int64{math.MinInt64, 7}},
	{"u", U8, []int{3}, []uint8{0, 200, 255}},
	{"scalar", F32, []int{}, []float32{2.5}},
	{"empty", F32, []int{0, 4}, []float32{}},
}

func fromBase64(t testing.TB, s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadsPython(t *testing.T) {
	f, err := Decode(fromBase64(t, withHalves))
	if err != nil {
		t.Fatal(err)
	}
	if f.Metadata["format"] != "np" || len(f.Metadata) != 1 {
		t.Errorf("metadata %v", f.Metadata)
	}
	if len(f.Tensors) != len(reference) {
		t.Errorf("%d tensors, want %d", len(f.Tensors), len(reference))
	}
	for _, want := range reference {
		got, ok := f.Lookup(want.Name)
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", want.Name, got, want)
		}
	}
}

// withoutHalf are the tensors of reference that are written.
func withoutHalf() []Tensor {
	var list []Tensor
	for _, t := range reference {
		if t.DType != F16 && t.DType != BF16 {
			list = append(list, t)
		}
	}
	return list
}

func TestWritesWhatPythonWrites(t *testing.T) {
	f := &File{Metadata: map[string]string{"format": "np"}, Tensors: withoutHalf()}
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if want := fromBase64(t, withoutHalves); string(b) != string(want) {
		t.Errorf("got\n%q\nwant\n%q", b, want)
	}
	for i, j := 0, len(f.Tensors)-1; i < j; i, j = i+1, j-1 {
		f.Tensors[i], f.Tensors[j] = f.Tensors[j], f.Tensors[i]
	}
	if again, err := f.Encode(); err != nil || string(again) != string(b) {
		t.Errorf("the order of the list changes the bytes (error %v)", err)
	}
}

func TestFileAppearsWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.safetensors")
	f := &File{Metadata: map[string]string{"a<b>": "é\n"}, Tensors: []Tensor{Float32("w", []int{2}, []float32{1, float32(math.NaN())})}}
	if err := WriteFile(path, f); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w, _ := got.Lookup("w")
	v, err := w.Float32s()
	if err != nil || v[0] != 1 || v[1] == v[1] || got.Metadata["a<b>"] != "é\n" {
		t.Errorf("got %v, %v, %v", got.Metadata, v, err)
	}
	before, _ := os.ReadFile(path)
	if err := WriteFile(path, &File{Tensors: []Tensor{Float32("w", []int{3}, v)}}); err == nil {
		t.Error("a tensor whose shape does not fit was written")
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("a refused write changed the file")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if err := WriteFile(filepath.Join(dir, "no", "m"), f); err == nil || !oneLine(err) {
		t.Errorf("folder that is not there: error %v", err)
	}
	if _, err := ReadFile(filepath.Join(dir, "absent")); err == nil || !oneLine(err) {
		t.Errorf("file that is not there: error %v", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	one := []float32{1}
	for name, list := range map[string][]Tensor{
		"reserved":      {Float32("__metadata__", nil, one)},
		"not UTF-8":     {Float32("\xff", nil, one)},
		"twice":         {Float32("w", nil, one), Float32("w", nil, one)},
		"set DType":     {{"w", F16, nil, one}},
		"Go type":       {{"w", F32, nil, "text"}},
		"negative":      {Float32("w", []int{-1}, one)},
		"for shape":     {Float32("w", []int{2}, one)},
		"be counted":    {Float32("w", []int{math.MaxInt, 2}, one)},
		"element type ": {{"w", "", nil, one}},
	} {
		_, err := (&File{Tensors: list}).Encode()
		if err == nil || !strings.Contains(err.Error(), name) || !oneLine(err) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// file joins a header and data.
func file(header, data string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+data...)
}

var malformed = []struct {
	in   []byte
	want string
}{
	{nil, "too few"},
	{[]byte("1234567"), "too few"},
	{binary.LittleEndian.AppendUint64(nil, math.MaxUint64), "truncated"},
	{binary.LittleEndian.AppendUint64(nil, 1<<40), "truncated"},
	{binary.LittleEndian.AppendUint64(nil, 2), "truncated"},
	{[]byte("\x89PNG\r\n\x1a\n and more of a picture"), "truncated"},
	{file("", ""), "begin with"},
	{file("[]", ""), "begin with"},
	{file("{", ""), "ends too early"},
	{file(`{"a`, ""), "ends too early"},
	{file(`{"a":}`, ""), "header"},
	{file(`{} {}`, ""), "after the closing"},
	{file("{\"\xff\":1}", ""), "UTF-8"},
	{file("{}", "x"), "after the last"},
	{file(`{"a":1}`, ""), "belongs"},
	{file(`{"a":null}`, ""), "element type"},
	{file(`{"a":{}}`, ""), "element type"},
	{file(`{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}`, "12345678"), "not supported"},
	{file(`{"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}`, "1234"), "text belongs"},
	{file(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, "1234"), "lacks"},
	{file(`{"a":{"dtype":"F32","shape":[1]}}`, "1234"), "lacks"},
	{file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`, "1234"), "lacks"},
	{file(`{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}`, "1234"), "belongs"},
	{file(`{"a":{"dtype":"F32","shape":[null],"data_offsets":[0,0]}}`, ""), "null"},
	{file(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, "1234"), "negative"},
	{file(`{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}`, "1234"), "belongs"},
	{file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}`, "1234"), "counted"},
	{file(`{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}`, "1234"), "do not fit"},
	{file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}`, "1234"), "do not fit"},
	{file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, "1234"), "do not fit"},
	{file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}`, "1234"), "do not fit"},
	{file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,3]}}`, "123"), "3 bytes"},
	{file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, "1234"), "2 elements"},
	{file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, "123"), "start at 1"},
	{file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, "123"), "start at 2"},
	{file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, "12"), "twice"},
	{file(`{"__metadata__":{"a":1}}`, ""), "text belongs"},
	{file(`{"__metadata__":null}`, ""), "null"},
	{file(`{"`+strings.Repeat("n", 1<<16)+`":{}}`, ""), "…"},
}

func TestMalformed(t *testing.T) {
	for _, c := range malformed {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(c.in)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) || !oneLine(err) {
			t.Errorf("%.80q: error %v, want one with %q", c.in, err, c.want)
		}
		// Nothing that a header claims may be allocated: what is, is of the
		// order of the input.
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<16+64*uint64(len(c.in)) {
			t.Errorf("%.80q: allocated %d bytes", c.in, used)
		}
	}
}

// TestTruncated cuts a good file at every length.
func TestTruncated(t *testing.T) {
	b := fromBase64(t, withHalves)
	for n := range b {
		if _, err := Decode(b[:n]); err == nil || !oneLine(err) {
			t.Fatalf("%d of %d bytes: error %v", n, len(b), err)
		}
	}
}

// oneLine reports whether err is a line that a person can be shown.
func oneLine(err error) bool {
	s := err.Error()
	return strings.HasPrefix(s, "safetensors: ") && !strings.Contains(s, "\n") && len(s) < 400
}

func FuzzDecode(f *testing.F) {
	f.Add(fromBase64(f, withHalves))
	f.Add(fromBase64(f, withoutHalves))
	for _, c := range malformed {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := Decode(in)
		if err != nil {
			if !oneLine(err) {
				t.Errorf("error %q", err)
			}
			return
		}
		for i, x := range got.Tensors {
			if x.DType == F16 || x.DType == BF16 {
				got.Tensors[i].DType = F32
			}
		}
		b, err := got.Encode()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := Decode(b)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if c, err := again.Encode(); err != nil || string(c) != string(b) {
			t.Errorf("the second writing differs from the first (error %v)", err)
		}
	})
}
