package notebook

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"

	"odslab/odslib/atomicfile"
)

// Write writes the notebook as nbformat 4.5 the way Jupyter does: keys sorted,
// one space of indentation, text as lists of lines, a newline at the end.
func (nb *Notebook) Write(w io.Writer) error {
	nb.assignIDs()
	cells := make([]any, len(nb.Cells))
	for i := range nb.Cells {
		cells[i] = nb.Cells[i].json()
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(map[string]any{ // maps are encoded in the order of their keys
		"cells":          cells,
		"metadata":       orEmpty(nb.Metadata),
		"nbformat":       4,
		"nbformat_minor": 5,
	})
}

// WriteFile writes the notebook to a file, which is replaced in one step.
func (nb *Notebook) WriteFile(path string) error {
	var b bytes.Buffer
	if err := nb.Write(&b); err != nil {
		return err
	}
	return replaceFile(path, b.Bytes())
}

func (c *Cell) json() map[string]any {
	m := map[string]any{
		"cell_type": c.Type,
		"id":        c.ID,
		"metadata":  orEmpty(c.Metadata),
		"source":    splitLines(c.Source),
	}
	if c.Type != "code" {
		if len(c.Attachments) > 0 {
			m["attachments"] = c.Attachments
		}
		return m
	}
	outputs := make([]any, len(c.Outputs))
	for i := range c.Outputs {
		outputs[i] = c.Outputs[i].json()
	}
	m["outputs"], m["execution_count"] = outputs, countOrNull(c.ExecutionCount)
	return m
}

func (o *Output) json() map[string]any {
	m := map[string]any{"output_type": o.Type}
	switch o.Type {
	case "stream":
		m["name"], m["text"] = o.Name, splitLines(o.Text)
	case "error":
		tb := o.Traceback
		if tb == nil {
			tb = []string{}
		}
		m["ename"], m["evalue"], m["traceback"] = o.EName, o.EValue, tb
	default:
		data := map[string]any{}
		for mime, v := range o.Data {
			if s, ok := v.(string); ok && isText(mime) {
				data[mime] = splitLines(s)
			} else {
				data[mime] = v
			}
		}
		m["data"], m["metadata"] = data, orEmpty(o.Metadata)
		if o.Type == "execute_result" {
			m["execution_count"] = countOrNull(o.ExecutionCount)
		}
	}
	return m
}

func countOrNull(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

// isText reports whether values of the MIME type are kept as lists of lines.
func isText(mime string) bool {
	return strings.HasPrefix(mime, "text/") || mime == "image/svg+xml" || mime == "application/javascript"
}

// splitLines cuts text after each newline.
func splitLines(s string) []string {
	lines := []string{}
	for line := range strings.Lines(s) {
		lines = append(lines, line)
	}
	return lines
}

// replaceFile replaces a file in one step, so that a reader, or a second run at
// the same time, never sees half of it.
func replaceFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return atomicfile.Write(path, data, 0o644)
}
