package notebook

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
)

// richness lists what a page can show, the best first. Where an output comes
// in several types, one is shown.
var richness = []string{
	"text/html", "text/markdown", "image/svg+xml", "text/latex",
	"image/png", "image/jpeg", "image/webp", "image/gif", "application/json", "text/plain",
}

// richest picks the type to show, "" if a page can show none of them.
func richest(data map[string]any) string {
	order := richness
	for mime := range data {
		if strings.HasPrefix(mime, "application/vnd.vega") {
			// The HTML beside a chart's description is a script that fetches
			// its renderer from the network: a picture serves better.
			order = append([]string{"image/svg+xml", "image/png"}, richness...)
		}
	}
	for _, mime := range order {
		if v, ok := data[mime]; ok && v != nil {
			return mime
		}
	}
	for _, mime := range slices.Sorted(mapKeys(data)) {
		if isJSON(mime) {
			return mime
		}
	}
	return ""
}

func mapKeys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// output renders one output of a code cell.
func (p *page) output(o *Output) string {
	switch o.Type {
	case "stream":
		class := "stdout"
		if o.Name == "stderr" {
			class = "stderr"
		}
		return `<pre class="output ` + class + `">` + strings.TrimRight(ansiHTML(o.Text), "\n") + "</pre>"
	case "error":
		return `<pre class="output error">` + errorHTML(o) + "</pre>"
	}
	mime := richest(o.Data)
	if mime == "" {
		return `<p class="output note">Not shown on a page: ` + html.EscapeString(strings.Join(slices.Sorted(mapKeys(o.Data)), ", ")) + "</p>"
	}
	text, _ := o.Data[mime].(string)
	switch {
	case mime == "text/html":
		c := clean(text)
		if picture := richest(pictures(o.Data)); picture != "" && len(c.left) > 0 {
			return p.output(&Output{Type: o.Type, Data: pictures(o.Data), Metadata: o.Metadata})
		}
		return `<div class="output html">` + isolate(c) + c.note() + "</div>"
	case mime == "image/svg+xml":
		return svg(text, altText(o))
	case mime == "text/markdown":
		return `<div class="output prose">` + p.markdown.fragment(text) + "</div>"
	case mime == "text/latex":
		return `<div class="output prose">` + latex(p, text) + "</div>"
	case isJSON(mime):
		return jsonHTML(o.Data[mime])
	case mime == "text/plain":
		return `<pre class="output plain">` + ansiHTML(strings.TrimRight(text, "\n")) + "</pre>"
	}
	return `<figure class="output">` + image(o, mime, text) + "</figure>"
}

func errorHTML(o *Output) string {
	tb := strings.TrimRight(strings.Join(o.Traceback, "\n"), "\n")
	head := strings.Trim(o.EName+": "+o.EValue, ": ")
	if strings.TrimSpace(tb) == "" {
		return ansiHTML(head)
	}
	out := ansiHTML(tb)
	if first, _, _ := strings.Cut(o.EValue, "\n"); !strings.Contains(plainText(tb), strings.TrimSpace(plainText(first))) {
		out = "<b>" + ansiHTML(head) + "</b>\n" + out
	}
	return out
}

// image embeds a picture given as base64.
func image(o *Output, mime, b64 string) string {
	b64 = strings.Join(strings.Fields(b64), "")
	if _, err := base64.StdEncoding.DecodeString(b64); err != nil || b64 == "" {
		return `<p class="note">A picture (` + mime + `) that is not base64: ` + html.EscapeString(fmt.Sprint(err)) + "</p>"
	}
	size := ""
	if m, ok := o.Metadata[mime].(map[string]any); ok {
		for _, side := range []string{"width", "height"} {
			if n, ok := m[side].(json.Number); ok && number.MatchString(n.String()) {
				size += ` ` + side + `="` + n.String() + `"`
			}
		}
	}
	return `<img src="data:` + mime + `;base64,` + b64 + `"` + size + ` alt="` + html.EscapeString(altText(o)) + `">`
}

var number = regexp.MustCompile(`^\d+(\.\d+)?$`)

// altText is what the program says about its picture, if it says anything.
func altText(o *Output) string {
	s, _ := o.Data["text/plain"].(string)
	if s = strings.TrimSpace(s); s == "" || strings.HasPrefix(s, "<") || strings.Contains(s, "\n") || len(s) > 300 {
		return "figure"
	}
	return plainText(s)
}

// pictures are the pictures among the types of an output, and what they show.
func pictures(data map[string]any) map[string]any {
	m := map[string]any{}
	for mime, v := range data {
		if strings.HasPrefix(mime, "image/") && slices.Contains(richness, mime) {
			m[mime] = v
		}
	}
	if len(m) > 0 {
		m["text/plain"] = data["text/plain"]
	}
	return m
}

var svgStart = regexp.MustCompile(`^(?s)\s*(<\?.*?\?>|<!--.*?-->|<![^>\[]*(\[.*?\]\s*)?>|\s)*<svg[\s>]`)

func svg(text, alt string) string {
	if !svgStart.MatchString(text) { // with a prefix, say: as HTML it is none
		return `<figure class="output"><img src="data:image/svg+xml;base64,` + base64.StdEncoding.EncodeToString([]byte(text)) + `" alt="` + html.EscapeString(alt) + `"></figure>`
	}
	class := "output"
	if strings.Contains(text, "prefers-color-scheme") || strings.Contains(text, "currentColor") {
		class += " adaptive" // knows itself what to do on dark paper
	}
	c := clean(text)
	return `<figure class="` + class + `"><div role="img" aria-label="` + html.EscapeString(alt) + `">` + isolate(c) + "</div>" + c.note() + "</figure>"
}

// latex renders text/latex, which may be a formula in dollars, an environment,
// or a paragraph that holds some.
func latex(p *page, text string) string {
	s := strings.TrimSpace(text)
	if !strings.ContainsAny(s, "$") && !strings.HasPrefix(s, `\begin`) {
		return clean(`<div class="math">` + mathML(s, true) + "</div>").html
	}
	return p.markdown.fragment(s)
}

func jsonHTML(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return `<p class="output note">JSON that cannot be shown: ` + html.EscapeString(err.Error()) + "</p>"
	}
	code := strings.TrimSpace(b.String())
	body := `<div class="output json">` + highlight(code, "json") + "</div>"
	if lines := strings.Count(code, "\n") + 1; lines > 40 {
		return fmt.Sprintf(`<details class="output"><summary>JSON, %d lines</summary>%s</details>`, lines, body)
	}
	return body
}
