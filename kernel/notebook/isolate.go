package notebook

import (
	"html"
	"strings"
)

// policy is the second wall: should anything that runs or loads be on a page
// after all, browsers will neither run nor load it. Pages have no script.
const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'">`

// isolate shows HTML or SVG that a cell has put out in a shadow tree, which
// flows with the page and prints: its styles and ids stay its own, and a tag
// left open does not swallow the page.
func isolate(c cleaned) string {
	return `<div><template shadowrootmode="open"><style>` + shadowCSS + `</style>` + c.styles + c.html + `</template></div>`
}

const shadowCSS = `:host{display:block;overflow-x:auto}table{border-collapse:collapse;font:.87em/1.4 system-ui,sans-serif;font-variant-numeric:tabular-nums;margin:.3em 0}` +
	`th,td{padding:.3em .8em;text-align:left;border-bottom:1px solid rgba(128,128,128,.25)}` +
	`thead th{border-bottom:1.5px solid rgba(128,128,128,.6);font-weight:600}` +
	`img,svg{max-width:100%;height:auto}svg{vertical-align:top;background:var(--plate);padding:var(--plate-edge);border-radius:6px}pre{overflow-x:auto}` +
	`math{font-family:"Page Math","STIX Two Math","Cambria Math",math}`

// note says what a page has not taken over.
func (c cleaned) note() string {
	if len(c.left) == 0 {
		return ""
	}
	return `<p class="note">Left out, since pages run and fetch nothing: ` + html.EscapeString(strings.Join(c.left, ", ")) + "</p>"
}
