package live

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// tableRows is how many rows of a long table are shown.
const tableRows = 50

// table is a slice of structs: a row each, a column per exported field.
type table struct {
	head  []string
	rows  [][]string
	right []bool // numbers, to the right
	total int
}

func tableOf(v any) (*table, bool) {
	r := reflect.ValueOf(v)
	if !r.IsValid() || r.Kind() != reflect.Slice || r.Len() == 0 {
		return nil, false
	}
	switch v.(type) {
	case fmt.Stringer, error:
		return nil, false
	}
	e, isPointer := r.Type().Elem(), false
	if e.Kind() == reflect.Pointer {
		e, isPointer = e.Elem(), true
	}
	if e.Kind() != reflect.Struct {
		return nil, false
	}
	if e.Implements(stringer) || reflect.PointerTo(e).Implements(stringer) {
		return nil, false
	}
	t := &table{total: r.Len()}
	var fields []int
	for i := range e.NumField() {
		if f := e.Field(i); f.IsExported() {
			fields = append(fields, i)
			t.head = append(t.head, f.Name)
			k := f.Type.Kind()
			t.right = append(t.right, k >= reflect.Int && k <= reflect.Float64)
		}
	}
	if len(fields) == 0 {
		return nil, false
	}
	for i := range min(r.Len(), tableRows) {
		x := r.Index(i)
		row := make([]string, len(fields))
		if isPointer {
			if x.IsNil() {
				row[0] = "nil"
				t.rows = append(t.rows, row)
				continue
			}
			x = x.Elem()
		}
		for j, f := range fields {
			row[j] = cellText(x.Field(f))
		}
		t.rows = append(t.rows, row)
	}
	return t, true
}

var stringer = reflect.TypeFor[fmt.Stringer]()

func cellText(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		return fmt.Sprintf("%.6g", v.Float())
	case reflect.String:
		if _, ok := v.Interface().(fmt.Stringer); !ok {
			return v.String()
		}
	}
	s := plain(v.Interface())
	if utf8.RuneCountInString(s) > 60 {
		s = string([]rune(s)[:59]) + "…"
	}
	return s
}

func (t *table) more() string {
	if t.total > len(t.rows) {
		return fmt.Sprintf("… %d rows more", t.total-len(t.rows))
	}
	return ""
}

func (t *table) text() string {
	width := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for j, s := range row {
			width[j] = max(width[j], utf8.RuneCountInString(s))
		}
	}
	var b strings.Builder
	for i, row := range append([][]string{t.head}, t.rows...) {
		if i > 0 {
			b.WriteByte('\n')
		}
		var line strings.Builder
		for j, s := range row {
			if j > 0 {
				line.WriteString("  ")
			}
			pad := strings.Repeat(" ", width[j]-utf8.RuneCountInString(s))
			if t.right[j] {
				line.WriteString(pad + s)
			} else {
				line.WriteString(s + pad)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
	}
	if m := t.more(); m != "" {
		b.WriteString("\n" + m)
	}
	return b.String()
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;")

func (t *table) html() string {
	var b strings.Builder
	row := func(tag string, row []string) {
		b.WriteString("<tr>")
		for j, s := range row {
			align := "left"
			if t.right[j] {
				align = "right"
			}
			fmt.Fprintf(&b, `<%s style="text-align:%s">%s</%s>`, tag, align, escape.Replace(s), tag)
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("<table>\n<thead>")
	row("th", t.head)
	b.WriteString("</thead>\n<tbody>")
	for _, r := range t.rows {
		row("td", r)
	}
	b.WriteString("</tbody>\n</table>")
	if m := t.more(); m != "" {
		b.WriteString("\n<p>" + m + "</p>")
	}
	return b.String()
}
