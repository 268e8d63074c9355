package notebook

import (
	"slices"
	"strings"
)

// Notebook is the content of an .ipynb file.
type Notebook struct {
	Cells    []Cell
	Metadata map[string]any
}

// Cell is one cell. Outputs and ExecutionCount belong to code cells only,
// Attachments (name → MIME bundle) to the other two kinds.
type Cell struct {
	Type           string // "code", "markdown" or "raw"
	ID             string // 1 to 64 characters of [A-Za-z0-9_-], unique in its notebook
	Source         string
	Metadata       map[string]any
	Outputs        []Output
	ExecutionCount int // 0: has not run
	Attachments    map[string]map[string]any
}

// Output is one output of a code cell.
type Output struct {
	Type string // "stream", "display_data", "execute_result" or "error"

	Name, Text string // stream: "stdout" or "stderr", and what was printed

	// Data and Metadata of display_data and execute_result: MIME type → value.
	// Text is a string, images are base64, JSON types are any JSON value.
	Data           map[string]any
	Metadata       map[string]any
	ExecutionCount int // execute_result

	EName, EValue string // error
	Traceback     []string
}

// Tagged reports whether the cell carries the tag.
func (c *Cell) Tagged(tag string) bool { return slices.Contains(c.Tags(), tag) }

// Tags returns the cell's tags.
func (c *Cell) Tags() []string {
	list, _ := c.Metadata["tags"].([]any)
	var tags []string
	for _, t := range list {
		if s, ok := t.(string); ok {
			tags = append(tags, s)
		}
	}
	return tags
}

// Language is the language of the code cells, in lower case; "go" if the
// notebook does not say.
func (nb *Notebook) Language() string {
	for _, key := range []string{"language_info", "kernelspec"} {
		m, _ := nb.Metadata[key].(map[string]any)
		for _, field := range []string{"name", "language"} {
			if key == "kernelspec" && field == "name" {
				continue // the name of a kernel, not of a language
			}
			if s, _ := m[field].(string); s != "" {
				return strings.ToLower(s)
			}
		}
	}
	return "go"
}

// Title is the first heading of level 1, "" if there is none.
func (nb *Notebook) Title() string {
	for _, c := range nb.Cells {
		if c.Type != "markdown" {
			continue
		}
		fenced := false
		for line := range strings.Lines(c.Source) {
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
			}
			if title, ok := strings.CutPrefix(line, "# "); ok && !fenced {
				return strings.TrimSpace(title)
			}
		}
	}
	return ""
}
