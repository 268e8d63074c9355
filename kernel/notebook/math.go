package notebook

import (
	"errors"
	"fmt"
	"html"
	"regexp"
	"slices"
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
	"argmax":       `\mathop{\mathrm{arg\,max}}`,
	"argmin":       `\mathop{\mathrm{arg\,min}}`,
}

var (
	texDoubleBar = regexp.MustCompile(`(^|[^\\])((?:\\\\)*)\\\|`)
	texShortFrac = regexp.MustCompile(`\\([dt]?frac)\s*(\d)\s*(\d)`)
	texUnseen    = regexp.MustCompile(`\\label\s*\{[^}]*\}|\\nonumber\b|\\notag\b`)

	mathIndent   = regexp.MustCompile(`>\s*\n\s*<`)
	mathTag      = regexp.MustCompile(`<([a-z]+)((?: [a-zA-Z-]+="[^"]*")+)>`)
	mathAttr     = regexp.MustCompile(`[a-zA-Z-]+="[^"]*"`)
	mathBefore   = regexp.MustCompile(`(</(?:mi|mn|msub|msup|msubsup|mfrac|mrow|msqrt)>)(<mi lspace="0\.11111em">[a-z]{2,}</mi>)`)
	mathSign     = regexp.MustCompile(`(<mo[^<>]*>(?:[=≈∼∝≤≥≪≫≠≡→∈([,;+·×∣|]|&[lg]t;)</mo>)<mo>([-−+±∓])</mo>`)
	mathFunction = regexp.MustCompile(`(<mi lspace="0\.11111em">[a-z]{2,}</mi>)(<m(?:i|n|frac|sqrt|sub|sup|subsup|over|mrow)\b)`)
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
	out = mathIndent.ReplaceAllString(strings.TrimSpace(out), "><")
	// A function of LaTeX has space around it, and a sign after a relation has
	// none after it.
	out = mathBefore.ReplaceAllString(out, `$1<mspace width="0.17em"></mspace>$2`)
	out = mathSign.ReplaceAllString(out, `$1<mo form="prefix">$2</mo>`)
	out = mathFunction.ReplaceAllString(out, `$1<mspace width="0.17em"></mspace>$2`)
	out = strings.NewReplacer("\uFE00", "", "\uFE01", "", "strechy=", "stretchy=").Replace(out)
	// The library writes attributes in the order of a map.
	return mathTag.ReplaceAllStringFunc(out, func(tag string) string {
		m := mathTag.FindStringSubmatch(tag)
		attrs := mathAttr.FindAllString(m[2], -1)
		for i, a := range attrs {
			if props, ok := strings.CutPrefix(a, `style="`); ok {
				list := strings.Split(strings.TrimSuffix(props, `"`), ";")
				slices.Sort(list)
				attrs[i] = `style="` + strings.TrimPrefix(strings.Join(list, ";"), ";") + `"`
			}
		}
		slices.Sort(attrs)
		return "<" + m[1] + " " + strings.Join(attrs, " ") + ">"
	}), nil
}
