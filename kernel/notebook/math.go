package notebook

import (
	"errors"
	"fmt"
	"html"
	"regexp"
	"strings"

	"github.com/wyatt915/treeblood"
)

// macros are commands of everyday LaTeX that treeblood does not know.
var macros = map[string]string{
	"operatorname": `\mathrm{#1}`,
	"textbf":       `\mathbf{#1}`,
	"textit":       `\mathit{#1}`,
	"bm":           `\boldsymbol{#1}`,
	"boxed":        `{#1}`,
	"stackrel":     `\overset{#1}{#2}`,
	"tag":          `\qquad\text{(#1)}`,
}

var (
	texDoubleBar = regexp.MustCompile(`(^|[^\\])((?:\\\\)*)\\\|`)
	texShortFrac = regexp.MustCompile(`\\([dt]?frac)\s*(\d)\s*(\d)`)
	texUnseen    = regexp.MustCompile(`\\label\s*\{[^}]*\}|\\nonumber\b|\\notag\b`)
)

// mathML renders LaTeX, without its dollars, as MathML. What cannot be read
// as LaTeX is shown as it was written.
func mathML(tex string, display bool) string {
	out, err := texToMathML(tex, display)
	if err != nil {
		return `<code class="tex" title="` + html.EscapeString(err.Error()) + `">` + html.EscapeString(tex) + `</code>`
	}
	return out
}

func texToMathML(tex string, display bool) (out string, err error) {
	defer func() { // of the library, on input it did not foresee
		if r := recover(); r != nil {
			out, err = "", fmt.Errorf("LaTeX not understood: %v", r)
		}
	}()
	src := texDoubleBar.ReplaceAllString(strings.TrimSpace(tex), `$1$2\Vert `)
	src = texShortFrac.ReplaceAllString(src, `\$1{$2}{$3}`)
	src = texUnseen.ReplaceAllString(src, "")
	if display {
		out, err = treeblood.DisplayStyle(src, macros)
	} else {
		out, err = treeblood.InlineStyle(src, macros)
	}
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "<")
		return "", errors.New(line)
	}
	return tidyMathML(out)
}
