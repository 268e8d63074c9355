package notebook

import (
	"bytes"
	"encoding/base64"
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// heading is an entry of the table of contents.
type heading struct {
	Level int
	ID    string
	HTML  string // the text, maths included, without links
}

// markdown renders the Markdown of one page: GitHub's dialect and LaTeX.
type markdown struct {
	md       goldmark.Markdown
	ids      *anchors
	dir      string // where relative pictures are looked for; "" is nowhere
	headings []heading
}

func newMarkdown(dir string) *markdown {
	return &markdown{
		dir: dir,
		ids: &anchors{taken: map[string]bool{}},
		md: goldmark.New(
			goldmark.WithExtensions(extension.GFM, extension.Footnote, extension.DefinitionList, mathExtension{}),
			goldmark.WithParserOptions(parser.WithAutoHeadingID()),
			goldmark.WithRendererOptions(
				html.WithUnsafe(), // Markdown in notebooks may hold HTML, and often does
				renderer.WithNodeRenderers(util.Prioritized(fencedCode{}, 100)),
			),
		),
	}
}

var anchorTag = regexp.MustCompile(`</?a\b[^>]*>`)

// cell renders a Markdown cell and collects its headings.
func (m *markdown) cell(source string, attachments map[string]map[string]any) string {
	if swells(source) {
		return asWritten(source)
	}
	src := []byte(source)
	doc := m.parse(src, attachments)
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		h, ok := n.(*ast.Heading)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		var b bytes.Buffer
		for c := h.FirstChild(); c != nil; c = c.NextSibling() {
			if err := m.md.Renderer().Render(&b, src, c); err != nil {
				return ast.WalkStop, err
			}
		}
		id, _ := h.AttributeString("id")
		name, _ := id.([]byte)
		m.headings = append(m.headings, heading{h.Level, string(name), anchorTag.ReplaceAllString(clean(b.String()).html, "")})
		return ast.WalkSkipChildren, nil
	})
	return m.render(doc, src)
}

// fragment renders Markdown that a cell has put out.
func (m *markdown) fragment(source string) string {
	if swells(source) {
		return asWritten(source)
	}
	src := []byte(source)
	return m.render(m.parse(src, nil), src)
}

// swells: the rows of a table are filled up to the width of its head, so a
// short text can make a table of millions of cells.
func swells(source string) bool {
	wide := 0
	for line := range strings.Lines(source) {
		if strings.Trim(line, " \t\r\n|:-") == "" {
			wide = max(wide, strings.Count(line, "|"))
		}
	}
	cells := wide * strings.Count(source, "\n")
	return cells > 1<<19 && cells > len(source)
}

func asWritten(source string) string {
	return "<pre>" + string(util.EscapeHTML([]byte(printable(source)))) + "</pre>"
}

func (m *markdown) parse(src []byte, attachments map[string]map[string]any) ast.Node {
	doc := m.md.Parser().Parse(text.NewReader(src), parser.WithContext(parser.NewContext(parser.WithIDs(m.ids))))
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			switch n := n.(type) {
			case *ast.Image:
				n.Destination = m.picture(n.Destination, attachments)
			case *ast.Link:
				n.Destination = pageLink(n.Destination)
			}
		}
		return ast.WalkContinue, nil
	})
	return doc
}

func (m *markdown) render(doc ast.Node, src []byte) string {
	var b bytes.Buffer
	if err := m.md.Renderer().Render(&b, src, doc); err != nil {
		return asWritten(string(src))
	}
	c := clean(b.String())
	if c.styles != "" { // would be the whole page's
		c.left = append(c.left, "style")
	}
	return c.html + c.note()
}

// picture puts attachments and files beside the notebook into the page, which
// must be whole in itself. Other addresses become links.
func (m *markdown) picture(dest []byte, attachments map[string]map[string]any) []byte {
	name, err := url.PathUnescape(string(dest))
	if err != nil {
		return dest
	}
	if key, ok := strings.CutPrefix(name, "attachment:"); ok {
		for kind, v := range attachments[key] {
			if s, ok := v.(string); ok {
				return []byte("data:" + kind + ";base64," + strings.Join(strings.Fields(s), ""))
			}
		}
		return dest
	}
	if m.dir == "" || strings.Contains(name, ":") || strings.HasPrefix(name, "//") {
		return dest
	}
	kind := mime.TypeByExtension(strings.ToLower(filepath.Ext(name)))
	path := filepath.FromSlash(name)
	if !filepath.IsLocal(path) && !strings.HasPrefix(path, "..") || !strings.HasPrefix(kind, "image/") {
		return dest
	}
	data, err := os.ReadFile(filepath.Join(m.dir, path))
	if err != nil {
		return dest
	}
	return []byte("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data))
}

// pageLink leads to the page of another notebook rather than to its .ipynb.
func pageLink(dest []byte) []byte {
	path, fragment, found := strings.Cut(string(dest), "#")
	page, ok := strings.CutSuffix(path, ".ipynb")
	if !ok || strings.Contains(path, ":") {
		return dest
	}
	page += ".html"
	if found {
		page += "#" + fragment
	}
	return []byte(page)
}

// anchors makes ids of headings, unique in a page.
type anchors struct{ taken map[string]bool }

func (a *anchors) Generate(value []byte, _ ast.NodeKind) []byte {
	var b strings.Builder
	for _, r := range strings.ToLower(string(value)) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	base := strings.Trim(b.String(), "-")
	if base == "" {
		base = "section"
	}
	id := base
	for n := 2; a.taken[id]; n++ {
		id = base + "-" + strconv.Itoa(n)
	}
	a.taken[id] = true
	return []byte(id)
}

func (a *anchors) Put(value []byte) { a.taken[string(value)] = true }

// fencedCode highlights blocks of code inside Markdown.
type fencedCode struct{}

func (f fencedCode) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindFencedCodeBlock, f.render)
}

func (fencedCode) render(w util.BufWriter, src []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	var code strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		code.Write(line.Value(src))
	}
	language := string(n.(*ast.FencedCodeBlock).Language(src))
	_, err := w.WriteString(highlight(code.String(), language) + "\n")
	return ast.WalkSkipChildren, err
}
