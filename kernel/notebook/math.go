package notebook

import (
	"errors"
	"fmt"
	"html"
	"regexp"
	"strings"
	"unicode"

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

// Bounds of a formula: beyond them the library takes time, memory or a stack
// that no page is worth.
const (
	maxFormula = 8 << 10
	maxNested  = 100
)

var (
	texNests   = regexp.MustCompile(`\\.?|[{}]`)
	texOpens   = regexp.MustCompile(`^\\(left|begin)\b`)
	texCloses  = regexp.MustCompile(`^\\(right|end)\b`)
	texDefine  = regexp.MustCompile(`\\(?:(?:re)?newcommand|def)\b`)
	texDefined = regexp.MustCompile(`\\(?:(?:re)?newcommand|def)\s*\*?\s*\{?\s*\\([a-zA-Z]+)`)
)

// tooMuch says why a formula is not for the library. Commands that a formula
// defines may multiply in each other's text, so one is allowed, which names
// each of its arguments once, or as many as nobody uses.
func tooMuch(tex string) error {
	if len(tex) > maxFormula {
		return fmt.Errorf("a formula of %d bytes is more than is set", len(tex))
	}
	depth := 0
	for _, at := range texNests.FindAllStringIndex(tex, -1) {
		switch rest := tex[at[0]:]; {
		case rest[0] == '{', texOpens.MatchString(rest):
			depth++
		case rest[0] == '}', texCloses.MatchString(rest):
			depth--
		}
		if depth > maxNested {
			return fmt.Errorf("more than %d levels are more than is set", maxNested)
		}
	}
	defined, uses, twice := texDefined.FindAllStringSubmatch(tex, -1), 0, false
	for _, d := range defined {
		uses += len(regexp.MustCompile(`\\`+d[1]+`(?:[^a-zA-Z]|$)`).FindAllString(tex, -1))
	}
	for n := '1'; n <= '9'; n++ {
		twice = twice || strings.Count(tex, "#"+string(n)) > 1
	}
	if n := len(texDefine.FindAllString(tex, -1)); n != len(defined) || uses > n && (n > 1 || twice) {
		return errors.New("commands that a formula defines are not set here")
	}
	return nil
}

func texToMathML(tex string, display bool) (out string, err error) {
	defer func() { // of the library, on input it did not foresee
		if r := recover(); r != nil {
			out, err = "", fmt.Errorf("LaTeX not understood: %v", r)
		}
	}()
	tex = strings.Map(func(r rune) rune { // the library says some formulas on the terminal
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, tex)
	if err := tooMuch(tex); err != nil {
		return "", err
	}
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
