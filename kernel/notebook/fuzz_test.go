package notebook

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// FuzzClean: what is cleaned holds nothing beyond the lists, by the tokens of
// the text itself, and cleaning it again changes nothing.
func FuzzClean(f *testing.F) {
	for _, s := range append(deepTricks, tricks...) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := clean(s)
		for z := html.NewTokenizer(strings.NewReader(c.html)); ; {
			switch z.Next() {
			case html.ErrorToken:
				if again := clean(c.html); again.html != c.html {
					t.Errorf("%q\nonce  %q\ntwice %q", s, c.html, again.html)
				}
				return
			case html.CommentToken, html.DoctypeToken:
				t.Fatalf("%q: %q", s, c.html)
			case html.StartTagToken, html.SelfClosingTagToken:
				token := z.Token()
				if !known[token.Data] || token.Data == "script" {
					t.Fatalf("%q has <%s>: %q", s, token.Data, c.html)
				}
				for _, a := range token.Attr {
					if strings.HasPrefix(a.Key, "on") || a.Key == "srcdoc" || a.Key == "action" || a.Key == "formaction" {
						t.Fatalf("%q has %s=: %q", s, a.Key, c.html)
					}
				}
			}
		}
	})
}

// known are the names on the lists, as a tokenizer has them.
var known = func() map[string]bool {
	m := map[string]bool{}
	for _, list := range []map[string]bool{htmlElements, svgElements, mathElements} {
		for name := range list {
			m[strings.ToLower(name)] = true
		}
	}
	return m
}()

// FuzzANSI: whatever a terminal would show is text and spans, balanced.
func FuzzANSI(f *testing.F) {
	for _, s := range []string{"\x1b[31mred\x1b[0m", "a\rb\b\bc", "\x1b]8;;http://a\x07y\x1b]8;;\x07", "\x1b[38;5;208;48;2;1;2;3;7mx", "\x1b[", "<b>&", "\x1b[1;;;m\x1b[;m", strings.Repeat("\x1b[7m", 9)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := ansiHTML(s)
		depth := 0
		for z := html.NewTokenizer(strings.NewReader(out)); ; {
			switch z.Next() {
			case html.ErrorToken:
				if depth != 0 {
					t.Errorf("%q: %q", s, out)
				}
				return
			case html.TextToken:
			case html.StartTagToken:
				token := z.Token()
				for _, a := range token.Attr {
					if a.Key != "class" && a.Key != "style" {
						t.Fatalf("%q: %q", s, out)
					}
				}
				if depth++; token.Data != "span" || depth > 1 {
					t.Fatalf("%q: %q", s, out)
				}
			case html.EndTagToken:
				depth--
			default:
				t.Fatalf("%q: %q", s, out)
			}
		}
	})
}

// FuzzMathML: any LaTeX becomes XML that is whole, or the text that it was.
func FuzzMathML(f *testing.F) {
	for _, s := range []string{`x_1^2`, `\frac{a}{b}`, `\begin{cases}1\\2\end{cases}`, `\text{<script>}`, `\href{javascript:x}{y}`, `\|x\|`, `\unicode{x3c}`, `{`, `\`, `\left(\right.`, `a & b`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := mathML(s, true)
		d := xml.NewDecoder(strings.NewReader(out))
		d.Entity = xml.HTMLEntity
		for {
			if _, err := d.Token(); err == io.EOF {
				return
			} else if err != nil && !strings.Contains(err.Error(), "illegal character") && !strings.Contains(err.Error(), "invalid UTF-8") {
				t.Fatalf("%q: %v: %q", s, err, out)
			} else if err != nil {
				return
			}
		}
	})
}
