package notebook

import (
	"bytes"
	_ "embed" // the style and the font of pages
	"encoding/base64"
	"fmt"
	"html"
	"strings"
	"time"
)

var (
	//go:embed page.css
	pageCSS string
	//go:embed fonts/math.woff2
	mathFont []byte
)

// PageOptions are the settings of HTML; the zero value works.
type PageOptions struct {
	Title string // of a notebook without a heading of level 1
	Dir   string // where pictures with relative names are looked for; "": nowhere
	Note  string // a line at the foot of the page
}

// page is what grows while a page is made.
type page struct {
	markdown *markdown
	language string
}

// HTML renders the notebook, with its outputs, as one page that needs nothing
// beside it: no script, style, font or picture is fetched. The same notebook
// gives the same bytes.
func HTML(nb *Notebook, o PageOptions) []byte {
	p := &page{markdown: newMarkdown(o.Dir), language: nb.Language()}
	var body bytes.Buffer
	for i := range nb.Cells {
		p.cell(&body, &nb.Cells[i])
	}
	title := nb.Title()
	if title == "" {
		title = o.Title
	}
	if title == "" {
		title = "Notebook"
	}
	light, dark := highlightCSS()
	font := ""
	if bytes.Contains(body.Bytes(), []byte("<math")) {
		font = `@font-face { font-family: "Page Math"; src: url(data:font/woff2;base64,` + base64.StdEncoding.EncodeToString(mathFont) + ") }\n"
	}

	var b bytes.Buffer
	b.WriteString("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" + policy + "\n" +
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n" +
		"<meta name=\"generator\" content=\"odslab\">\n<meta name=\"color-scheme\" content=\"light dark\">\n")
	fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(plainTitle(title)))
	fmt.Fprintf(&b, "<style>\n%s%s\n@media print, (prefers-color-scheme: light) {\n%s\n}\n@media screen and (prefers-color-scheme: dark) {\n%s\n}\n</style>\n</head>\n<body>\n", font, pageCSS, light, dark)
	b.WriteString(contents(p.markdown.headings))
	b.WriteString("<main>\n")
	b.Write(body.Bytes())
	if o.Note != "" {
		fmt.Fprintf(&b, "<footer>%s</footer>\n", html.EscapeString(o.Note))
	}
	b.WriteString("</main>\n")
	b.WriteString("</body>\n</html>\n")
	return b.Bytes()
}

// plainTitle is a heading without its marks of emphasis and code.
func plainTitle(s string) string { return strings.NewReplacer("`", "", "**", "", "$", "").Replace(s) }

func (p *page) cell(b *bytes.Buffer, c *Cell) {
	folded := ""
	if c.Tagged("solution") {
		folded = "Solution"
	}
	open, end := "", ""
	if folded != "" {
		open = `<details class="fold"><summary>` + folded + "</summary>\n"
		end = "</details>\n"
	}
	switch c.Type {
	case "markdown":
		fmt.Fprintf(b, "<section class=\"cell prose\" id=\"c-%s\">\n%s%s%s</section>\n", c.ID, open, p.markdown.cell(c.Source, c.Attachments), end)
	case "raw":
		fmt.Fprintf(b, "<section class=\"cell raw\" id=\"c-%s\">\n%s<pre>%s</pre>\n%s</section>\n", c.ID, open, html.EscapeString(c.Source), end)
	case "code":
		if strings.TrimSpace(c.Source) == "" && len(c.Outputs) == 0 {
			return
		}
		fmt.Fprintf(b, "<section class=\"cell code\" id=\"c-%s\">\n%s", c.ID, open)
		source := `<div class="source">` + p.margin(c) + highlight(c.Source, p.language) + "</div>\n"
		if c.Tagged("hide-input") {
			source = `<details class="fold"><summary>Code</summary>` + source + "</details>\n"
		}
		b.WriteString(source)
		if len(c.Outputs) > 0 {
			b.WriteString("<div class=\"outputs\">\n")
			for i := range c.Outputs {
				b.WriteString(p.output(&c.Outputs[i]) + "\n")
			}
			b.WriteString("</div>\n")
		}
		b.WriteString(end + "</section>\n")
	}
}

// margin is what stands beside a code cell: its number, what came of a check,
// and how long it took if that is worth a thought.
func (p *page) margin(c *Cell) string {
	var b strings.Builder
	b.WriteString(`<div class="margin">`)
	if c.ExecutionCount > 0 {
		fmt.Fprintf(&b, `<span class="count">%d</span>`, c.ExecutionCount)
	}
	if c.Tagged("check") && c.ExecutionCount > 0 {
		if c.failed() {
			b.WriteString(`<span class="badge failed">check failed</span>`)
		} else {
			b.WriteString(`<span class="badge ok">check ok</span>`)
		}
	}
	if d := c.duration(); d >= time.Second {
		fmt.Fprintf(&b, `<span class="time">%s</span>`, seconds(d))
	}
	b.WriteString("</div>")
	return b.String()
}

// failed reports whether the cell put out an error.
func (c *Cell) failed() bool {
	for _, o := range c.Outputs {
		if o.Type == "error" {
			return true
		}
	}
	return false
}

// duration is what the run noted in the cell's metadata, 0 if nothing.
func (c *Cell) duration() time.Duration {
	m, _ := c.Metadata["execution"].(map[string]any)
	at := func(key string) (time.Time, error) {
		s, _ := m[key].(string)
		return time.Parse(time.RFC3339Nano, s)
	}
	begin, err1 := at("iopub.status.busy")
	end, err2 := at("iopub.status.idle")
	if err1 != nil || err2 != nil || end.Before(begin) {
		return 0
	}
	return end.Sub(begin)
}

// seconds prints a duration the way a table or a page shows it.
func seconds(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 10:
		return fmt.Sprintf("%.1f s", s)
	case s < 120:
		return fmt.Sprintf("%.0f s", s)
	default:
		return fmt.Sprintf("%d min %02d s", int(s)/60, int(s)%60)
	}
}

// contents is the table of contents: headings below the title, "" if there
// are too few to need one.
func contents(hs []heading) string {
	top := 0
	for _, h := range hs {
		if h.Level == 1 {
			top++
		}
	}
	var items []heading
	for _, h := range hs {
		if h.Level <= 3 && (h.Level > 1 || top > 1) {
			items = append(items, h)
		}
	}
	if len(items) < 2 {
		return ""
	}
	var b strings.Builder
	b.WriteString("<nav class=\"toc\" aria-label=\"Contents\">\n<details open><summary>Contents</summary>\n<ul>\n")
	for _, h := range items {
		fmt.Fprintf(&b, "<li class=\"h%d\"><a href=\"#%s\">%s</a></li>\n", h.Level, h.ID, h.HTML)
	}
	b.WriteString("</ul>\n</details>\n</nav>\n")
	return b.String()
}
