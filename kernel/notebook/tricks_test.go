package notebook

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// deepTricks are more of them, nested beyond what parsers take, mutated by a
// second reading, in formulas, in Markdown, in addresses: FuzzPageInBrowser
// reads what a page makes of each.
var deepTricks = func() []string {
	const img = "<img src=x onerror=HIT>"
	deep := func(open string, n int, in string) string { return strings.Repeat(open, n) + in }
	return []string{
		deep("<div>", 490, "<svg><title>"+img+"</title></svg>"), deep("<div>", 505, "<svg><title>"+img+"</title></svg>"), deep("<b><i>", 250, "<math><mtext><table><mglyph><svg><title>"+img),
		deep("<math><mtext>", 250, "<style><img src=x onerror=HIT></style>"), deep("<svg><desc>", 245, img), deep("<details>", 600, img), deep("<table><tr><td>", 120, "<svg><desc>"+img),
		`<form><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style>` + img + `">`,
		`<svg><desc><noscript><p title="</noscript>` + img + `">`, `<math><mi><svg><title><p title="</title>` + img + `">`, `<math><annotation-xml encoding="application/xhtml+xml"><p title="</annotation-xml>` + img + `"></annotation-xml></math>`,
		`<svg><title><svg><style><p title="</style>` + img + `">`, `<svg><a><title><a href="javascript:HIT">x</a></title></a></svg>`, `<a href="#"><svg><a xlink:href="javascript:HIT"><rect width=9 height=9 /></a></svg></a>`,
		`<table><a href="javascript:HIT"><tr><td></a><svg><script>HIT</script>`, `<p><table><svg><title><td>` + img, `<ruby><rt><math><ms><p title="</ms>` + img + `">`, `<svg></br><p title="</svg>` + img + `">`, `<math></p><img title="</math>` + img + `">`,
		`<svg><font color=x><p title="</svg>` + img + `">`, `<math><mglyph><malignmark><p title="` + img + `">`, `<math><mtext><mglyph><p title="</mglyph>` + img + `">`, `<svg><foreignObject><math><mi><title>` + img + `</title>`,
		"<svg xmlns:x=http://www.w3.org/1999/xlink><a x:href=javascript:HIT><text y=9>t", "<svg><set attributeName=href attributeName=x to=javascript:HIT>", "<svg><a href=# href=javascript:HIT><text y=9>x", "<svg><a><animate attributename=HREF to=javascript:HIT></a>", "<svg><a><animate attributeName='fill' attributeName='href' values='javascript:HIT'><text y=9>x",
		"<svg><animate attributeName=onclick to=HIT>", "<svg><animateTransform attributeName='href' to='javascript:HIT'>", "<svg><a><animateMotion attributeName=href values=javascript:HIT /><text y=9>x", "<svg><use href='#x' xlink:href='data:image/svg+xml,x#y'>", "<svg><image href='data:text/html,<script>HIT</script>'>", "<svg><image href='data:image/svg+xml;base64,PHN2Zy8+' onload=HIT>",
		"<a href='\u2028javascript:HIT'>a", "<a href='\ufeffjavascript:HIT'>a", "<a href='\u00a0javascript:HIT'>a", "<a href='https&colon;//x' href=javascript:HIT>a", "<a href='mailto:x' ping='http://x' download=x target=y rel=opener>a", "<a href=feed:javascript:HIT>a", "<a href=view-source:javascript:HIT>a", "<a href=blob:x>a", "<a href=filesystem:x>a", "<a href='jar:javascript:HIT!/'>a", "<a href='%6aavascript:HIT'>a", "<a href='javascript&NewLine;:HIT'>a", "<a href='&#0000106avascript:HIT'>a", "<a href='&#x6A&#x61vascript:HIT'>a", "<a href='ja\x00vascript:HIT'>a",
		"# a {onclick=HIT style=\"x\"}\n", "[a]: javascript:HIT\n[b][a] ![c][a]", "[a](vbscript:HIT \"x\\\" onclick=HIT\")", "<http://a\"onmouseover=HIT>", "<a@b.c\"onclick=HIT>", "![x](javascript:HIT)", "[x](data:text/html;base64,PHNjcmlwdD4=)", "~~~\"><script>HIT</script>\nx\n~~~", "Term <b onclick=HIT>\n:   def <svg onload=HIT>", "[^a\"onclick=HIT]\n\n[^a\"onclick=HIT]: x", "| a |\n|:-:|\n| <svg/onload=HIT> |", "<div markdown=1 onclick=HIT>\n\n[x](javascript:HIT)\n\n</div>", "- [ ] <input autofocus onfocus=HIT>", "&lt;script&gt;HIT&lt;/script&gt;", "\\<script>HIT</script>", "<!-- a\n\n--><script>HIT</script>",
		`$\href{java&#115;cript:HIT}{x}$`, `$\url{javascript:HIT}$`, `$\cssId{x" onclick="HIT}{y}$`, `$\color{red" onclick="HIT}{x}$`, `$\bbox[red;background:url(javascript:HIT)]{x}$`, `$\begin{array}{c" onclick="HIT}x\end{array}$`, `$\tag{<svg onload=HIT>}x$`, `$\text{$\text{<img src=x onerror=HIT>}$}$`, `$\def\x{<script>HIT</script>}\x$`, `$\newcommand{\a}[1]{<img src=x onerror=#1>}\a{HIT}$`, `$\mathchoice{<script>HIT</script>}{}{}{}$`, `$\operatorname{</math><img src=x onerror=HIT>}$`, `$\html{<img src=x onerror=HIT>}$`, `$\includegraphics{javascript:HIT}$`, `$x$<!--$-->` + img, "$a\n\n" + img + "$", `$$</math>` + img + `$$`, `$\mathrm{\char"3c}script>HIT$`, `$\begin{CD}` + img + `\end{CD}$`, `\begin{equation}\label{" onclick="HIT}x\end{equation}`, `\(` + img + `\) \[` + img + `\]`,
		"<math><semantics><annotation-xml encoding=text/html>" + img + "</annotation-xml></semantics></math>", "<math><mrow xlink:type=simple xlink:href=javascript:HIT><mi>x", "<math><mtext><a href=javascript:HIT>x", "<math><a href=javascript:HIT><mi>x", "<math><ms><script>HIT</script>",
		"<slot onslotchange=HIT>", "<dialog open onclose=HIT>", "<object><param name=src value=javascript:HIT>", "<isindex action=javascript:HIT>", "<keygen autofocus onfocus=HIT>", "<bgsound src=javascript:HIT>", "<layer src=javascript:HIT>", "<xml id=x><a href=javascript:HIT></xml>", "<fencedframe src=javascript:HIT>", "<portal src=javascript:HIT>", "<search onclick=HIT>", "<selectedcontent><img src=x onerror=HIT>", "<select><svg><foreignObject>" + img, "<select><button>" + img, "<select><selectedcontent></select>" + img,
		"<img src='data:image/png,x' onload=HIT>", "<img src='data:image/svg+xml,<svg onload=HIT>'>", "<img src=' data:image/png;x,' alt='\"onerror=HIT'>", "<img src=javascript:HIT>", "<img srcset='x 1x' sizes=9 onerror=HIT>", "<img src='DATA:IMAGE/PNG;base64,' longdesc=javascript:HIT usemap=#x>",
		"<style>@import 'data:text/css,*{x:y}';</style><style></style><script>HIT</script>", "<style>a{}</style/><script>HIT</script>", "<style media='\"><script>HIT</script>'>", "<svg><style></svg><script>HIT</script>", "<svg><style>/*</style><img src=x onerror=HIT>*/", "<math><style><script>HIT</script></style>", "<style><!--</style><script>HIT</script>--></style>", "<b style='--x:</style><script>HIT</script>'>x", "<style>\\3c/style><script>HIT</script>",
		"<input type=radio onclick=HIT checked>", "<input type='radio ' formaction=javascript:HIT>", "<input type=image src=x onerror=HIT>", "<input type=checkbox type=image src=x onerror=HIT>", "<label for=x onclick=HIT>x", "<meter onclick=HIT>", "<progress onclick=HIT>",
	}
}()

// What an output does by its styles stays in its box.
func TestOverlay(t *testing.T) {
	c := newChromium(t)
	show := func(mime, s string) Output { return Output{Type: "display_data", Data: map[string]any{mime: s}} }
	for name, o := range map[string]Output{
		"fixed":           show("text/html", `<div id=o style="position:fixed;inset:0;z-index:99999;background:red">x</div>`),
		"absolute":        show("text/html", `<div style="position:absolute;top:-9999px;left:0;width:9999px;height:99999px;background:red">x</div>`),
		"sticky":          show("text/html", `<style>*{position:sticky;top:0;z-index:9999}</style><div style="background:red;height:2000px">x</div>`),
		"margin":          show("text/html", `<div style="margin-top:-9999px;height:9999px;background:red">x</div>`),
		"host":            show("text/html", `<style>:host,:host-context(body){position:fixed!important;inset:0;z-index:99;background:red}</style>x`),
		"transform":       show("text/html", `<div style="transform:scale(1000);background:red">x</div>`),
		"outline":         show("text/html", `<div style="outline:9999px solid red;box-shadow:0 0 0 9999px red">x</div>`),
		"markdown":        show("text/markdown", `<div style="position:fixed;inset:0;z-index:99999;background:red">x</div>`),
		"markdown margin": show("text/markdown", `<div style="margin-top:-9999px;height:9999px;background:red">x</div>`),
		"markdown class":  show("text/markdown", `<div class="toc"><nav class=toc>x</nav></div>`),
		"latex":           show("text/latex", `<div style="position:fixed;inset:0;z-index:99999;background:red">$x$</div>`),
		"svg":             show("image/svg+xml", `<svg style="position:fixed;inset:0;width:9999px;height:9999px;z-index:9"><rect width=9999 height=9999 fill=red></svg>`),
		"svg overflow":    show("image/svg+xml", `<svg width=10 height=10 overflow=visible style="overflow:visible"><rect x=-9999 y=-9999 width=99999 height=99999 fill=red></svg>`),
		"dialog":          show("text/html", `<div popover style="display:block;position:fixed;inset:0;background:red">x</div>`),
	} {
		nb := &Notebook{Cells: []Cell{{Type: "markdown", Source: "# Title"}, {Type: "code", Source: "x", Outputs: []Output{o}}, {Type: "markdown", Source: "## End"}}}
		nb.assignIDs()
		c.open(HTML(nb, PageOptions{}), 50*time.Millisecond)
		var at []string
		c.eval(`["h1","h2"].map(s=>{const h=document.querySelector(s);h.scrollIntoView({behavior:"instant"});const r=h.getBoundingClientRect();const e=document.elementFromPoint(r.x+9,r.y+9);return e?e.localName:""})`, &at)
		if fmt.Sprint(at) != "[h1 h2]" {
			t.Errorf("%s: %v", name, at)
		}
	}
}

// A short text does not make a page of many megabytes, nor the program end:
// commands that multiply, brackets and rows without end.
func TestShortTextsStayShort(t *testing.T) {
	laughs := ""
	for i := 'a'; i < 'z'; i++ {
		laughs += fmt.Sprintf(`\newcommand{\q%c}{\q%c\q%c}`, i+1, i, i)
	}
	nest := func(open, end string, n int) string { return strings.Repeat(open, n) + "x" + strings.Repeat(end, n) }
	for _, s := range []string{
		`$\newcommand{\qa}{x}` + laughs + `\qz$`, `$\newcommand{\qa}{\qb}\newcommand{\qb}{\qa}\qa$`, `$\def\qa{\qa\qa}\qa$`, `$\newcommand{\q}[1]{#1#1}` + nest(`\q{`, "}", 30) + "$",
		"$" + nest("{", "}", 20000) + "$", "$" + nest(`\frac{`, "}{y}", 20000) + "$", "$" + nest(`\frac{`, "}{y}", 90) + "$", "$" + nest(`\left(`, `\right)`, 2000) + "$", "$" + nest(`\begin{matrix}`, `\end{matrix}`, 300) + "$",
		"$" + strings.Repeat(`\sqrt`, 1500) + "x$", "$" + strings.Repeat("x_", 4000) + "x$", "$" + strings.Repeat("{", 1<<20) + "$",
		"|" + strings.Repeat("a|", 5000) + "\n|" + strings.Repeat("-|", 5000) + "\n" + strings.Repeat("|\n", 2000),
		strings.Repeat(">", 5000) + "x", strings.Repeat("- ", 2000) + "x", strings.Repeat("![", 5000) + strings.Repeat("](x)", 5000), strings.Repeat("[^1]", 2000) + "\n\n[^1]: x",
		strings.Repeat("<div>", 20000), strings.Repeat("<b><p>", 250), strings.Repeat("<table><tr><td>", 2000), "<b " + strings.Repeat("data-a=b ", 20000) + ">", strings.Repeat("<a>", 500) + strings.Repeat("<p>", 5000),
		"\x1b[" + strings.Repeat("1;", 20000) + "m", strings.Repeat("\x1b[1m\x1b[31mx", 5000),
	} {
		p := &page{markdown: newMarkdown("")}
		for _, mime := range []string{"text/html", "image/svg+xml", "text/markdown", "text/latex", "text/plain"} {
			if out := p.output(&Output{Type: "display_data", Data: map[string]any{mime: s}}); len(out) > 100*len(s)+1<<20 {
				t.Errorf("%s: %d bytes of %d: %.60q", mime, len(out), len(s), s)
			}
		}
		p.markdown.cell(s, nil)
	}
}

// A formula may define what it uses once; what is more is shown as it is.
func TestDefinedCommands(t *testing.T) {
	for tex, set := range map[string]bool{
		`\newcommand{\E}{\mathbb{E}}\E x`: true, `\newcommand{\norm}[1]{\|#1\|}\norm{x}+\norm{y}`: true, `\newcommand{\a}{x}\newcommand{\b}{y}`: true, `\frac{1}{2}`: true,
		`\newcommand{\a}{x}\newcommand{\b}{\a\a}\b`: false, `\newcommand{\a}[1]{#1#1}\a{\a{x}}`: false, `\def\1{x}\1`: false,
	} {
		if got := !strings.HasPrefix(mathML(tex, true), "<code"); got != set {
			t.Errorf("%s: set %v", tex, got)
		}
	}
}
