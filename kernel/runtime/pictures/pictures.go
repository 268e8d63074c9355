// Package pictures shows an image as the last expression of a cell. It is
// linked only into cells that do.
package pictures

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
)

// most is how many pixels are shown: more stops browsers.
const most = 50 << 20

// Picture is an image that a notebook can show.
type Picture struct{ image.Image }

// Image makes an image showable.
func Image(m image.Image) Picture { return Picture{m} }

// MIMEBundle is the image as PNG, and its size in words.
func (p Picture) MIMEBundle() (map[string]any, error) {
	if p.Image == nil {
		return map[string]any{"text/plain": "nil"}, nil
	}
	b := p.Bounds()
	out := map[string]any{"text/plain": p.String()}
	if b.Empty() || b.Dx() > most/b.Dy() {
		return out, nil
	}
	var w bytes.Buffer
	if err := png.Encode(&w, p.Image); err != nil {
		return nil, err
	}
	out["image/png"] = w.Bytes()
	return out, nil
}

// String says what the image is.
func (p Picture) String() string {
	b := p.Bounds()
	if b.Dx() >= 1e9 {
		return fmt.Sprintf("%T, without bounds", p.Image)
	}
	return fmt.Sprintf("%T, %d × %d pixels", p.Image, b.Dx(), b.Dy())
}
