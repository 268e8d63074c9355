package idx

import (
	"bytes"
	"compress/gzip"
	"reflect"
	"strings"
	"testing"
)

func pack(t testing.TB, b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRoundTrip(t *testing.T) {
	a := Bytes{[]int{2, 3, 1}, []uint8{0, 1, 2, 253, 254, 255}}
	b, sum, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, sum2, err := Decode(b)
	if err != nil || !reflect.DeepEqual(got, a) || sum != sum2 {
		t.Errorf("got %v %s, want %v %s (error %v)", got, sum2, a, sum, err)
	}
	if again, _, _ := a.Encode(); !bytes.Equal(again, b) {
		t.Error("two writings differ")
	}
	if _, _, err := (Bytes{[]int{2}, []uint8{1}}).Encode(); err == nil {
		t.Error("a shape that does not fit was written")
	}
}

func TestMalformed(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "not an IDX",
		"\x00\x00\x0d\x00":                   "not an IDX",
		"\x00\x00\x08\x02\x00\x00\x00\x01":   "truncated",
		"\x00\x00\x08\x01\xff\xff\xff\xff":   "too few",
		"\x00\x00\x08\x01\x00\x00\x00\x01ab": "2 bytes",
		"\x00\x00\x08\x03\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xffab": "2 bytes",
	} {
		if _, _, err := Decode(pack(t, []byte(in))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", in, err, want)
		}
	}
	good := pack(t, []byte("\x00\x00\x08\x01\x00\x00\x00\x02ab"))
	for n := range good {
		if _, _, err := Decode(good[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes were accepted", n, len(good))
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("\x00\x00\x08\x01\x00\x00\x00\x02ab"))
	f.Add([]byte("\x00\x00\x08\x03\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		a, err := parse(in)
		if err != nil {
			return
		}
		n := 1
		for _, d := range a.Shape {
			n *= d
		}
		if n != len(a.Data) {
			t.Errorf("shape %v with %d bytes", a.Shape, len(a.Data))
		}
	})
}
