package notebook

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// cleaned is HTML that runs nothing and loads nothing.
type cleaned struct {
	html   string
	styles string   // its style elements, in their order
	left   []string // what was left out, by its name, sorted
}

// clean reads HTML as a browser does and writes what a page may hold of it
// (allowed.go). By its making no browser can read a tag that is not on the
// list: a "<" is written only where such a tag begins, and no element that is
// written (styles stand apart) changes how the text in it is read.
func clean(fragment string) cleaned {
	c := cleaner{left: map[string]bool{}}
	out, ok := c.once(fragment)
	// A second reading sees what a browser will: where leaving out has joined
	// what closes the other, the tree settles after one more round.
	for range 4 {
		again, still := (&cleaner{left: c.left}).once(out)
		if ok = ok && still; !ok || again == out {
			break
		}
		out = again
	}
	if !ok {
		return cleaned{html: "<pre>" + html.EscapeString(printable(fragment)) + "</pre>"}
	}
	var left []string
	for name := range c.left {
		left = append(left, name)
	}
	slices.Sort(left)
	return cleaned{html: out, styles: c.styles.String(), left: left}
}

// cleaner writes a tree.
type cleaner struct {
	b, styles strings.Builder
	left      map[string]bool
}

// once reads and writes. It fails on what the parser refuses, which is HTML
// nested deeper than 512 elements.
func (c *cleaner) once(fragment string) (out string, ok bool) {
	within := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	nodes, err := html.ParseFragmentWithOptions(strings.NewReader(fragment), within, html.ParseOptionEnableScripting(false))
	if err != nil {
		return "", false
	}
	for _, n := range nodes {
		c.node(n)
	}
	return c.b.String(), true
}

func (c *cleaner) children(n *html.Node) {
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		c.node(k)
	}
}

func (c *cleaner) node(n *html.Node) {
	switch n.Type {
	case html.TextNode:
		c.b.WriteString(html.EscapeString(n.Data))
	case html.ElementNode:
		c.element(n)
	}
}

func (c *cleaner) element(n *html.Node) {
	space, tag := n.Namespace, n.Data
	switch {
	case tag == "style" && space != "math":
		c.stylesheet(n)
		return
	case !allowedElement(space, tag):
		if tag != "annotation" && tag != "annotation-xml" && tag != "metadata" {
			c.left[tag] = true
		}
		if space == "" && !htmlDropped[tag] {
			c.children(n)
		}
		return
	case tag == "img" && !isPicture(strings.TrimSpace(attr(n, "src"))):
		c.elsewhere(n)
		return
	case tag == "input" && !isSwitch(n), animates(tag) && !animatesPaint(n):
		c.left[tag] = true
		return
	}
	c.b.WriteString("<" + tag)
	for _, a := range n.Attr {
		key, value := a.Key, a.Val
		if a.Namespace != "" {
			key = a.Namespace + ":" + key
		}
		if !allowedAttribute(space, key) {
			if strings.HasPrefix(strings.ToLower(key), "on") {
				c.left["script"] = true
			}
			continue
		}
		if key == "href" || key == "src" || key == "xlink:href" {
			var ok bool
			if value, ok = safeAddress(space, tag, value); !ok {
				c.left["address"] = true
				continue
			}
		}
		c.b.WriteString(" " + key + `="` + html.EscapeString(value) + `"`)
	}
	c.b.WriteString(">")
	if space == "" && void[tag] {
		return
	}
	if space == "" && tag == "pre" && n.FirstChild != nil && strings.HasPrefix(n.FirstChild.Data, "\n") {
		c.b.WriteString("\n") // the first is not read
	}
	c.children(n)
	c.b.WriteString("</" + tag + ">")
}

var void = words("br col hr img input wbr")

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

// isSwitch reports whether an input is one that CSS alone can make use of.
func isSwitch(n *html.Node) bool {
	t := strings.ToLower(attr(n, "type"))
	return t == "radio" || t == "checkbox"
}

func animates(tag string) bool {
	return strings.HasPrefix(tag, "animate") || tag == "set"
}

// animatesPaint reports whether an animation changes how its picture looks,
// and not where its links lead.
func animatesPaint(n *html.Node) bool {
	return n.Data == "animateMotion" || svgPaint[attr(n, "attributeName")]
}

// elsewhere writes the text of a picture that a page would have to fetch, as a
// link to it.
func (c *cleaner) elsewhere(img *html.Node) {
	address, ok := safeAddress("", "a", attr(img, "src"))
	text := attr(img, "alt")
	if text == "" {
		text = address
	}
	for p := img.Parent; p != nil; p = p.Parent {
		ok = ok && p.Data != "a"
	}
	if text = html.EscapeString(text); ok && address != "" {
		text = `<a href="` + html.EscapeString(address) + `">` + text + "</a>"
	}
	c.b.WriteString(text)
}

func (c *cleaner) stylesheet(n *html.Node) {
	var css strings.Builder
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		if k.Type == html.TextNode {
			css.WriteString(k.Data)
		}
	}
	c.styles.WriteString("<style")
	if media := attr(n, "media"); media != "" {
		c.styles.WriteString(` media="` + html.EscapeString(media) + `"`)
	}
	c.styles.WriteString(">" + harmlessCSS(css.String()) + "</style>")
}

var opensTag = regexp.MustCompile(`<([a-zA-Z/!?])`)

// harmlessCSS is style that holds no tag, wherever a browser should find it.
func harmlessCSS(s string) string {
	return opensTag.ReplaceAllString(strings.ReplaceAll(s, "<!--", ""), `\3c $1`)
}
