package notebook

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
)

var (
	svgID     = regexp.MustCompile(`(\s(?:xml:)?id\s*=\s*)("[^"]*"|'[^']*')`)
	svgRef    = regexp.MustCompile(`(\s(?:xlink:)?href\s*=\s*)("#[^"]*"|'#[^']*')`)
	svgURL    = regexp.MustCompile(`url\(\s*(['"]?|&quot;)#([^)'"&]+)(['"]?|&quot;)\s*\)`)
	svgARIA   = regexp.MustCompile(`(\saria-(?:labelledby|describedby)\s*=\s*)("[^"]*"|'[^']*')`)
	svgTiming = regexp.MustCompile(`(\s(?:begin|end)\s*=\s*)("[^"]*"|'[^']*')`)
	svgEvent  = regexp.MustCompile(`\son[a-z]+\s*=`)
)

// inlineSVG prepares a picture to stand inside an HTML page: the prolog goes,
// and each id and each reference to one gets the prefix, since ids of two
// pictures would otherwise clash (clip paths and gradients of the second would
// be those of the first). It fails on what is not well-formed XML and on
// pictures that carry scripts; these belong in a frame of their own.
func inlineSVG(svg, prefix string) (string, error) {
	d := xml.NewDecoder(strings.NewReader(svg))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	d.Entity = xml.HTMLEntity
	ids := map[string]bool{}
	if err := svgTokens(d, func(t xml.Token, _, _ int64) error {
		e, ok := t.(xml.StartElement)
		if !ok {
			return nil
		}
		switch e.Name.Local {
		case "script", "foreignObject", "iframe":
			return errors.New("the picture holds " + e.Name.Local)
		}
		for _, a := range e.Attr {
			if a.Name.Local == "id" {
				ids[a.Value] = true
			}
		}
		return nil
	}); err != nil {
		return "", err
	}

	rename := func(id string) string {
		if ids[id] {
			return prefix + id
		}
		return id
	}
	d = xml.NewDecoder(strings.NewReader(svg))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	d.Entity = xml.HTMLEntity
	var b strings.Builder
	style := false
	err := svgTokens(d, func(t xml.Token, from, to int64) error {
		raw := svg[from:to]
		switch e := t.(type) {
		case xml.ProcInst, xml.Directive, xml.Comment:
			return nil
		case xml.StartElement:
			if svgEvent.MatchString(raw) {
				return errors.New("the picture holds event handlers")
			}
			style = e.Name.Local == "style"
			raw = renameInTag(raw, rename)
		case xml.EndElement:
			style = false
		case xml.CharData:
			if style {
				raw = renameInStyle(raw, rename)
			}
		}
		b.WriteString(raw)
		return nil
	})
	if err != nil {
		return "", err
	}
	out := strings.TrimSpace(b.String())
	if !strings.HasPrefix(out, "<svg") {
		return "", errors.New("the picture does not begin with <svg>")
	}
	return out, nil
}

// svgTokens calls f with each token and where it stands.
func svgTokens(d *xml.Decoder, f func(t xml.Token, from, to int64) error) error {
	depth := 0
	for {
		from := d.InputOffset()
		t, err := d.RawToken()
		if err == io.EOF {
			if depth != 0 {
				return errors.New("the picture ends too early")
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch t.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			if depth--; depth < 0 {
				return errors.New("an element is closed that was not opened")
			}
		}
		if err := f(t, from, d.InputOffset()); err != nil {
			return err
		}
	}
}

func renameInTag(tag string, rename func(string) string) string {
	quoted := func(m []string, f func(string) string) string {
		q := m[2][:1]
		return m[1] + q + f(m[2][1:len(m[2])-1]) + q
	}
	tag = replaceMatches(svgID, tag, func(m []string) string { return quoted(m, rename) })
	tag = replaceMatches(svgRef, tag, func(m []string) string {
		return quoted(m, func(v string) string { return "#" + rename(v[1:]) })
	})
	tag = replaceMatches(svgARIA, tag, func(m []string) string {
		return quoted(m, func(v string) string {
			names := strings.Fields(v)
			for i := range names {
				names[i] = rename(names[i])
			}
			return strings.Join(names, " ")
		})
	})
	tag = replaceMatches(svgTiming, tag, func(m []string) string {
		return quoted(m, func(v string) string {
			if id, event, ok := strings.Cut(v, "."); ok {
				return rename(id) + "." + event
			}
			return v
		})
	})
	return renameURLs(tag, rename)
}

// svgRule is the inside of a rule of CSS, or a selector by id.
var svgRule = regexp.MustCompile(`\{[^{}]*\}|#[\w-]+`)

func renameInStyle(css string, rename func(string) string) string {
	return svgRule.ReplaceAllStringFunc(css, func(m string) string {
		if m[0] == '#' {
			return "#" + rename(m[1:])
		}
		return renameURLs(m, rename) // not #abc, which is a colour here
	})
}

func renameURLs(s string, rename func(string) string) string {
	return replaceMatches(svgURL, s, func(m []string) string {
		return "url(" + m[1] + "#" + rename(m[2]) + m[3] + ")"
	})
}

// replaceMatches is Regexp.ReplaceAllStringFunc with the groups at hand.
func replaceMatches(re *regexp.Regexp, s string, f func([]string) string) string {
	return re.ReplaceAllStringFunc(s, func(m string) string { return f(re.FindStringSubmatch(m)) })
}
