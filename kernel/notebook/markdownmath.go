package notebook

import (
	"bytes"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// mathExtension reads $…$, $$…$$ and \begin{…}…\end{…} in Markdown, as
// Jupyter does, and renders them as MathML. A dollar opens maths only if no
// space follows it, and closes it only if no space stands before and no digit
// after it, so that "$5 and $10" stays text.
type mathExtension struct{}

func (mathExtension) Extend(m goldmark.Markdown) {
	m.Parser().AddOptions(
		parser.WithInlineParsers(util.Prioritized(inlineMath{}, 150)), // after code spans, before emphasis
		parser.WithBlockParsers(util.Prioritized(blockMath{}, 90)),    // before "=" underlines a heading
	)
	m.Renderer().AddOptions(renderer.WithNodeRenderers(util.Prioritized(mathRenderer{}, 100)))
}

var (
	kindInlineMath = ast.NewNodeKind("InlineMath")
	kindBlockMath  = ast.NewNodeKind("BlockMath")
)

type inlineMathNode struct {
	ast.BaseInline
	tex     []byte
	display bool
}

func (*inlineMathNode) Kind() ast.NodeKind { return kindInlineMath }
func (n *inlineMathNode) Dump(src []byte, level int) {
	ast.DumpHelper(n, src, level, map[string]string{"tex": string(n.tex)}, nil)
}

type inlineMath struct{}

func (inlineMath) Trigger() []byte { return []byte{'$'} }

func (inlineMath) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, at := block.Position()
	tex, display, ok := scanMath(block)
	if !ok {
		block.SetPosition(line, at)
		return nil
	}
	return &inlineMathNode{tex: tex, display: display}
}

// scanMath reads from a dollar to the one that closes it.
func scanMath(block text.Reader) (tex []byte, display, ok bool) {
	first, _ := block.PeekLine()
	fence := 1
	if bytes.HasPrefix(first, []byte("$$")) {
		fence = 2
	}
	if len(first) <= fence || fence == 1 && isSpace(first[1]) {
		return nil, false, false
	}
	block.Advance(fence)
	for {
		line, _ := block.PeekLine()
		if line == nil {
			return nil, false, false
		}
		for i := 0; i < len(line); i++ {
			switch {
			case line[i] == '\\':
				i++
			case line[i] == '`' && fence == 1: // the dollar was text, and code follows
				return nil, false, false
			case line[i] != '$':
			case fence == 2 && i+1 < len(line) && line[i+1] == '$':
				block.Advance(i + 2)
				return append(tex, line[:i]...), true, true
			case fence == 1:
				body := append(tex, line[:i]...)
				if len(body) == 0 || isSpace(body[len(body)-1]) || i+1 < len(line) && line[i+1] >= '0' && line[i+1] <= '9' {
					return nil, false, false
				}
				block.Advance(i + 1)
				return body, false, true
			}
		}
		tex = append(tex, line...)
		block.AdvanceLine()
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

type blockMathNode struct {
	ast.BaseBlock
	end  []byte // what closes it
	done bool
}

func (*blockMathNode) Kind() ast.NodeKind           { return kindBlockMath }
func (*blockMathNode) IsRaw() bool                  { return true }
func (n *blockMathNode) Dump(src []byte, level int) { ast.DumpHelper(n, src, level, nil, nil) }

type blockMath struct{}

func (blockMath) Trigger() []byte                             { return []byte{'$', '\\'} }
func (blockMath) CanInterruptParagraph() bool                 { return true }
func (blockMath) CanAcceptIndentedLine() bool                 { return false }
func (blockMath) Close(ast.Node, text.Reader, parser.Context) {}

func (blockMath) Open(_ ast.Node, reader text.Reader, _ parser.Context) (ast.Node, parser.State) {
	line, segment := reader.PeekLine()
	body := bytes.TrimSpace(line)
	indent := len(line) - len(bytes.TrimLeft(line, " \t"))
	n := &blockMathNode{}
	switch {
	case bytes.HasPrefix(body, []byte("$$")):
		n.end = []byte("$$")
		if rest := body[2:]; bytes.Contains(rest, n.end) {
			if !bytes.HasSuffix(rest, n.end) {
				return nil, parser.NoChildren // a sentence that begins with a formula
			}
			n.done = true
			segment.Start += indent + 2
			segment.Stop = segment.Start + len(rest) - 2
			n.Lines().Append(segment)
			reader.AdvanceToEOL()
			return n, parser.NoChildren
		}
		segment.Start += indent + 2
	case bytes.HasPrefix(body, []byte(`\begin{`)):
		name, _, ok := bytes.Cut(body[len(`\begin{`):], []byte("}"))
		if !ok {
			return nil, parser.NoChildren
		}
		n.end = []byte(`\end{` + string(name) + "}")
		segment.Start += indent
		if bytes.Contains(body, n.end) {
			n.done = true
		}
	default:
		return nil, parser.NoChildren
	}
	n.Lines().Append(segment)
	reader.AdvanceToEOL()
	return n, parser.NoChildren
}

func (blockMath) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	n := node.(*blockMathNode)
	if n.done {
		return parser.Close
	}
	line, segment := reader.PeekLine()
	if i := bytes.Index(line, n.end); i >= 0 {
		n.done = true
		if n.end[0] == '\\' {
			i += len(n.end)
		}
		segment.Stop = segment.Start + i
	}
	n.Lines().Append(segment)
	reader.AdvanceToEOL()
	return parser.Continue | parser.NoChildren
}

type mathRenderer struct{}

func (mathRenderer) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(kindInlineMath, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		m := n.(*inlineMathNode)
		_, err := w.WriteString(mathML(string(m.tex), m.display))
		return ast.WalkSkipChildren, err
	})
	r.Register(kindBlockMath, func(w util.BufWriter, src []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		_, err := w.WriteString(`<div class="math">` + mathML(string(n.Lines().Value(src)), true) + "</div>\n")
		return ast.WalkSkipChildren, err
	})
}
