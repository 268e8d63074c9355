package cell

import (
	"fmt"
	"go/scanner"
	"go/token"
	"regexp"
	"strings"
	"unicode"
)

// Magic is a line (or, for %%name, a whole cell) that isn't Go.
type Magic struct {
	Line, Col int
	Text      string // from the % or ! on; for a cell magic with all that follows
	Cell      bool
}

// chunk is the text of one top-level declaration or statement.
type chunk struct {
	text      string
	line, col int
	hushed    bool // ended by a semicolon that was written
}

// split is a cell cut at its top level.
type split struct {
	magics     []Magic
	chunks     []chunk
	errs       scanner.ErrorList // what the scanner itself rejects
	incomplete bool              // the text may be the beginning of a valid cell
	depth      int               // brackets open at the end
}

// splitCell cuts a cell into magics and chunks. Statements end where Go's own
// automatic semicolons stand outside all brackets.
func splitCell(src string) *split {
	s := &split{}
	src = strings.ReplaceAll(src, "\r\n", "\n")
	if text := strings.TrimLeftFunc(src, unicode.IsSpace); isCellMagic(text) {
		line, col := position(src, len(src)-len(text))
		s.magics = append(s.magics, Magic{line, col, text, true})
		return s
	}
	for at := 0; at < len(src); {
		at = s.scan(src, at)
	}
	return s
}

// isCellMagic: %%name, which takes the whole cell. A bare %% only says "main
// starts here" to GoNB and means nothing here.
func isCellMagic(text string) bool {
	return len(text) > 2 && text[0] == '%' && text[1] == '%' && (unicode.IsLetter(rune(text[2])) || text[2] == '!')
}

// position is the line and column, both from 1, the column in bytes.
func position(src string, off int) (line, col int) {
	line = 1 + strings.Count(src[:off], "\n")
	return line, off - strings.LastIndexByte(src[:off], '\n')
}

// packageClause opens a whole program pasted into a cell; it says nothing here.
var packageClause = regexp.MustCompile(`^package\s+\w+\s*$`)

// scan cuts src from an offset to the next magic or the end, and returns where
// to go on.
func (s *split) scan(src string, from int) int {
	f := token.NewFileSet().AddFile("", -1, len(src)-from)
	var sc scanner.Scanner
	sc.Init(f, []byte(src[from:]), func(p token.Position, msg string) {
		p.Line, p.Column = position(src, from+p.Offset)
		s.errs.Add(p, msg)
		if strings.Contains(msg, "comment not terminated") || strings.Contains(msg, "raw string literal not terminated") {
			s.incomplete = true
		}
	}, 0)
	start, header, control := -1, false, false
	var prev token.Token
	cut := func(to int, hushed bool) {
		if start >= 0 && !packageClause.MatchString(src[start:to]) {
			line, col := position(src, start)
			s.chunks = append(s.chunks, chunk{strings.TrimRight(src[start:to], " \t\n"), line, col, hushed})
		}
		start, header, control = -1, false, false
	}
	// whole: the text so far is a statement, so that a semicolon ends it. In
	// `if v := map[string]int{}["k"]; v > 0 {` the first one does not.
	whole := func(to int) bool {
		_, err := parsePiece(chunk{text: src[start:to], line: 1, col: 1}, 0)
		return err == nil
	}
	for {
		pos, tok, lit := sc.Scan()
		off := from + f.Offset(pos)
		if tok == token.EOF {
			cut(len(src), false)
			if s.depth > 0 || opens(prev) {
				s.incomplete = true
			}
			return len(src)
		}
		if start < 0 {
			if tok == token.SEMICOLON {
				if lit == ";" && len(s.chunks) > 0 {
					s.chunks[len(s.chunks)-1].hushed = true
				}
				continue
			}
			if c := src[off]; (c == '%' || c == '!') && strings.TrimLeft(src[strings.LastIndexByte(src[:off], '\n')+1:off], " \t") == "" {
				return s.magic(src, off)
			}
			start = off
		}
		switch tok {
		case token.FOR, token.IF, token.SWITCH, token.SELECT:
			if s.depth == 0 {
				header, control = true, true
			}
		case token.LBRACE:
			if s.depth == 0 {
				header = false
			}
			s.depth++
		case token.LPAREN, token.LBRACK:
			s.depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			if s.depth--; s.depth < 0 {
				p := token.Position{Offset: off}
				p.Line, p.Column = position(src, off)
				s.errs.Add(p, fmt.Sprintf("unexpected %s: nothing is open here", tok))
				s.depth = 0
			}
		case token.SEMICOLON:
			if s.depth == 0 && !(lit == ";" && (header || control && !whole(off))) {
				cut(off, lit == ";")
			}
		}
		if tok != token.SEMICOLON || lit == ";" {
			prev = tok
		}
	}
}

// directive is the line of a comment that begins so, or 0.
func directive(src, head string) int {
	if !strings.Contains(src, head) {
		return 0
	}
	f := token.NewFileSet().AddFile("", -1, len(src))
	var sc scanner.Scanner
	sc.Init(f, []byte(src), nil, scanner.ScanComments)
	for {
		pos, tok, lit := sc.Scan()
		switch {
		case tok == token.EOF:
			return 0
		case tok == token.COMMENT && strings.HasPrefix(lit, head+" "):
			return f.Line(pos)
		}
	}
}

// magic takes the line at off, with lines that a final backslash continues.
func (s *split) magic(src string, off int) int {
	end := off
	for {
		n := strings.IndexByte(src[end:], '\n')
		if n < 0 {
			end = len(src)
			break
		}
		end += n
		if src[end-1] != '\\' {
			break
		}
		end++
	}
	text := strings.TrimRight(src[off:end], " \t\r")
	if strings.HasSuffix(text, "\\") {
		s.incomplete = true
	}
	if text != "%%" && text != "%main" {
		line, col := position(src, off)
		s.magics = append(s.magics, Magic{Line: line, Col: col, Text: text})
	}
	return end
}

// opens: a statement can't end with this token, more must follow.
func opens(t token.Token) bool {
	switch t {
	case token.RPAREN, token.RBRACK, token.RBRACE, token.INC, token.DEC, token.SEMICOLON, token.ELLIPSIS, token.ILLEGAL:
		return false
	case token.BREAK, token.CONTINUE, token.FALLTHROUGH, token.RETURN:
		return false
	}
	return t.IsOperator() || t.IsKeyword()
}

// IsComplete says whether a front end should run the text or let the user go
// on writing, and with which indent: complete, incomplete or invalid.
func IsComplete(src string) (status, indent string) {
	s := splitCell(src)
	if s.incomplete {
		return "incomplete", strings.Repeat("\t", s.depth)
	}
	if len(s.errs) > 0 {
		return "invalid", ""
	}
	for i, c := range s.chunks {
		if _, err := parsePiece(c, 0); err != nil && (i < len(s.chunks)-1 || parseList(c, 0) == nil) {
			return "invalid", ""
		}
	}
	return "complete", ""
}
