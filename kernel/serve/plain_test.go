package serve

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"os/exec"
	"slices"
	"strings"
)

// plainCompiler is the smallest compiler that the kernel can be tested with:
// statements only, nothing lives on, a cell that is one expression is shown.
type plainCompiler struct {
	goimports string // the program; its package makes a folder in every process that links it
	committed []int
}

const plainTail = `
func show(v any) {
	gonbui.SendData(&protocol.DisplayData{
		Data:     map[protocol.MIMEType]any{protocol.MIMETextPlain: fmt.Sprint(v)},
		Metadata: map[string]any{"odslab_result": true},
	})
	gonbui.Sync()
}
func clear(how string) {
	gonbui.SendData(&protocol.DisplayData{Metadata: map[string]any{"odslab_clear": how}})
	gonbui.Sync()
}
`

func (c *plainCompiler) Compile(n int, src string) (*Program, error) {
	p := &Program{Commit: func() error { c.committed = append(c.committed, n); return nil }}
	lines := strings.Split(src, "\n")
	for len(lines) > 0 && (strings.HasPrefix(lines[0], "%") || strings.HasPrefix(lines[0], "!")) {
		p.Magics = append(p.Magics, lines[0])
		lines = lines[1:]
	}
	body := strings.Join(lines, "\n")
	if strings.TrimSpace(body) == "" {
		return p, nil
	}
	if e, err := parser.ParseExpr(body); err == nil {
		if _, call := e.(*ast.CallExpr); !call {
			body = "show(" + body + ")"
		}
	}
	text := fmt.Sprintf("package main\nimport (\n\"github.com/janpfeifer/gonb/gonbui\"\n\"github.com/janpfeifer/gonb/gonbui/protocol\"\n)\nfunc main() {\n//line cell[%d]:%d:1\n%s\n}\n%s", n, len(p.Magics)+1, body, plainTail)
	_, err := parser.ParseFile(token.NewFileSet(), "main.go", text, parser.ParseComments)
	if list, ok := err.(scanner.ErrorList); ok {
		return nil, &CompileError{[]Problem{{n, list[0].Pos.Line, list[0].Pos.Column, list[0].Msg}}}
	}
	cmd := exec.Command(c.goimports)
	cmd.Stdin = strings.NewReader(text)
	source, err := cmd.Output()
	p.Source = bytes.ReplaceAll(source, []byte("\t//line"), []byte("//line"))
	return p, err
}

func (c *plainCompiler) IsComplete(src string) (string, string) {
	if strings.Count(src, "{") > strings.Count(src, "}") {
		return "incomplete", "\t"
	}
	return "complete", ""
}

var plainNames = []string{"alpha", "alphabet", "日本語"}

func (c *plainCompiler) Complete(src string, cursor int) (matches []string, start, end int) {
	before := []rune(src)[:cursor]
	start = cursor
	for start > 0 && !strings.ContainsRune(" .(=\n", before[start-1]) {
		start--
	}
	for _, name := range plainNames {
		if strings.HasPrefix(name, string(before[start:])) {
			matches = append(matches, name)
		}
	}
	return matches, start, cursor
}

func (c *plainCompiler) Inspect(src string, cursor int) (string, bool) {
	word := strings.TrimSpace(string([]rune(src)[:cursor]))
	return word + " is a name", slices.Contains(plainNames, word)
}
