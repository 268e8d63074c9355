package serve

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"strings"
)

// strip is an interaction where no front end shows widgets: its function at some
// values of the first control, side by side, as HTML.
func (x *execution) strip(it *interaction, still map[string]json.RawMessage) string {
	var b strings.Builder
	b.WriteString(`<div style="display:flex;flex-wrap:wrap;gap:12px">`)
	for _, s := range it.said.Strip {
		content := ""
		if s.Value == it.values[0] {
			data := map[string]any{}
			for mime, raw := range still {
				var text string
				if json.Unmarshal(raw, &text) == nil {
					data[mime] = text
				}
			}
			content = pictureOf(map[string]any{"data": data})
		} else {
			values := append([]float64{s.Value}, it.values[1:]...)
			outputs, f := x.callAgain(x.ctx, it, values)
			if f != nil {
				outputs = append(outputs, f.output())
			}
			for _, o := range outputs {
				if o := o.(map[string]any); o["output_type"] != "stream" {
					content += pictureOf(o)
				}
			}
		}
		fmt.Fprintf(&b, `<figure style="margin:0"><figcaption style="font:12px sans-serif;color:#777">%s</figcaption>%s</figure>`, html.EscapeString(s.Caption), content)
	}
	b.WriteString("</div>")
	if it.said.Rest != "" {
		fmt.Fprintf(&b, `<div style="font:12px sans-serif;color:#777">%s</div>`, html.EscapeString(it.said.Rest))
	}
	return b.String()
}

// pictureOf is an output of a notebook as HTML.
func pictureOf(o map[string]any) string {
	if o["output_type"] == "error" {
		return fmt.Sprintf("<pre>%s: %s</pre>", html.EscapeString(fmt.Sprint(o["ename"])), html.EscapeString(firstLine(fmt.Sprint(o["evalue"]))))
	}
	data, _ := o["data"].(map[string]any)
	text, _ := data["text/plain"].(string)
	image := func(mime, base string) string {
		return `<img alt="` + html.EscapeString(text) + `" style="max-width:19em" src="data:` + mime + `;base64,` + base + `">`
	}
	if svg, ok := data["image/svg+xml"].(string); ok {
		return image("image/svg+xml", base64.StdEncoding.EncodeToString([]byte(svg)))
	}
	if png, ok := data["image/png"].(string); ok {
		return image("image/png", png)
	}
	if page, ok := data["text/html"].(string); ok {
		return page
	}
	if text == "" {
		return ""
	}
	return "<pre>" + html.EscapeString(text) + "</pre>"
}
