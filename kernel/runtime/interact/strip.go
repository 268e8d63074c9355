package interact

import (
	"encoding/base64"
	"fmt"
	"html"
	"slices"
	"strings"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/runtime/live"
)

// stripValues is how many values of a slider, and of a choice at most, stand
// side by side.
const stripValues = 5

// along are the values of a control that a strip shows, the one at the start among them.
func along(c contract.Control) (values []float64) {
	switch c.Kind {
	case contract.CheckBox:
		return []float64{0, 1}
	case contract.DropDown:
		for i := range min(len(c.Options), stripValues) {
			values = append(values, float64(i))
		}
		return values
	}
	for i := range stripValues {
		values = append(values, onStep(c, c.Min+(c.Max-c.Min)*float64(i)/(stripValues-1)))
	}
	if !slices.Contains(values, c.Value) {
		values = append(values, c.Value)
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// strip shows the function at values of the first control, the others as they
// are at the start. What it prints beside its first run is left out.
func (s *Shown) strip() string {
	first := s.controls[0]
	var b strings.Builder
	b.WriteString(`<div style="display:flex;flex-wrap:wrap;gap:12px">`)
	for _, v := range along(first) {
		values := s.start()
		values[0] = v
		data, err := s.still, error(nil)
		if v != first.Value {
			quietly(func() { data, err = s.tried(values) })
		}
		fmt.Fprintf(&b, `<figure style="margin:0"><figcaption style="font:12px sans-serif;color:#777">%s</figcaption>%s</figure>`,
			html.EscapeString(valueText(first, v)), inner(data, err))
	}
	b.WriteString("</div>")
	if len(s.controls) > 1 {
		var rest []string
		for _, c := range s.controls[1:] {
			rest = append(rest, valueText(c, c.Value))
		}
		fmt.Fprintf(&b, `<div style="font:12px sans-serif;color:#777">%s</div>`, html.EscapeString(strings.Join(rest, ", ")))
	}
	return b.String()
}

// tried is at, with a panic as an error: one value that does not work leaves the
// others their pictures.
func (s *Shown) tried(values []float64) (data map[string]any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return s.at(values)
}

// inner is a bundle as HTML.
func inner(data map[string]any, err error) string {
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		data = map[string]any{"text/plain": "error: " + first}
	}
	picture := func(mime string, x any) string {
		b, ok := x.([]byte)
		if !ok {
			b = []byte(fmt.Sprint(x))
		}
		return `<img alt="` + html.EscapeString(fmt.Sprint(data["text/plain"])) + `" style="max-width:19em" src="data:` + mime + `;base64,` + base64.StdEncoding.EncodeToString(b) + `">`
	}
	for _, mime := range []string{"image/svg+xml", "image/png"} {
		if x, ok := data[mime]; ok {
			return picture(mime, x)
		}
	}
	if x, ok := data["text/html"]; ok {
		return fmt.Sprint(x)
	}
	if x, ok := data["text/plain"]; ok {
		return "<pre>" + html.EscapeString(fmt.Sprint(x)) + "</pre>"
	}
	return ""
}

var _ live.Bundler = (*Shown)(nil)
