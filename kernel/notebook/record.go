package notebook

import (
	"fmt"
	"strings"
	"sync"

	"odslab/kernel/jupyter"
)

// What one cell may put into the notebook. A cell that prints in a loop would
// otherwise make files that no front end opens.
const (
	maxStream  = 2 << 20 // bytes of text; a kernel's own limit comes first
	maxRich    = 32 << 20
	maxOutputs = 1000
)

// recorder turns the messages of a run into the outputs of its cells.
type recorder struct {
	mu       sync.Mutex
	displays map[string][]*recorded // by display_id, of all cells
	cell     *cellRecord
}

// cellRecord is what one cell has put out.
type cellRecord struct {
	outputs   []*recorded
	stream    int // bytes of text kept
	cut       int // bytes of text not kept
	left      int // outputs not kept
	clearNext bool
}

// recorded is an output that may still grow.
type recorded struct {
	Output
	text strings.Builder // of a stream
}

func newRecorder() *recorder { return &recorder{displays: map[string][]*recorded{}} }

// begin makes the messages that follow those of a new cell.
func (r *recorder) begin() *cellRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cell = &cellRecord{}
	return r.cell
}

// end makes messages that come late count for nothing.
func (r *recorder) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cell = nil
}

// message takes one iopub message.
func (r *recorder) message(m *jupyter.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.cell
	if c == nil {
		return
	}
	var in struct {
		Name, Text     string
		Wait           bool
		Data, Metadata map[string]any
		Transient      struct {
			DisplayID string `json:"display_id"`
		}
		ExecutionCount int `json:"execution_count"`
		EName, EValue  string
		Traceback      []string
	}
	if decode(m.Content, &in) != nil {
		return // not a message of the protocol
	}
	switch m.Header.Type {
	case "stream":
		c.print(in.Name, in.Text)
	case "display_data", "execute_result":
		o := &recorded{Output: Output{Type: m.Header.Type, Data: kept(in.Data), Metadata: orEmpty(in.Metadata)}}
		if o.Type == "execute_result" {
			o.ExecutionCount = in.ExecutionCount
		}
		if id := in.Transient.DisplayID; c.add(o) && id != "" {
			r.displays[id] = append(r.displays[id], o)
		}
	case "update_display_data":
		for _, o := range r.displays[in.Transient.DisplayID] {
			o.Data, o.Metadata = kept(in.Data), orEmpty(in.Metadata)
		}
	case "clear_output":
		if in.Wait {
			c.clearNext = true
		} else {
			c.clear()
		}
	case "error":
		c.add(&recorded{Output: Output{Type: "error", EName: in.EName, EValue: in.EValue, Traceback: in.Traceback}})
	}
}

func (c *cellRecord) clear() { *c = cellRecord{} }

// settle carries out a clear_output that waited for new output.
func (c *cellRecord) settle() {
	if c.clearNext {
		c.clear()
	}
}

func (c *cellRecord) add(o *recorded) bool {
	c.settle()
	if len(c.outputs) >= maxOutputs && o.Type != "error" {
		c.left++
		return false
	}
	c.outputs = append(c.outputs, o)
	return true
}

func (c *cellRecord) print(name, text string) {
	c.settle()
	if room := maxStream - c.stream; len(text) > room {
		c.cut += len(text) - room
		text = strings.ToValidUTF8(text[:room], "")
	}
	if text == "" {
		return
	}
	c.stream += len(text)
	if n := len(c.outputs); n > 0 && c.outputs[n-1].Type == "stream" && c.outputs[n-1].Name == name {
		c.outputs[n-1].text.WriteString(text)
		return
	}
	o := &recorded{Output: Output{Type: "stream", Name: name}}
	o.text.WriteString(text)
	c.add(o)
}

// result is what goes into the notebook.
func (c *cellRecord) result() []Output {
	var out []Output
	for _, o := range c.outputs {
		if o.Type == "stream" {
			o.Text = carriageReturns(o.text.String())
		}
		out = append(out, o.Output)
	}
	note := func(format string, a ...any) {
		out = append(out, Output{Type: "stream", Name: "stderr", Text: fmt.Sprintf(format, a...)})
	}
	if c.cut > 0 {
		note("\n[output cut: the cell printed %s, of which %s are kept]\n", size(c.stream+c.cut), size(c.stream))
	}
	if c.left > 0 {
		note("\n[%d more outputs of this cell are not kept]\n", c.left)
	}
	return out
}

// kept is the bundle without what is too large for a notebook.
func kept(data map[string]any) map[string]any {
	out := map[string]any{}
	for mime, v := range data {
		if s, ok := joinLines(v); ok && !isJSON(mime) {
			if len(s) > maxRich {
				note := fmt.Sprintf("[%s of %s, too large to keep in a notebook]", size(len(s)), mime)
				if _, has := data["text/plain"]; !has || mime == "text/plain" {
					out["text/plain"] = note
				}
				continue
			}
			v = s
		}
		out[mime] = v
	}
	return out
}

// size prints a number of bytes.
func size(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
