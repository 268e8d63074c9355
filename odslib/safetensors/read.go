package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sort"
	"strconv"
	"unicode/utf8"
)

// maxHeader is the longest header that is read, the reference's limit.
const maxHeader = 100_000_000

// ReadFile reads the file at path.
func ReadFile(path string) (*File, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	f, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, path)
	}
	return f, nil
}

// Decode reads a file from its bytes, which it does not keep. Tensors come in
// the order of their data.
func Decode(b []byte) (*File, error) {
	if len(b) < 8 {
		return nil, fmt.Errorf("safetensors: %d bytes are too few for a header: truncated, or not a safetensors file", len(b))
	}
	n := binary.LittleEndian.Uint64(b)
	if n > maxHeader || n > uint64(len(b)-8) {
		return nil, fmt.Errorf("safetensors: header of %d bytes in a file of %d: truncated, or not a safetensors file", n, len(b))
	}
	header, data := b[8:8+n], b[8+n:]
	metadata, entries, err := decodeHeader(header)
	if err != nil {
		return nil, err
	}
	f := &File{Metadata: metadata}
	end := 0
	for _, e := range entries {
		if err := e.check(end, len(data)); err != nil {
			return nil, fmt.Errorf("safetensors: tensor %s: %w", quote(e.name), err)
		}
		begin := end
		end = e.Offsets[1]
		f.Tensors = append(f.Tensors, Tensor{Name: e.name, DType: e.DType, Shape: e.Shape, Data: decodeData(e.DType, data[begin:end])})
	}
	if end != len(data) {
		return nil, fmt.Errorf("safetensors: %d bytes of data after the last tensor", len(data)-end)
	}
	return f, nil
}

// entry is what the header says of one tensor.
type entry struct {
	name    string
	DType   DType `json:"dtype"`
	Shape   whole `json:"shape"`
	Offsets whole `json:"data_offsets"`
}

// whole is a list of whole numbers. Decoded into a plain []int, a null among
// them would count as 0.
type whole []int

func (w *whole) UnmarshalJSON(b []byte) error {
	var list []*int
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*w = whole{}
	for _, v := range list {
		if v == nil {
			return errors.New("null where a whole number belongs")
		}
		*w = append(*w, *v)
	}
	return nil
}

// check compares e with the data, of which the first begin bytes are taken.
func (e entry) check(begin, size int) error {
	width := e.DType.size()
	if width == 0 {
		return fmt.Errorf("element type %s is not supported; convert it to F32, F64, F16, BF16, I32, I64 or U8", quote(string(e.DType)))
	}
	if e.Shape == nil || len(e.Offsets) != 2 {
		return errors.New("the header lacks its shape or its two data_offsets")
	}
	n, err := elements(e.Shape)
	if err != nil {
		return err
	}
	// Without holes and overlaps the end of one tensor is the start of the next.
	if e.Offsets[0] != begin || e.Offsets[1] < begin || e.Offsets[1] > size {
		return fmt.Errorf("data_offsets %v do not fit: want them to start at %d and end within %d bytes", e.Offsets, begin, size)
	}
	if length := e.Offsets[1] - begin; length%width != 0 || length/width != n {
		return fmt.Errorf("%d bytes of data for %d elements of %s", length, n, e.DType)
	}
	return nil
}

// elements returns the product of shape.
func elements(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("negative dimension %d", d)
		}
		if d > 0 && n > math.MaxInt/d {
			return 0, errors.New("the shape has more elements than can be counted")
		}
		n *= d
	}
	return n, nil
}

// decodeHeader returns the metadata and the entries in the order of their data.
// It walks the tokens, since decoding into a map would hide a name given twice.
func decodeHeader(b []byte) (metadata map[string]string, entries []entry, err error) {
	bad := func(err error) error { return fmt.Errorf("safetensors: header: %w", jsonError(err)) }
	if !utf8.Valid(b) {
		return nil, nil, bad(errors.New("not UTF-8"))
	}
	if len(b) == 0 || b[0] != '{' {
		return nil, nil, bad(errors.New("does not begin with '{'"))
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil {
		return nil, nil, bad(err)
	}
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, nil, bad(err)
		}
		name, ok := tok.(string)
		if !ok {
			return nil, nil, bad(fmt.Errorf("%v where a tensor's name belongs", tok))
		}
		if seen[name] {
			return nil, nil, bad(fmt.Errorf("tensor %s is there twice", quote(name)))
		}
		seen[name] = true
		if name == "__metadata__" {
			if err := dec.Decode(&metadata); err != nil {
				return nil, nil, bad(fmt.Errorf("__metadata__: %w", jsonError(err)))
			}
			if metadata == nil {
				return nil, nil, bad(errors.New("__metadata__ is null"))
			}
			continue
		}
		e := entry{name: name}
		if err := dec.Decode(&e); err != nil {
			return nil, nil, bad(fmt.Errorf("tensor %s: %w", quote(name), jsonError(err)))
		}
		entries = append(entries, e)
	}
	if _, err := dec.Token(); err != nil {
		return nil, nil, bad(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, nil, bad(errors.New("text after the closing brace"))
	}
	sort.SliceStable(entries, func(i, j int) bool { return before(entries[i].Offsets, entries[j].Offsets) })
	return metadata, entries, nil
}

// before orders data_offsets: by start, then by end, so that a tensor without
// elements comes before the one that starts where it does.
func before(a, b []int) bool {
	if len(a) != 2 || len(b) != 2 {
		return len(a) < len(b)
	}
	return a[0] < b[0] || a[0] == b[0] && a[1] < b[1]
}

// jsonError words the errors of encoding/json for somebody who has never seen
// this package's types.
func jsonError(err error) error {
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return fmt.Errorf("%q where %s belongs", kind.Value, map[bool]string{true: "text", false: "a list or whole number"}[kind.Type.Kind().String() == "string"])
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return errors.New("the JSON text ends too early")
	}
	return err
}

// quote quotes a name for an error line, and shortens one that would fill it.
func quote(name string) string {
	if len(name) > 80 {
		name = name[:80] + "…"
	}
	return strconv.Quote(name)
}
