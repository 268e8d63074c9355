package live

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// shownText is a value whose text says it all.
type shownText string

func (s shownText) String() string { return string(s) }

// Rune shows a character as such.
func Rune(r rune) fmt.Stringer { return shownText(fmt.Sprintf("%s (%d)", strconv.QuoteRune(r), r)) }

// Runes shows characters as a text.
func Runes(r []rune) fmt.Stringer {
	if r == nil {
		return shownText("[]rune(nil)")
	}
	return shownText("[]rune(" + clip(string(r)) + ")")
}

func clip(s string) string {
	if len(s) > formText {
		return strconv.Quote(strings.ToValidUTF8(s[:formText], "")) + "…"
	}
	return strconv.Quote(s)
}

// hexBytes is how many bytes are shown in hex.
const hexBytes = 16

// bytesText is bytes as a text, where they are one, with the first of them in hex.
func bytesText(b []byte) string {
	hex := ""
	for i, x := range b {
		if i == hexBytes {
			hex += " …"
			break
		}
		if i > 0 {
			hex += " "
		}
		hex += fmt.Sprintf("%02x", x)
	}
	if utf8.Valid(b) && len(b) > 0 {
		return fmt.Sprintf("[]byte(%s), %d bytes: %s", clip(string(b)), len(b), hex)
	}
	return fmt.Sprintf("[]byte, %d bytes: %s", len(b), hex)
}

// matrix is what gonum's matrices have.
type matrix interface {
	Dims() (rows, columns int)
	At(i, j int) float64
}

// matrixOf is a matrix as a table; large ones without their middle.
func matrixOf(m matrix) (data map[string]any, ok bool) {
	defer func() { // a method of the user's, or an empty one
		if recover() != nil {
			ok = false
		}
	}()
	const most, head = 12, 8
	rows, columns := m.Dims()
	pick := func(n int) (list []int) {
		for i := range n {
			if n <= most || i < head || i >= n-2 {
				if n > most && i == n-2 {
					list = append(list, -1)
				}
				list = append(list, i)
			}
		}
		return list
	}
	t := &table{}
	for _, j := range pick(columns) {
		name := "…"
		if j >= 0 {
			name = strconv.Itoa(j)
		}
		t.head, t.right = append(t.head, name), append(t.right, true)
	}
	for _, i := range pick(rows) {
		var row []string
		for _, j := range pick(columns) {
			if i < 0 || j < 0 {
				row = append(row, "…")
			} else {
				row = append(row, fmt.Sprintf("%.6g", m.At(i, j)))
			}
		}
		t.rows = append(t.rows, row)
	}
	t.total = len(t.rows)
	size := fmt.Sprintf("%d × %d", rows, columns)
	return map[string]any{"text/plain": size + "\n" + t.text(), "text/html": "<p>" + size + "</p>" + t.html()}, true
}

// errorHTML is an error that looks like one.
func errorHTML(err error) string {
	return `<pre style="color:#b3261e">error: ` + escape.Replace(err.Error()) + `</pre>`
}
