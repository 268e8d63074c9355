package notebook

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
)

// mathNode is an element of MathML, or text.
type mathNode struct {
	tag      string // "" for text
	attrs    []xml.Attr
	text     string
	children []*mathNode
}

// tidyMathML mends what treeblood leaves to be desired: the order of attributes
// (that of a map, so that no two runs agree), white space, the space around
// functions (mi has no lspace), signs after a relation, and the size of accents.
func tidyMathML(mml string) (string, error) {
	d := xml.NewDecoder(strings.NewReader(texAnnotation.ReplaceAllString(mml, "")))
	d.Entity = mathEntities
	root := &mathNode{}
	stack := []*mathNode{root}
	for {
		t, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		top := stack[len(stack)-1]
		switch t := t.(type) {
		case xml.StartElement:
			n := &mathNode{tag: t.Name.Local, attrs: slices.Clone(t.Attr)}
			top.children = append(top.children, n)
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if s := strings.Trim(string(t), " \t\n"); s != "" {
				top.children = append(top.children, &mathNode{text: s})
			}
		}
	}
	if len(root.children) != 1 || root.children[0].tag != "math" {
		return "", errors.New("LaTeX not understood")
	}
	root.tidy()
	var b strings.Builder
	root.children[0].write(&b)
	return b.String(), nil
}

// texAnnotation is the source again, not escaped.
var texAnnotation = regexp.MustCompile(`(?s)<annotation\b.*</annotation>`)

var mathEntities = func() map[string]string {
	m := map[string]string{"UnderBrace": "⏟", "OverBrace": "⏞", "UnderBracket": "⎵", "OverBracket": "⎴"}
	for k, v := range xml.HTMLEntity {
		m[k] = v
	}
	return m
}()

func (n *mathNode) tidy() {
	for _, c := range n.children {
		c.tidy()
	}
	switch n.tag {
	case "mrow", "mtd", "mstyle", "semantics", "math": // rows; the others count their children
		n.space()
	case "mover":
		n.accent()
	}
}

// space puts thin space between a function and the operand before or after it,
// and makes + and − signs where no operand stands before them.
func (n *mathNode) space() {
	var row []*mathNode
	for i, c := range n.children {
		if i > 0 {
			prev := n.children[i-1]
			if prev.isFunction() && (c.isOperand() || c.isFunction()) || c.isFunction() && prev.isOperand() {
				row = append(row, &mathNode{tag: "mspace", attrs: []xml.Attr{attribute("width", "0.17em")}})
			}
			if prev.tag == "mo" && prev.attr("form") != "postfix" && c.tag == "mo" && len(c.attrs) == 0 && strings.ContainsAny(c.content(), "-−+±∓") &&
				strings.Contains("=≈∼∝≤≥≪≫≠≡→∈([{,;+·×<>", prev.content()) {
				c.attrs = []xml.Attr{attribute("form", "prefix")}
			}
		}
		row = append(row, c)
	}
	n.children = row
}

// isFunction reports log, max, log₂, max over i and so on.
func (n *mathNode) isFunction() bool {
	switch n.tag {
	case "mi":
		return n.attr("lspace") != ""
	case "msub", "msup", "msubsup", "munder", "mover", "munderover":
		return len(n.children) > 0 && n.children[0].isFunction()
	case "mrow":
		return len(n.children) == 1 && n.children[0].isFunction()
	}
	return false
}

func (n *mathNode) isOperand() bool {
	switch n.tag {
	case "", "mo", "mspace", "mtext":
		return false
	case "mrow":
		return len(n.children) > 0 && (n.children[0].isOperand() || n.children[0].tag == "mo")
	}
	return !n.isFunction()
}

// accent picks glyphs that the page's font draws at the right size: one letter
// gets an accent of its own size; a hat or a line over more spans them all.
func (n *mathNode) accent() {
	if len(n.children) != 2 || n.children[1].tag != "mo" || n.children[1].attr("stretchy") != "true" {
		return
	}
	base, mark := n.children[0], n.children[1]
	one := base.tag == "mi" || base.tag == "mn"
	set := func(glyph, stretchy string) {
		mark.attrs = []xml.Attr{attribute("stretchy", stretchy)}
		mark.children = []*mathNode{{text: glyph}}
	}
	switch c := mark.content(); {
	case c == "^" && one:
		set("\u02C6", "false")
	case c == "^":
		set("\u0302", "true")
	case c == "~" || c == "\u0360":
		set("\u02DC", "false")
	case c == "\u0308":
		set("\u00A8", "false")
	case c == "¯" && one:
		set("\u00AF", "false")
	case c == "¯" || c == "‾":
		*n = mathNode{tag: "mrow", children: []*mathNode{base}, attrs: []xml.Attr{attribute("style", "border-top:.06em solid;padding-top:.12em")}}
	}
}

func attribute(name, value string) xml.Attr {
	return xml.Attr{Name: xml.Name{Local: name}, Value: value}
}

func (n *mathNode) content() string {
	if len(n.children) != 1 {
		return ""
	}
	return n.children[0].text
}

func (n *mathNode) attr(name string) string {
	for _, a := range n.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (n *mathNode) write(b *strings.Builder) {
	if n.tag == "" {
		// The variation selectors choose between two scripts, where a font has both.
		escape(b, strings.NewReplacer("\uFE00", "", "\uFE01", "").Replace(n.text))
		return
	}
	b.WriteString("<" + n.tag)
	slices.SortFunc(n.attrs, func(x, y xml.Attr) int { return strings.Compare(x.Name.Local, y.Name.Local) })
	for _, a := range n.attrs {
		name, value := a.Name.Local, a.Value
		switch name {
		case "xmlns":
			continue // inside HTML it is known
		case "strechy":
			name = "stretchy"
		case "style":
			props := strings.FieldsFunc(value, func(r rune) bool { return r == ';' })
			slices.Sort(props)
			value = strings.Join(props, ";")
		}
		b.WriteString(" " + name + `="`)
		escape(b, value)
		b.WriteString(`"`)
	}
	b.WriteString(">")
	for _, c := range n.children {
		c.write(b)
	}
	b.WriteString("</" + n.tag + ">")
}

func escape(b *strings.Builder, s string) {
	b.WriteString(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\u00A0", "&nbsp;").Replace(s))
}
