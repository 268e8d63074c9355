package plotting

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
)

// keptFigure is what is left of a Figure in a later cell: its pages as they were drawn, and what its cell showed.
type keptFigure struct {
	Err, What string
	Pages     map[string][]byte // by format
	Text      map[string]string // of the bundle
	Bytes     map[string][]byte
	Objects   map[string][]byte // as JSON
}

// MarshalBinary keeps the figure as drawn. A variable that holds a Figure thus lives on in later cells, where it can be
// shown and saved; its size and theme are then fixed.
func (f *Figure) MarshalBinary() ([]byte, error) {
	k := keptFigure{What: f.what, Pages: map[string][]byte{}, Text: map[string]string{}, Bytes: map[string][]byte{}, Objects: map[string][]byte{}}
	if f.err != nil {
		k.Err = f.err.Error()
	} else {
		for _, format := range formats {
			data, err := f.encode(format)
			if err != nil {
				return nil, err
			}
			k.Pages[format] = data
		}
		bundle, err := f.MIMEBundle()
		if err != nil {
			return nil, err
		}
		for mime, v := range bundle {
			switch v := v.(type) {
			case string:
				k.Text[mime] = v
			case []byte:
				k.Bytes[mime] = v
			default:
				if k.Objects[mime], err = json.Marshal(v); err != nil {
					return nil, err
				}
			}
		}
	}
	var buf bytes.Buffer
	err := gob.NewEncoder(&buf).Encode(k)
	return buf.Bytes(), err
}

// UnmarshalBinary is the inverse of MarshalBinary.
func (f *Figure) UnmarshalBinary(data []byte) error {
	var k keptFigure
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&k); err != nil {
		return err
	}
	*f = Figure{what: k.What, preset: Notebook, pages: k.Pages, bundle: map[string]any{}}
	for mime, v := range k.Text {
		f.bundle[mime] = v
	}
	for mime, v := range k.Bytes {
		f.bundle[mime] = v
	}
	for mime, v := range k.Objects {
		var o map[string]any
		if err := json.Unmarshal(v, &o); err != nil {
			return err
		}
		f.bundle[mime] = o
	}
	if k.Err != "" {
		f.err = errors.New(k.Err)
	}
	return nil
}

// fixed reports that a figure from an earlier cell was asked to change.
func (f *Figure) fixed(method string) bool {
	if f.pages == nil {
		return false
	}
	if f.err == nil {
		f.err = errors.New("plotting: " + method + " comes too late: this figure was drawn in an earlier cell; call it there")
	}
	return true
}
