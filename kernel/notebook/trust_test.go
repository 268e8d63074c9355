package notebook

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"odslab/kernel/toolchain"
)

// tricks run HIT in a browser, or have run it on pages of ours: each a kind.
var tricks = func() []string {
	const s = `<script>HIT</script>`
	list := []string{
		s, `<SCRIPT>HIT</SCRIPT>`, `<ScRiPt/x>HIT</script >`, `<script type=module>HIT</script>`,
		`<!-->` + s + `-->`, `<!--->` + s, `<!-- --!>` + s, `<!-` + s + `->`, `<? >` + s, `<!x>` + s, `</ >` + s,
		`<title><b title="</title>` + s + `">`, `<textarea><b title="</textarea>` + s + `">`, `<noscript><b title="</noscript>` + s + `">`,
		`<xmp><b title="</xmp>` + s + `">`, `<noembed><b title="</noembed>` + s + `">`, `<style><b title="</style>` + s + `">`,
		`<iframe srcdoc="&lt;script>HIT&lt;/script>"></iframe>`, `<iframe src="javascript:HIT"></iframe>`, `<iframe src="data:text/html,` + s + `"></iframe>`,
		`<object data="data:text/html,` + s + `"></object>`, `<embed src="data:text/html,` + s + `">`, `<frameset onload=HIT>`,
		`<a href="java&#115;cript:HIT">a</a>`, `<a href=" &#1;JaVa` + "\t" + `script:HIT">a</a>`, `<a href="java&Tab;script&colon;HIT">a</a>`, `<a href="data:text/html,` + s + `">a</a>`, `<a href="vbscript:HIT">`,
		`<form action="javascript:HIT"><button>b</button></form>`, `<button formaction="javascript:HIT">b</button>`, `<form id=f></form><input form=f type=image formaction=javascript:HIT>`,
		`<img src=x onerror=HIT>`, `<img src=x ` + "\f" + `ONERROR=HIT>`, `<img/src=x/onerror=HIT>`, `<image src=x onerror=HIT>`, `<img src="x" a="` + "`" + `"onerror=HIT>`,
		`<b onclick=HIT onmouseover=HIT>b</b>`, `<details open ontoggle=HIT>`, `<input autofocus onfocus=HIT>`, `<select autofocus onfocus=HIT>`, `<video><source onerror=HIT src=x></video>`,
		`<audio src=x onerror=HIT>`, `<body onload=HIT>`, `<html onload=HIT>`, `<marquee onstart=HIT>m</marquee>`, `<style onload=HIT>b{}</style>`, `<link rel=stylesheet href="data:text/css," onload=HIT>`,
		`<meta http-equiv=refresh content="0;url=javascript:HIT">`, `<base href="javascript:HIT//">`, `<svg ONLOAD=HIT></svg>`, `<svg onload=HIT>`, `<svg xmlns="http://www.w3.org/2000/svg"onload="HIT"></svg>`,
		`<svg><script>HIT</script></svg>`, `<svg><SCRIPT>HIT</SCRIPT></svg>`, `<svg><script href="data:text/javascript,HIT"/></svg>`, `<svg><script xlink:href="data:text/javascript,HIT"/></svg>`, `<svg><a><script>HIT</script></a></svg>`,
		`<svg><foreignobject><img src=x onerror=HIT></foreignobject></svg>`, `<svg><foreignObject>` + s + `</foreignObject></svg>`, `<svg><style><img src=x onerror=HIT></style></svg>`, `<svg><title>` + s + `</title></svg>`, `<svg><desc><img src=x onerror=HIT></desc></svg>`,
		`<svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><image href='x' onerror='HIT'/></svg>#x"/></svg>`,
		`<svg><a xlink:href="javascript:HIT"><text y=9>t</text></a></svg>`, `<svg><a><animate attributeName=href values=javascript:HIT begin=0s dur=1s fill=freeze /><text y=9>t</text></a></svg>`, `<svg><a href="#"><set attributeName="xlink:href" to="javascript:HIT"/><text y=9>t</text></a></svg>`,
		`<svg><image href=x onerror=HIT /></svg>`, `<svg><animate onbegin=HIT attributeName=x dur=1s></svg>`, `<svg><set onbegin=HIT attributeName=x to=1></svg>`, `<svg><discard onbegin=HIT></svg>`, `<svg><svg/onload=HIT>`, `<svg/onload=HIT>`, `<svg><handler>HIT</handler></svg>`,
		`<p><![CDATA[><script>HIT</script>`, `<svg><![CDATA[><script>HIT</script>]]>`, `<svg></p><style><a id="</style><img src=x onerror=HIT>">`, `<svg><p><style><a title="</style><img src=x onerror=HIT>">`,
		`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=HIT&gt;">`, `<math><annotation-xml encoding="text/html"><style><img src=x onerror=HIT></style></annotation-xml></math>`, `<math><mi xlink:href="javascript:HIT">x</mi></math>`, `<math href="javascript:HIT"><mi>x</mi></math>`,
		`<math><mtext><img src=x onerror=HIT></mtext></math>`, `<form><math><mtext></form><form><mglyph><style></math><img src onerror=HIT>`, `<math><maction actiontype="statusline#" xlink:href="javascript:HIT">c</maction></math>`,
		`<template>` + s + `</template>`, `</template>` + s, `<template shadowrootmode=open>` + s + `</template>`, `<div><template shadowrootmode=open><img src=x onerror=HIT></template></div>`, `</div></div></section></main>` + s,
		`<table><td>` + s, `<table><script>HIT</script></table>`, `<select><option><script>HIT</script></select>`, `<select><style></select><img src=x onerror=HIT></style></select>`, `<frameset><frame src=javascript:HIT>`,
		`<a href="javas` + "\n" + `cript:HIT">x</a>`, `<a href=javascript:HIT>x`, `<area href="javascript:HIT"><map><area href=javascript:HIT></map>`, `<x is=script onclick=HIT contenteditable onblur=HIT autofocus tabindex=1 onfocus=HIT>y`,
		`<style>@import "javascript:HIT";b{background:url(javascript:HIT);x:expression(HIT)}</style>`, `<b style="background:url('javascript:HIT');behavior:url(x)">b</b>`, "<plaintext>" + s, "<listing>\n<b>" + s, "\x00<scr\x00ipt>HIT</script>",
		`<svg:script xmlns:svg="http://www.w3.org/2000/svg">HIT</svg:script>`, `<x:script xmlns:x="http://www.w3.org/1999/xhtml">HIT</x:script>`, `<?xml-stylesheet href="javascript:HIT"?>` + s, `<button popovertarget=p onclick=HIT>`, `<div id=p popover onbeforetoggle=HIT>`,
		"[a](javascript:HIT)", "[a](<java\tscript:HIT>)", "![a](x\" onerror=\"HIT)", "<javascript:HIT>", "# h " + s, "## <img src=x onerror=HIT>", "| " + s + " |\n|-|\n", "[^1]\n\n[^1]: " + s, "`" + s + "`" + s,
		`$\href{javascript:HIT}{x}$`, `$\text{` + s + `}$`, `$\class{x" onclick="HIT}{y}$`, `$$\style{background:url(javascript:HIT)}{x}$$`, `\begin{align}` + s + `\end{align}`, `$\frac{<img src=x onerror=HIT>$`, `\unicode{"><script>HIT</script>}`,
	}
	for i := range list { // a quote in an attribute would end it
		list[i] = strings.ReplaceAll(list[i], "HIT", fmt.Sprintf("console.log(%d)", i))
	}
	return list
}()

// everywhere is a notebook that brings a text in every place that a notebook has.
func everywhere(s string) *Notebook {
	b64 := "iVBORw0KGgo="
	data := func(m map[string]any) Output { return Output{Type: "display_data", Data: m} }
	nb := &Notebook{Metadata: map[string]any{"language_info": map[string]any{"name": s}}, Cells: []Cell{
		{Type: "markdown", ID: s, Source: "# " + s},
		{Type: "markdown", Source: s, Attachments: map[string]map[string]any{s: {s: b64}, "a": {"image/png\"" + s: s}}},
		{Type: "markdown", Source: "## a " + s + "\n\n## b\n\n![" + s + "](attachment:a) ![x](<" + s + ">)\n\n```" + s + "\n" + s + "\n```\n\n> - " + s},
		{Type: "raw", Source: s},
		{Type: "code", Source: s, ExecutionCount: 1, Metadata: map[string]any{"tags": []any{"check"}}, Outputs: []Output{
			data(map[string]any{"text/html": s}), data(map[string]any{"text/html": `<table title="` + s + `"><tr><td>` + s}),
			data(map[string]any{"image/svg+xml": s}), data(map[string]any{"image/svg+xml": `<?xml version="1.0"?><svg viewBox="0 0 9 9"><g id="` + s + `">` + s + `</g></svg>`}),
			data(map[string]any{"text/markdown": s}), data(map[string]any{"text/latex": s}), data(map[string]any{"text/latex": "$" + s + "$"}), data(map[string]any{"text/latex": `\begin{x}` + s}),
			data(map[string]any{"image/png": b64, "text/plain": s}), data(map[string]any{"image/png": s}), data(map[string]any{"application/json": map[string]any{s: s}}), data(map[string]any{"x/" + s: s}),
			data(map[string]any{"text/plain": s}),
			{Type: "stream", Name: s, Text: s + "\x1b[3" + s + "m" + s},
			{Type: "error", EName: s, EValue: s, Traceback: []string{s, "\x1b[31m" + s}},
			{Type: "execute_result", ExecutionCount: 1, Data: map[string]any{"image/png": b64}, Metadata: map[string]any{"image/png": map[string]any{"width": json.Number(s)}}},
		}},
	}}
	nb.assignIDs()
	return nb
}

// looker finds in a document, its shadow trees and templates what a page must
// not have: elements and attributes beyond the lists, addresses that run.
func looker(c *chromium) {
	lists, err := json.Marshal(map[string]any{
		"el":   map[string]any{"http://www.w3.org/1999/xhtml": htmlElements, "http://www.w3.org/2000/svg": svgElements, "http://www.w3.org/1998/Math/MathML": mathElements},
		"own":  words("html head body meta title style nav template"),
		"attr": []any{globalAttributes, htmlAttributes, mathAttributes, svgPaint, svgOnly, words("alt src content http-equiv charset shadowrootmode")},
	})
	if err != nil {
		c.tb.Fatal(err)
	}
	c.eval(`var lists=`+string(lists)+`;
function look(doc){const bad=[];
const list=s=>lists.attr.some(l=>l[s])||/^(aria|data)-[\w.:-]*$/.test(s);
(function walk(n){
 if(n.nodeType===8)bad.push("a comment");
 if(n.nodeType===1){
  const name=n.localName, ok=(lists.el[n.namespaceURI]||{})[name]||n.namespaceURI==="http://www.w3.org/1999/xhtml"&&lists.own[name];
  if(!ok)bad.push("<"+n.nodeName+"> in "+n.namespaceURI);
  for(const a of n.attributes){
   if(/^on/i.test(a.name)||!list(a.name))bad.push(a.name+"="+a.value+" of "+n.nodeName);
  }
  for(const h of [n.href,n.getAttribute("href"),n.href&&n.href.animVal,n.href&&n.href.baseVal,n.getAttribute("xlink:href"),n.src,n.getAttribute("formaction"),n.action])
   if(typeof h==="string"&&h){let p;try{p=new URL(h,"file:///x").protocol}catch(e){p="file:"}
    if(!["http:","https:","mailto:","file:","about:"].includes(p)&&!(p==="data:"&&/^data:image\//i.test(h)))bad.push("address "+h)}
  if(n.shadowRoot)walk(n.shadowRoot);
  if(n.content&&n.content.nodeType===11)walk(n.content);
 }
 for(const k of n.childNodes)walk(k);
})(doc.documentElement||doc);
return [...new Set(bad)]}`, nil)
}

// TestNoScriptRuns opens a page with every trick in every place. Each wall holds
// alone: the list of what a page may hold, and the page's policy.
func TestNoScriptRuns(t *testing.T) {
	c := newChromium(t)
	var raw strings.Builder // each trick in a frame of its own, as it is
	nb := &Notebook{}
	for _, trick := range tricks {
		raw.WriteString(`<iframe srcdoc="` + html.EscapeString(trick) + `"></iframe>`)
		nb.Cells = append(nb.Cells, everywhere(trick).Cells...)
	}
	nb.assignIDs()
	const second = time.Second // for what waits: animations, errors of pictures
	ran := len(distinct(c.open([]byte("<!doctype html><meta charset=utf-8>"+raw.String()), second)))
	if ran < len(tricks)/2 {
		t.Errorf("%d of %d tricks run where nothing hinders them: too few to show anything", ran, len(tricks))
	}
	if got := c.open([]byte("<!doctype html><meta charset=utf-8>"+policy+raw.String()), second); len(got) > 0 {
		t.Errorf("in spite of the policy: %q", distinct(got))
	}
	page := HTML(nb, PageOptions{Note: tricks[0], Title: tricks[0]})
	if !bytes.Contains(page, []byte("<head>\n<meta charset=\"utf-8\">\n"+policy)) {
		t.Error("the page does not begin with its policy")
	}
	for i, got := range distinct(c.open(bytes.Replace(page, []byte(policy), nil, 1), second)) {
		t.Errorf("trick %s runs on the page: %s", i, got)
	}
	looker(c)
	var bad []string
	if c.eval("look(document)", &bad); len(bad) > 0 {
		t.Errorf("the page holds %q", bad)
	}
	for i, trick := range tricks { // and one by one, where none can hide another
		c.eval("var bad=look(Document.parseHTMLUnsafe("+quote(t, string(HTML(everywhere(trick), PageOptions{Title: trick})))+"))", nil)
		if c.eval("bad", &bad); len(bad) > 0 {
			t.Errorf("trick %d leaves %q: %s", i, bad, trick)
		}
	}
	t.Logf("%d of %d tricks run on a bare page by themselves, none on ours", ran, len(tricks))
}

// distinct are the tricks that logged.
func distinct(logs []string) map[string]string {
	m := map[string]string{}
	for _, l := range logs {
		m[l] = l
	}
	return m
}

func quote(t testing.TB, s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestNothingIsFetchedInBrowser: neither pictures, fonts, styles nor links go out.
func TestNothingIsFetchedInBrowser(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked[r.URL.Path] = true
	}))
	defer server.Close()
	c := newChromium(t)
	s := strings.ReplaceAll(`<style>@import url(U/a.css);@font-face{font-family:f;src:url(U/f)}b{font-family:f;background:url(U/b)}</style>`+
		`<img src="U/i.png" srcset="U/s.png"><b style="background:url(U/c)">b</b><svg><image href="U/j.png"/><rect width=9 height=9 fill="url(U/k#x)" filter="url(U/l#x)"/></svg>`+
		`<link rel=preload href=U/p as=image><table background=U/t></table><video poster=U/v></video><iframe src=U/w></iframe>`, "U", server.URL)
	page := func(body string) map[string]bool {
		c.open([]byte(body), 500*time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		got := asked
		asked = map[string]bool{}
		return got
	}
	if got := page("<!doctype html>" + s); len(got) < 8 {
		t.Errorf("a bare page fetches only %v: too few to show anything", got)
	}
	if got := page(string(HTML(everywhere(s), PageOptions{}))); len(got) > 0 {
		t.Errorf("the page fetches %v", got)
	}
}

// What needs no script works: sliders of radio buttons, animations by styles,
// two pictures with the same ids; and a style of an output stays in its box.
func TestStillThingsWork(t *testing.T) {
	c := newChromium(t)
	slider := `<style>.f{display:none}#r1:checked~.f1,#r2:checked~.f2{display:block}@keyframes go{to{margin-left:9px}}.f{animation:go 2s infinite}` +
		`:host{position:fixed!important;inset:0!important;z-index:9;background:red}body{display:none}</style>` +
		`<input type=radio name=s id=r1 checked><label for=r1>1</label><input type=radio name=s id=r2><label for=r2>2</label><div class="f f1">one</div><div class="f f2">two</div>`
	picture := func(width int) string {
		return fmt.Sprintf(`<svg viewBox="0 0 9 9" width="90" height="90"><defs><clipPath id="c"><rect width="%d" height="9"/></clipPath></defs><rect width="9" height="9" clip-path="url(#c)"/></svg>`, width)
	}
	show := func(mime, s string) Output { return Output{Type: "display_data", Data: map[string]any{mime: s}} }
	nb := &Notebook{Cells: []Cell{{Type: "markdown", Source: "# Title"}, {Type: "code", Source: "x", Outputs: []Output{
		show("text/html", slider), show("text/html", slider), show("image/svg+xml", picture(3)), show("image/svg+xml", picture(7)),
	}}}}
	nb.assignIDs()
	if logs := c.open(HTML(nb, PageOptions{}), 0); len(logs) > 0 {
		t.Error(logs)
	}
	var got struct {
		Before, After, Other string
		Moves                int
		Title                string
		Clip                 []bool
	}
	c.eval(`(()=>{const trees=[...document.querySelectorAll(".output > div, .output > div > div")].map(e=>e.shadowRoot).filter(x=>x);
const shown=t=>[...t.querySelectorAll(".f")].filter(e=>getComputedStyle(e).display==="block").map(e=>e.textContent).join();
const o={before:shown(trees[0])};trees[0].querySelector("label[for=r2]").click();o.after=shown(trees[0]);o.other=shown(trees[1]);
o.moves=trees[0].getAnimations().length;const h=document.querySelector("h1").getBoundingClientRect();o.title=document.elementFromPoint(h.x+9,h.y+9).localName;
o.clip=[2,3].map(i=>{const s=trees[i].querySelector("svg");s.scrollIntoView();const r=s.getBoundingClientRect();return trees[i].elementFromPoint(r.x+50,r.y+40).localName==="rect"});
return o})()`, &got)
	if got.Before != "one" || got.After != "two" || got.Other != "one" || got.Moves == 0 || got.Title != "h1" || fmt.Sprint(got.Clip) != "[false true]" {
		t.Errorf("%+v", got)
	}
}

// A chart in Vega-Lite stands on a page, ours and nbconvert's, as its picture.
func TestChartAsPicture(t *testing.T) {
	nb := &Notebook{Cells: []Cell{{Type: "code", Source: "chart()", Outputs: []Output{{Type: "display_data", Data: map[string]any{
		"application/vnd.vegalite.v5+json": map[string]any{"mark": "vega-point"}, "image/svg+xml": `<svg viewBox="0 0 9 9"><circle id="still" r="4"/></svg>`, "text/plain": "a chart",
	}}}}}}
	if page := string(HTML(nb, PageOptions{})); !strings.Contains(page, `<circle id="still"`) || strings.Contains(page, "vega-point") {
		t.Error("not on our page")
	}
	python := toolchain.NeedPython(t, "nbconvert")
	file := filepath.Join(t.TempDir(), "a.ipynb")
	if err := nb.WriteFile(file); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), python, "-m", "nbconvert", "--to", "html", "--stdout", file).Output()
	// nbconvert shows SVG as it is, or as an address of data where it has cleaned it.
	data := base64.StdEncoding.EncodeToString([]byte(`<svg viewBox="0 0 9 9"><circle id="still"`))
	if err != nil || !strings.Contains(string(out), `<circle id="still"`) && !strings.Contains(string(out), data[:40]) {
		t.Errorf("not on nbconvert's: %v", err)
	}
}

// FuzzPageInBrowser reads what the page makes of any text with the parser of a
// real browser: no element, attribute or address beyond the lists, and nothing
// leaves its place.
func FuzzPageInBrowser(f *testing.F) {
	for _, s := range tricks {
		f.Add(s)
	}
	for _, s := range deepTricks {
		f.Add(s)
	}
	c := newChromium(f)
	looker(c)
	f.Fuzz(func(t *testing.T, s string) {
		c.tb = t
		if bad := c.look(s); len(bad) > 0 {
			t.Errorf("%q", bad)
		}
	})
}

// look reads what a page makes of a text, as HTML, SVG, Markdown and LaTeX, and
// says what of it is beyond the lists or has left its place.
func (c *chromium) look(s string) (bad []string) {
	c.tb.Helper()
	p := &page{markdown: newMarkdown("")}
	src := ""
	for _, mime := range []string{"text/html", "image/svg+xml", "text/markdown", "text/latex"} {
		src += p.output(&Output{Type: "display_data", Data: map[string]any{mime: s}})
	}
	src += "<main>" + p.markdown.cell(s, nil) + "</main>" + `<main>end</main>`
	c.eval(`(()=>{const d=Document.parseHTMLUnsafe("<!doctype html><body>"+`+quote(c.tb, src)+`);const bad=look(d);
if(d.body.lastElementChild.textContent!=="end"||[...d.body.children].some(n=>!n.matches("main,div.output,figure.output")||n.localName==="main"&&n!==d.body.lastElementChild&&n!==d.body.lastElementChild.previousElementSibling))bad.push("something has left its place");return bad})()`, &bad)
	return bad
}
