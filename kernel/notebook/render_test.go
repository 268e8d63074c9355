package notebook

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func renderMarkdown(t *testing.T, src string) string {
	t.Helper()
	return newMarkdown("").cell(src, nil)
}

func TestMathInMarkdown(t *testing.T) {
	for _, c := range []struct{ name, in, has, hasNot string }{
		{"inline", "a $x_1 * y_2 * z$ b", "<math display=\"inline\"", "<em>"},
		{"display", "$$\nx\n= y\n$$", `<div class="math"><math display="block"`, "<h1"},
		{"display in one line", "$$x=y$$", `<div class="math">`, "$"},
		{"display in a sentence", "so $$x$$ holds", `display="block"`, "$"},
		{"environment", "\\begin{align}\na&=b\\\\\nc&=d\n\\end{align}\ntext", "<mtable", "\\begin"},
		{"money", "from $5 to $10", "from $5 to $10", "<math"},
		{"escaped", `\$x\$`, "$x$", "<math"},
		{"code span", "`$x$` and `a$b`", "<code>$x$</code>", "<math"},
		{"dollar before code", "costs $5; `$HOME`", "<code>$HOME</code>", "<math"},
		{"code block", "```\n$x$\n```", "$x$", "<math"},
		{"indented code", "    $x$", "$x$", "<math"},
		{"never closed", "a $x b", "a $x b", "<math"},
		{"block never closed", "$$\nx = 1", "<math", "$$"},
		{"less than", "$a<b$", "&lt;", "<b"},
		{"not LaTeX", `$\frac{1$`, `<code class="tex"`, "<math"},
		{"table", "| a |\n|---|\n| $x^2$ |", "<msup>", "$"},
	} {
		got := renderMarkdown(t, c.in)
		if !strings.Contains(got, c.has) || strings.Contains(got, c.hasNot) {
			t.Errorf("%s: %q\nhas no %q, or has %q", c.name, got, c.has, c.hasNot)
		}
	}
}

// Scripts and fractions count their children, so nothing may be added there,
// and what comes out must be XML, the same each time.
func TestMathMLIsWhole(t *testing.T) {
	arity := map[string]int{"msub": 2, "msup": 2, "munder": 2, "mover": 2, "mfrac": 2, "mroot": 2, "msubsup": 3, "munderover": 3}
	for _, tex := range []string{
		`\nabla_x\log p_t(x)`, `x_{\max}`, `\log_2 x`, `\frac{a}{\log x}`, `\sin^2 x`, `\max_i\min_j a_{ij}`, `\hat x_0`, `\overline{xyz}`,
		`\operatorname{Var}(x)`, `\|x\|_2^2`, `\dfrac12`, `a \& b`, `\sum_{i=1}^n w_i`, `\underbrace{a+b}_n`, `\begin{cases}1&x>0\\0&\text{else}\end{cases}`,
	} {
		out, err := texToMathML(tex, true)
		if err != nil || strings.Contains(out, "merror") {
			t.Errorf("%s: %v\n%s", tex, err, out)
			continue
		}
		for range 5 {
			if again, _ := texToMathML(tex, true); again != out {
				t.Fatalf("%s: not the same twice", tex)
			}
		}
		d := xml.NewDecoder(strings.NewReader(out))
		d.Entity = xml.HTMLEntity
		var tags []string
		children := []int{0}
		for {
			tok, err := d.Token()
			if err != nil {
				break
			}
			switch e := tok.(type) {
			case xml.StartElement:
				children[len(children)-1]++
				tags, children = append(tags, e.Name.Local), append(children, 0)
			case xml.EndElement:
				tag, n := tags[len(tags)-1], children[len(children)-1]
				if want, ok := arity[tag]; ok && n != want {
					t.Errorf("%s: <%s> has %d children\n%s", tex, tag, n, out)
				}
				tags, children = tags[:len(tags)-1], children[:len(children)-1]
			}
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{"$x$", "$$\na\n", "# a\n$`$`", "\\begin{a}", "> $$\n> x\n> $$", "- $$x", "|a|\n|-|\n|$x$|", "[a](b.ipynb#c)", "![](attachment:x)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { newMarkdown("").cell(s, nil) })
}

func TestLinksAndPictures(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a b.png"), []byte("png"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := newMarkdown(dir).cell("![](a%20b.png) ![](attachment:c.png) ![](https://x.org/d.png) [n](02-noise.ipynb#score) [w](https://x.org/a.ipynb)",
		map[string]map[string]any{"c.png": {"image/png": "AAAA\n"}})
	for _, want := range []string{`src="data:image/png;base64,cG5n"`, `src="data:image/png;base64,AAAA"`, `<a href="https://x.org/d.png">`, `href="02-noise.html#score"`, `href="https://x.org/a.ipynb"`} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %s:\n%s", want, got)
		}
	}
}

func TestContents(t *testing.T) {
	nb := &Notebook{Cells: []Cell{
		{Type: "markdown", Source: "# Title\n\n## Same\n\n```\n# no heading\n```"},
		{Type: "markdown", Source: "## Same\n\n### With $x$ and [a link](y)\n\n#### Too deep"},
	}}
	page := string(HTML(nb, PageOptions{}))
	toc, _, _ := strings.Cut(page, "</nav>")
	for _, want := range []string{`href="#same">`, `href="#same-2">`, "<math", "<title>Title</title>"} {
		if !strings.Contains(toc, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if strings.Contains(toc, "deep") || strings.Contains(toc, `href="y"`) || strings.Contains(toc, "no heading") {
		t.Error("holds what it must not")
	}
	if !strings.Contains(page, `<h2 id="same-2">`) {
		t.Error("the second of two equal headings has no id of its own")
	}
}

func TestANSI(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a<b", "a&lt;b"},
		{"\x1b[31mred\x1b[0m plain", `<span class="ansi-red">red</span> plain`},
		{"\x1b[1;92mok\x1b[22m ok", `<span class="ansi-bright-green ansi-bold">ok</span><span class="ansi-bright-green"> ok</span>`},
		{"\x1b[38;5;208mx\x1b[m", `<span style="color:#ff8700">x</span>`},
		{"\x1b[48;2;1;2;3mx", `<span style="background-color:#010203">x</span>`},
		{"\x1b[7mx", `<span class="ansi-inverse ansi-on-inverse">x</span>`},
		{"10 %\r 50 %\r100 %\ndone", "100 %\ndone"},
		{"kept\r\nlines", "kept\nlines"},
		{"ab\bc", "ac"},
		{"\x1b[2K\x1b[1Gx\x1b]8;;http://a\x07y\x1b]8;;\x07", "xy"},
		{"cut \x1b[3", "cut [3"},
		{"bad \xff\x00 byte", "bad � byte"},
	} {
		if got := ansiHTML(c.in); got != c.want {
			t.Errorf("%q\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

// What a page keeps, and what it says of the rest.
func TestClean(t *testing.T) {
	for _, c := range []struct{ in, out, styles, left string }{
		{"<table><tr><td>1 < 2</td></tr></table>", "<table><tbody><tr><td>1 &lt; 2</td></tr></tbody></table>", "", ""},
		{"<style media=print>td{}</style><div class=x style='color:red'>a</div>", `<div class="x" style="color:red">a</div>`, `<style media="print">td{}</style>`, ""},
		{"<!-- <script> --><b>x</b>", "<b>x</b>", "", ""},
		{"<div>", "<div></div>", "", ""},
		{"</div></main></body>a", "a", "", ""},
		{"a<script>x</script>b", "ab", "", "script"},
		{"<b onclick=x>y</b>", "<b>y</b>", "", "script"},
		{"<a href='javascript:x'>y</a><a href=b.html#c>z</a>", `<a>y</a><a href="b.html#c">z</a>`, "", "address"},
		{"<custom-x><b>text stays</b></custom-x><textarea>a</textarea>", "<b>text stays</b>a", "", "custom-x, textarea"},
		{"<noscript><b>x</b></noscript>", "<b>x</b>", "", "noscript"},
		{"<img src=x onerror=y alt=z>", `<a href="x">z</a>`, "", ""},
		{"<a href=y><img src=https://x/y.png></a>", `<a href="y">https://x/y.png</a>`, "", ""},
		{"<style>a<b</style>", "", `<style>a\3c b</style>`, ""},
		{"<input type=radio name=r id=a checked><label for=a>1</label><input type=text><input>", `<input type="radio" name="r" id="a" checked=""/><label for="a">1</label>`, "", "input"},
		{"<pre>\n\na\nb</pre>", "<pre>\n\na\nb</pre>", "", ""},
		{"<math><mi>x</mi><semantics><annotation>x</annotation></semantics></math>", "<math><mi>x</mi><semantics></semantics></math>", "", ""},
		{
			`<svg viewbox="0 0 1 1"><style>#a{fill:url(#g)}</style><lineargradient id=g /><g clip-path="url(#a)"/><use xlink:href="#a"/><use href="http://x/#a"/></svg>`,
			`<svg viewBox="0 0 1 1"><linearGradient id="g"></linearGradient><g clip-path="url(#a)"></g><use xlink:href="#a"></use><use></use></svg>`, `<style>#a{fill:url(#g)}</style>`, "address",
		},
		{
			`<svg><animate attributeName="cx" values="1;2"/><set attributeName="href" to="x"/><foreignObject><p>x</p></foreignObject><script/></svg>`,
			`<svg><animate attributeName="cx" values="1;2"></animate></svg>`, "", "foreignObject, script, set",
		},
		{strings.Repeat("<i><b>", 400), "<pre>" + strings.Repeat("&lt;i&gt;&lt;b&gt;", 400) + "</pre>", "", ""},
	} {
		got := clean(c.in)
		if out := strings.ReplaceAll(c.out, "/>", ">"); got.html != out || got.styles != c.styles || strings.Join(got.left, ", ") != c.left {
			t.Errorf("%.200q\n got %.300q %q %q\nwant %.300q %q %q", c.in, got.html, got.styles, got.left, out, c.styles, c.left)
		}
		if again := clean(got.html); again.html != got.html {
			t.Errorf("%.200q is another the second time: %.300q", got.html, again.html)
		}
	}
}

// A program's own picture is worth more than what is left of its script.
func TestPictureBesideScript(t *testing.T) {
	p := &page{markdown: newMarkdown("")}
	out := p.output(&Output{Type: "display_data", Data: map[string]any{"text/html": "<div id=w></div><script>x</script>", "image/png": "AA=="}})
	if !strings.Contains(out, "<img") || strings.Contains(out, "script") {
		t.Error(out)
	}
	out = p.output(&Output{Type: "display_data", Data: map[string]any{"text/html": "<div id=w>w</div><script>x</script>", "text/plain": "w"}})
	if !strings.Contains(out, "Left out, since pages run and fetch nothing: script") {
		t.Error(out)
	}
}

func TestRichest(t *testing.T) {
	for _, c := range []struct {
		want  string
		mimes []string
	}{
		{"text/html", []string{"text/plain", "text/html", "image/png"}},
		{"image/svg+xml", []string{"text/plain", "image/png", "image/svg+xml"}},
		{"image/png", []string{"application/vnd.vegalite.v5+json", "image/png", "text/html"}},
		{"application/vnd.vegalite.v5+json", []string{"application/vnd.vegalite.v5+json"}},
		{"text/plain", []string{"application/javascript", "text/plain"}},
		{"", []string{"application/javascript"}},
	} {
		data := map[string]any{}
		for _, m := range c.mimes {
			data[m] = "x"
		}
		if got := richest(data); got != c.want {
			t.Errorf("of %q: %q, want %q", c.mimes, got, c.want)
		}
	}
}

func TestOutputs(t *testing.T) {
	p := &page{markdown: newMarkdown(""), language: "go"}
	show := func(data map[string]any) string {
		return p.output(&Output{Type: "display_data", Data: data, Metadata: map[string]any{"image/png": map[string]any{"width": json.Number("9")}}})
	}
	for _, c := range []struct {
		name string
		data map[string]any
		want string
	}{
		{"picture with its size and text", map[string]any{"image/png": "AA==\n", "text/plain": "A <plot>"}, `<img src="data:image/png;base64,AA==" width="9" alt="A &lt;plot&gt;">`},
		{"picture that is none", map[string]any{"image/png": "\"><script>"}, "not base64"},
		{"formula without dollars", map[string]any{"text/latex": "x^2"}, "<msup>"},
		{"formula in dollars", map[string]any{"text/latex": "$$x^2$$"}, "<msup>"},
		{"long JSON is folded", map[string]any{"application/json": make([]any, 60)}, "<details"},
		{"nothing to show", map[string]any{"application/x-thing": "x"}, "Not shown on a page: application/x-thing"},
		{"broken picture is mended", map[string]any{"image/svg+xml": "<svg><g></svg"}, "<svg><g></g></svg>"},
		{"picture with a prefix", map[string]any{"image/svg+xml": "<s:svg/>"}, `<img src="data:image/svg+xml;base64,PHM6c3ZnLz4="`},
	} {
		if got := show(c.data); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	if got := p.output(&Output{Type: "error", EName: "panic", EValue: "<boom>"}); !strings.Contains(got, "panic: &lt;boom&gt;") {
		t.Errorf("error without a traceback: %s", got)
	}
	if got := p.output(&Output{Type: "error", EName: "panic", EValue: "boom", Traceback: []string{"at cell[1]:2"}}); !strings.Contains(got, "panic: boom") {
		t.Errorf("error whose traceback does not say what: %s", got)
	}
}

// The page must be whole in itself.
func TestNothingIsFetched(t *testing.T) {
	page := HTML(sample(t), PageOptions{})
	for _, bad := range []string{"<link", "<script src", "@import", "url(http", `src="http`} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if again := HTML(sample(t), PageOptions{}); !bytes.Equal(page, again) {
		t.Error("not the same twice")
	}
}

func TestSolutionIsFolded(t *testing.T) {
	nb := &Notebook{Cells: []Cell{{Type: "code", ID: "s", Source: "answer()", Metadata: map[string]any{"tags": []any{"solution"}}}}}
	page := string(HTML(nb, PageOptions{}))
	_, after, ok := strings.Cut(page, "<details class=\"fold\"><summary>Solution</summary>")
	if !ok || !strings.Contains(after, "answer") || strings.Contains(page, "<details open") {
		t.Error("the solution is not in a closed <details>")
	}
}
