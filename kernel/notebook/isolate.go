package notebook

import (
	"html"
	"regexp"
	"strings"
)

var (
	htmlComment = regexp.MustCompile(`(?s)<!--.*?-->`)
	htmlStyle   = regexp.MustCompile(`(?is)<style\b[^<>]*>[^<]*</style\s*>`)
	htmlTag     = regexp.MustCompile(`^</?([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z_:@.-][\w:.-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>` + "`" + `]+))?)*)\s*/?>`)
	htmlHandler = regexp.MustCompile(`(?i)\son[a-z]+\s*=|javascript:`)
)

// still are the elements that neither run nor load anything, nor change how
// what follows them is read.
var still = func() map[string]bool {
	m := map[string]bool{}
	for _, t := range strings.Fields(`a abbr b bdi bdo blockquote br caption center cite code col colgroup dd del
		details dfn div dl dt em figcaption figure font h1 h2 h3 h4 h5 h6 header footer hr i img ins kbd li main mark meter
		nav ol p pre progress q s samp section small span strike strong sub summary sup table tbody td tfoot th
		thead time tr tt u ul var wbr article aside svg g path circle ellipse line polygon polyline rect defs use
		clippath lineargradient radialgradient stop text tspan title desc symbol marker pattern mask
		math mrow mi mn mo mtext mfrac msub msup msubsup msqrt mroot mover munder munderover mtable mtr mtd mspace semantics`) {
		m[t] = true
	}
	return m
}()

// isolate shows HTML that a cell has put out, so that its styles and ids stay
// its own and a tag left open does not swallow the page: still HTML in a shadow
// tree, which flows with the page and prints; anything that runs or loads, in
// a sandboxed frame.
func (p *page) isolate(fragment string) string {
	if !isStill(fragment) {
		return p.frame(fragment)
	}
	return `<template shadowrootmode="open"><style>` + shadowCSS + `</style>` + fragment + `</template>`
}

func isStill(fragment string) bool {
	s := htmlStyle.ReplaceAllString(htmlComment.ReplaceAllString(fragment, ""), "")
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			return true
		}
		s = s[i:]
		m := htmlTag.FindStringSubmatch(s)
		switch {
		case m != nil:
			if !still[strings.ToLower(m[1])] || htmlHandler.MatchString(m[2]) {
				return false
			}
			s = s[len(m[0]):]
		case len(s) > 1 && (s[1] == ' ' || s[1] == '=' || s[1] >= '0' && s[1] <= '9'):
			s = s[1:] // "a < b"
		default:
			return false
		}
	}
}

// frame shows HTML or a picture in a document of its own, which may run
// scripts but reach neither this page nor anything of its origin.
func (p *page) frame(content string) string {
	p.framed = true
	doc := `<!doctype html><meta charset="utf-8"><style>` + frameCSS + `</style>` + content + frameScript
	return `<iframe class="frame" sandbox="allow-scripts" title="output" srcdoc="` + html.EscapeString(doc) + `"></iframe>`
}

const (
	shadowCSS = `:host{display:block;overflow-x:auto}` + tableCSS
	frameCSS  = `body{margin:0;font:15px/1.5 system-ui,sans-serif;color:#1f2328;background:#fff}` + tableCSS
	tableCSS  = `table{border-collapse:collapse;font:.87em/1.4 system-ui,sans-serif;font-variant-numeric:tabular-nums;margin:.3em 0}` +
		`th,td{padding:.3em .8em;text-align:left;border-bottom:1px solid rgba(128,128,128,.25)}` +
		`thead th{border-bottom:1.5px solid rgba(128,128,128,.6);font-weight:600}` +
		`img,svg{max-width:100%;height:auto}pre{overflow-x:auto}`

	// The frame tells its height, since the page cannot look into it. Out of
	// sight it may be laid out late and its size is not watched: hence the clock.
	frameScript = `<script>(function(){var last=0;function tell(){var h=Math.ceil(document.documentElement.getBoundingClientRect().height);` +
		`if(h&&h!==last){last=h;parent.postMessage({frameHeight:h},"*")}}tell();addEventListener("load",tell);` +
		`new ResizeObserver(tell).observe(document.documentElement);[50,200,500,1000,2000,5000,10000].forEach(function(t){setTimeout(tell,t)})})()</script>`
	pageScript = `<script>addEventListener("message",function(e){if(e.data&&e.data.frameHeight)document.querySelectorAll("iframe.frame").forEach(function(f){if(f.contentWindow===e.source)f.style.height=e.data.frameHeight+"px"})})</script>`
)
