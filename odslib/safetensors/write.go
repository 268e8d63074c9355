package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"odslab/odslib/atomicfile"
)

// Encode returns the bytes of the file. Equal content gives equal bytes.
func (f *File) Encode() ([]byte, error) {
	tensors := slices.Clone(f.Tensors)
	slices.SortStableFunc(tensors, func(a, b Tensor) int {
		if d := a.DType.rank() - b.DType.rank(); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	header, err := f.header(tensors)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	for _, t := range tensors {
		b = encodeData(b, t.Data)
	}
	return b, nil
}

// header checks the tensors and returns the JSON text, padded to 8 bytes.
func (f *File) header(tensors []Tensor) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	if len(f.Metadata) > 0 {
		for k, v := range f.Metadata {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return nil, fmt.Errorf("metadata %s is not UTF-8", quote(k))
			}
		}
		b.WriteString(`"__metadata__":`)
		b.Write(jsonText(f.Metadata)) // encoding/json sorts the keys
	}
	seen, offset := map[string]bool{}, 0
	for _, t := range tensors {
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("tensor %s: %w", quote(t.Name), err)
		}
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor %s is there twice", quote(t.Name))
		}
		seen[t.Name] = true
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		n, _ := elements(t.Shape)
		end := offset + n*t.DType.size()
		fmt.Fprintf(&b, `%s:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`,
			jsonText(t.Name), string(t.DType), jsonText(append([]int{}, t.Shape...)), offset, end)
		offset = end
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len() > maxHeader {
		return nil, fmt.Errorf("header of %d bytes; readers accept %d", b.Len(), maxHeader)
	}
	return b.Bytes(), nil
}

// check says what keeps t from being written.
func (t Tensor) check() error {
	if t.Name == "__metadata__" {
		return errors.New("this name is reserved; choose another")
	}
	if !utf8.ValidString(t.Name) {
		return errors.New("the name is not UTF-8")
	}
	var got DType
	var length int
	switch v := t.Data.(type) {
	case []float64:
		got, length = F64, len(v)
	case []float32:
		got, length = F32, len(v)
	case []int64:
		got, length = I64, len(v)
	case []int32:
		got, length = I32, len(v)
	case []uint8:
		got, length = U8, len(v)
	default:
		return fmt.Errorf("data of Go type %T cannot be written", t.Data)
	}
	if t.DType != got {
		return fmt.Errorf("element type %s does not go with %T; set DType to %s", quote(string(t.DType)), t.Data, got)
	}
	n, err := elements(t.Shape)
	if err != nil {
		return err
	}
	if n != length {
		return fmt.Errorf("%d elements for shape %v", length, t.Shape)
	}
	return nil
}

// jsonText encodes text and lists, which cannot fail, as the reference does:
// without Go's escapes for HTML.
func jsonText(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("safetensors: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// WriteFile writes f to path. The file appears whole or not at all: an error,
// or the end of the program, leaves what was at path before.
func WriteFile(path string, f *File) error {
	b, err := f.Encode()
	if err != nil {
		return err
	}
	if err := atomicfile.Write(path, b, 0o644); err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	return nil
}
