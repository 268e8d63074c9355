package snapshot

import (
	"encoding/binary"
	"slices"
	"testing"
)

type fuzzed struct {
	A    int
	b    *fuzzed
	S    []string
	M    map[string]any
	F    []float64
	Any  any
	Next [3]*int
}

// FuzzDecode: a file that is not what Encode wrote is an error, whatever it
// holds behind a sum that is right.
func FuzzDecode(f *testing.F) {
	n := 7
	x := &fuzzed{A: 1, S: []string{"a", "bb"}, M: map[string]any{"k": 1, "l": []int{2}}, F: make([]float64, 5000), Any: 3.5, Next: [3]*int{&n, nil, &n}}
	x.b = x
	for _, v := range []any{x, &fuzzed{}, &fuzzed{M: map[string]any{}, F: []float64{1, 2}}} {
		p := v.(*fuzzed)
		g, err := Encode([]Root{{"x", &p}})
		if err != nil {
			f.Fatal(err)
		}
		b := g.Image.Bytes()
		f.Add(b[:len(b)-sumSize])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		file := slices.Clone(body)
		sum := sumOf(slices.Values([][]byte{file}), len(file))
		file = binary.LittleEndian.AppendUint64(file, sum)
		var p, q *fuzzed
		_ = Decode(file, []Root{{"x", &p}})
		_ = Adopt(file, []Root{{"x", &q}})
	})
}
