package live

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"odslab/kernel/runtime/contract"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// TestMessages reads what package live writes by hand with the real gob.
func TestMessages(t *testing.T) {
	gob.Register(map[string]any{})
	gob.Register([]any{})
	data := map[string]any{"text/plain": "é", "image/png": []byte{0, 1, 255}, "application/json": map[string]any{
		"list": []any{1, -3, 2.5, "s", true, nil, []float64{1e300, math.Inf(1)}}, "empty": map[string]int{}, "big": 1 << 40,
	}}
	first, err := displayMessage(data, map[string]any{contract.MarkResult: true}, "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := displayMessage(map[string]any{"text/html": strings.Repeat("x", 100000)}, nil, "id-1")
	if err != nil {
		t.Fatal(err)
	}
	stream := bytes.NewBufferString(definitions)
	stream.Write(first)
	stream.Write(second)
	stream.Write(syncMessage())
	d := gob.NewDecoder(stream)
	var got [3]protocol.DisplayData
	for i := range got {
		if err := d.Decode(&got[i]); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	want := map[protocol.MIMEType]any{"text/plain": "é", "image/png": []byte{0, 1, 255}, "application/json": map[string]any{
		"list": []any{1, -3, 2.5, "s", true, nil, []any{1e300, math.Inf(1)}}, "empty": map[string]any{}, "big": 1 << 40,
	}}
	if !reflect.DeepEqual(got[0].Data, want) || got[0].Metadata[contract.MarkResult] != true || got[0].DisplayID != "" {
		t.Errorf("first message: %#v", got[0])
	}
	if len(got[1].Data["text/html"].(string)) != 100000 || got[1].DisplayID != "id-1" {
		t.Errorf("second message: %d entries, id %q", len(got[1].Data), got[1].DisplayID)
	}
	sync, ok := got[2].Data[protocol.MIMECommValue].(protocol.CommValue)
	if !ok || sync.Address != protocol.GonbuiSyncAddress || sync.Value != 0 {
		t.Errorf("sync message: %#v", got[2])
	}
	if _, err := displayMessage(map[string]any{"a": make(chan int)}, nil, ""); err == nil {
		t.Error("a chan is sent")
	}
}

type (
	point struct{ X, y float64 }
	ring  struct {
		Next *ring
		Name string
	}
)
type named struct{ A int }

func (named) String() string { return "I am named" }

type shy struct{}

func (*shy) String() string { return "a shy one" }

func TestForm(t *testing.T) {
	r := &ring{Name: "a"}
	r.Next = r
	long := make([]int, 1000)
	for want, v := range map[string]any{
		"42": 42, `"a\nb"`: "a\nb", "2.5": 2.5, "0.1": float32(0.1), "nil": nil, "true": true,
		"[]int{1, 2}": []int{1, 2}, "[]int(nil)": []int(nil), "[]int{}": []int{},
		"live.point{X: 1, y: 2}":                       point{1, 2},
		"&live.ring{Next: &live.ring{…}, Name: \"a\"}": r,
		"map[string]int{\"a\": 1, \"b\": 2}":           map[string]int{"b": 2, "a": 1},
		"map[int]string{2: \"b\", 10: \"a\"}":          map[int]string{10: "a", 2: "b"},
		"[]interface {}{1, \"x\", nil}":                []any{1, "x", nil},
		"[][]int{{1}, {}, []int(nil)}":                 [][]int{{1}, {}, nil},
		"struct { T time.Duration }{T: 1.5s}":          struct{ T time.Duration }{1500 * time.Millisecond},
		"struct { e error }{e: \"bad\"}":               struct{ e error }{errors.New("bad")},
		"[]*int{nil}":                                  []*int{nil},
		"[2]bool{true, false}":                         [2]bool{true, false},
		"func(int) string":                             func(int) string { return "" },
		"[]int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, … 980 more …, 0, 0, 0}": long,
	} {
		got := Form(v)
		if want == "struct { e error }{e: \"bad\"}" {
			if !strings.Contains(got, "bad") {
				t.Errorf("%q: %s", want, got)
			}
			continue
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestBundle(t *testing.T) {
	data, err := bundle([]struct {
		Name string
		N    int
	}{{"a<b", 1}, {"bb", 20}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "Name   N\na<b    1\nbb    20"; data["text/plain"] != want {
		t.Errorf("got\n%s\nwant\n%s", data["text/plain"], want)
	}
	if h := data["text/html"].(string); !strings.Contains(h, "a&lt;b</td>") || !strings.Contains(h, `text-align:right">20`) {
		t.Errorf("html: %s", h)
	}
	if data, _ := bundle(named{}); data["text/plain"] != "I am named" || len(data) != 1 {
		t.Errorf("Stringer: %v", data)
	}
	if data, _ := bundle(shy{}); data["text/plain"] != "a shy one" {
		t.Errorf("Stringer by pointer: %v", data)
	}
	var none *named
	if data, _ := bundle(none); data["text/plain"] != "nil" {
		t.Errorf("nil Stringer: %v", data)
	}
	if data, _ := bundle(errors.New("oh")); data["text/plain"] != "oh" {
		t.Errorf("error: %v", data)
	}
}

// FuzzJSON: what is written by hand is read as what it was.
func FuzzJSON(f *testing.F) {
	f.Add("a\"b\\c\n\t\x01é\xff\u2028", "")
	f.Add("</script>\x7f\x00", "\U0001f600\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, key, text string) {
		var j object
		j.open()
		j.key("k" + key).texts([]string{text, key, ""})
		j.key("n").raw("1")
		j.key("o").open()
		j.key(text).text(key)
		j.close('}')
		j.close('}')
		var got map[string]any
		if err := json.Unmarshal(j.b, &got); err != nil {
			t.Fatalf("%v: %s", err, j.b)
		}
		runes := func(s string) string { return string([]rune(s)) } // with U+FFFD for each byte that is none
		want := map[string]any{"k" + runes(key): []any{runes(text), runes(key), ""}, "n": 1., "o": map[string]any{runes(text): runes(key)}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q, not %q", got, want)
		}
	})
}

func TestFileName(t *testing.T) {
	seen := map[string]bool{}
	for _, names := range [][]string{{"x"}, {"X"}, {"x", "y"}, {"é"}, {strings.Repeat("a", 300)}, {strings.Repeat("a", 301)}, {"xy"}} {
		f := strings.ToLower(FileName(names))
		if seen[f] || len(f) > 200 || strings.ContainsAny(f, "/\\") {
			t.Errorf("%v: %s", names, f)
		}
		seen[f] = true
	}
}

func TestWriteIsWhole(t *testing.T) {
	path := t.TempDir() + "/v"
	if err := write(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := write(path+"/under-a-file", []byte("x")); err == nil {
		t.Error("no error")
	}
	if files, _ := os.ReadDir(strings.TrimSuffix(path, "/v")); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}
