package notebook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ReadFile reads the notebook in a file. Errors begin with the file's name.
func ReadFile(path string) (*Notebook, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			return nil, fmt.Errorf("%s: cannot be read: %w", path, pe.Err)
		}
		return nil, fmt.Errorf("%s: cannot be read: %w", path, err)
	}
	nb, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return nb, nil
}

// Read reads a notebook of nbformat 4, of any minor version.
func Read(r io.Reader) (*Notebook, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

// Parse is Read of bytes. Cells without a usable id get one.
func Parse(data []byte) (*Notebook, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errors.New("the file is empty; a notebook is JSON: create it in Jupyter and save it")
	}
	var file struct {
		NBFormat   any               `json:"nbformat"`
		Metadata   json.RawMessage   `json:"metadata"`
		Cells      []json.RawMessage `json:"cells"`
		Worksheets json.RawMessage   `json:"worksheets"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, notANotebook(data, err)
	}
	major, isNumber := file.NBFormat.(float64)
	switch {
	case file.NBFormat == nil && file.Worksheets == nil:
		return nil, errors.New(`JSON, but not a notebook (no "nbformat"): save it from Jupyter as .ipynb`)
	case file.NBFormat != nil && !isNumber:
		return nil, errors.New(`JSON, but not a notebook ("nbformat" is not a number): save it from Jupyter as .ipynb`)
	case major < 4:
		return nil, fmt.Errorf("a notebook of nbformat %v, and only 4 is read: convert it with `jupyter nbconvert --to notebook --nbformat 4 --inplace FILE`", orUnknown(file.NBFormat))
	case major >= 5:
		return nil, fmt.Errorf("a notebook of nbformat %v, and only 4 is read: save it from Jupyter as version 4", file.NBFormat)
	case file.Cells == nil:
		return nil, errors.New(`JSON, but not a notebook (no "cells"): save it from Jupyter as .ipynb`)
	}
	nb := &Notebook{Metadata: map[string]any{}}
	if file.Metadata != nil {
		if err := decode(file.Metadata, &nb.Metadata); err != nil {
			return nil, errors.New(`"metadata" is not an object: save the notebook from Jupyter again`)
		}
	}
	if nb.Metadata == nil {
		nb.Metadata = map[string]any{}
	}
	for i, raw := range file.Cells {
		c, err := parseCell(raw)
		if err != nil {
			return nil, fmt.Errorf("cell %d: %w: save the notebook from Jupyter again", i+1, err)
		}
		nb.Cells = append(nb.Cells, c)
	}
	nb.assignIDs()
	return nb, nil
}

func orUnknown(v any) any {
	if v == nil {
		return "3 or older"
	}
	return v
}

// decode keeps numbers as they were written.
func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(v)
}

// notANotebook says where JSON broke off.
func notANotebook(data []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at := data[:min(int(max(syntax.Offset-1, 0)), len(data))]
		line := 1 + bytes.Count(at, []byte("\n"))
		col := len(at) - bytes.LastIndexByte(at, '\n')
		why := strings.TrimPrefix(syntax.Error(), "invalid character ")
		return fmt.Errorf("not JSON at line %d, column %d (%s): a notebook is JSON; restore the file or save it from Jupyter again", line, col, why)
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("JSON, but not a notebook (%q is a %s): save it from Jupyter as .ipynb", kind.Field, kind.Value)
	}
	return errors.New("JSON, but not a notebook (not an object): save it from Jupyter as .ipynb")
}

func parseCell(raw json.RawMessage) (Cell, error) {
	var in struct {
		Type           string                    `json:"cell_type"`
		ID             any                       `json:"id"`
		Source         any                       `json:"source"`
		Metadata       map[string]any            `json:"metadata"`
		Outputs        []json.RawMessage         `json:"outputs"`
		ExecutionCount any                       `json:"execution_count"`
		Attachments    map[string]map[string]any `json:"attachments"`
	}
	if err := decode(raw, &in); err != nil {
		return Cell{}, wrongShape("the cell", err)
	}
	c := Cell{Type: in.Type, Metadata: in.Metadata, Attachments: in.Attachments}
	switch c.Type {
	case "code", "markdown", "raw":
	default:
		return Cell{}, fmt.Errorf("cell_type is %q, not code, markdown or raw", in.Type)
	}
	if c.Metadata == nil {
		c.Metadata = map[string]any{}
	}
	c.ID, _ = in.ID.(string)
	var ok bool
	if c.Source, ok = joinLines(in.Source); !ok {
		return Cell{}, errors.New("source is neither text nor a list of lines")
	}
	if c.Type != "code" {
		return c, nil
	}
	c.Attachments = nil
	c.ExecutionCount = count(in.ExecutionCount)
	for i, raw := range in.Outputs {
		o, err := parseOutput(raw)
		if err != nil {
			return Cell{}, fmt.Errorf("output %d: %w", i+1, err)
		}
		c.Outputs = append(c.Outputs, o)
	}
	return c, nil
}

func parseOutput(raw json.RawMessage) (Output, error) {
	var in struct {
		Type           string         `json:"output_type"`
		Name           string         `json:"name"`
		Text           any            `json:"text"`
		Data           map[string]any `json:"data"`
		Metadata       map[string]any `json:"metadata"`
		ExecutionCount any            `json:"execution_count"`
		EName          string         `json:"ename"`
		EValue         string         `json:"evalue"`
		Traceback      []string       `json:"traceback"`
	}
	if err := decode(raw, &in); err != nil {
		return Output{}, wrongShape("it", err)
	}
	o := Output{Type: in.Type}
	switch in.Type {
	case "stream":
		var ok bool
		if o.Text, ok = joinLines(in.Text); !ok {
			return Output{}, errors.New("text is neither text nor a list of lines")
		}
		if o.Name = in.Name; o.Name == "" {
			o.Name = "stdout"
		}
	case "display_data", "execute_result":
		o.Metadata, o.ExecutionCount = orEmpty(in.Metadata), count(in.ExecutionCount)
		o.Data = map[string]any{}
		for mime, v := range in.Data {
			if s, ok := joinLines(v); ok && !isJSON(mime) {
				o.Data[mime] = s
			} else {
				o.Data[mime] = v
			}
		}
	case "error":
		o.EName, o.EValue, o.Traceback = in.EName, in.EValue, in.Traceback
	default:
		return Output{}, fmt.Errorf("output_type is %q", in.Type)
	}
	return o, nil
}

func wrongShape(what string, err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return fmt.Errorf("%q is a %s", kind.Field, kind.Value)
	}
	return fmt.Errorf("%s is not an object", what)
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// isJSON reports whether values of the MIME type are JSON rather than text.
func isJSON(mime string) bool {
	return mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}

// joinLines undoes the format's habit of keeping text as a list of lines.
func joinLines(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case []any:
		var b strings.Builder
		for _, line := range v {
			s, ok := line.(string)
			if !ok {
				return "", false
			}
			b.WriteString(s)
		}
		return b.String(), true
	}
	return "", false
}

func count(v any) int {
	n, _ := v.(json.Number)
	i, err := n.Int64()
	if err != nil || i < 0 || i > 1<<31-1 {
		return 0
	}
	return int(i)
}
