package notebook

import (
	"bytes"
	"html"
	"strings"

	"github.com/alecthomas/chroma/v2"
	chromahtml "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
)

var codeFormat = chromahtml.New(chromahtml.WithClasses(true), chromahtml.InlineCode(true))

// highlight renders code as a <pre> with classes for its tokens.
func highlight(code, language string) string {
	code = strings.TrimRight(code, "\n")
	var b bytes.Buffer
	b.WriteString(`<pre class="chroma"><code>`)
	if !tokens(&b, code, language) {
		b.WriteString(html.EscapeString(code))
	}
	b.WriteString("</code></pre>")
	return b.String()
}

func tokens(b *bytes.Buffer, code, language string) bool {
	lexer := lexers.Get(language)
	if lexer == nil || language == "" {
		return false
	}
	it, err := chroma.Coalesce(lexer).Tokenise(nil, code)
	if err != nil {
		return false
	}
	var out bytes.Buffer
	if err := codeFormat.Format(&out, styles.Fallback, it); err != nil {
		return false
	}
	s := strings.TrimSuffix(strings.TrimPrefix(out.String(), `<code class="chroma">`), "</code>")
	b.WriteString(strings.TrimRight(s, "\n"))
	return true
}

// highlightCSS are the colours of code: on light paper, and on dark.
func highlightCSS() (light, dark string) {
	css := func(name string) string {
		var b bytes.Buffer
		_ = codeFormat.WriteCSS(&b, styles.Get(name)) // a bytes.Buffer does not fail
		var kept []string
		for line := range strings.Lines(b.String()) {
			_, rule, _ := strings.Cut(line, "*/")
			rule = strings.TrimSpace(rule)
			// Backgrounds are the page's; magics are errors to a lexer only.
			if strings.HasPrefix(rule, ".chroma .") && !strings.HasPrefix(rule, ".chroma .err") && !strings.Contains(rule, ".ln") && !strings.Contains(rule, ".hl") && !strings.Contains(rule, ".line") {
				kept = append(kept, rule)
			}
		}
		return strings.Join(kept, "\n")
	}
	return css("github"), css("github-dark")
}
