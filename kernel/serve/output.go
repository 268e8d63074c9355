package serve

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"odslab/kernel/jupyter"
	"odslab/kernel/runtime/contract"
)

const (
	// streamPause gathers small prints into messages that a browser can follow.
	streamPause = 25 * time.Millisecond
	streamChunk = 64 << 10
	// maxStream is what a cell may print. More helps nobody and stops browsers.
	maxStream = 1 << 20
	// maxRich bounds figures and other rich output of one cell.
	maxRich = 128 << 20
)

// Marks in the metadata of display data, by which a cell says more than GoNB can
// carry.
const (
	markOrder = "odslab_order" // package gonb has put it in its place
	markClear = "odslab_clear" // clear_output: "wait", or else at once
)

// output publishes what one cell shows, gathered and bounded.
type output struct {
	k      *kernel
	parent *jupyter.Message
	count  int
	silent bool
	// several cells run under one: only its own last expression is a result.
	several bool
	// interact makes widgets of a display that can be asked for again, or a strip.
	interact func(said string, display map[string]json.RawMessage) error

	mu      sync.Mutex
	name    string // of the stream in text
	text    []byte
	timer   *time.Timer
	printed int
	cut     bool
	rich    int
	data    map[string]json.RawMessage // of the last execute_result
	meta    map[string]json.RawMessage
}

func newOutput(k *kernel, parent *jupyter.Message, count int, silent bool) *output {
	return &output{k: k, parent: parent, count: count, silent: silent}
}

// stream takes a piece of stdout or stderr.
func (o *output) stream(name, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.silent || o.cut {
		return
	}
	if room := maxStream - o.printed; len(text) > room {
		text = text[:room]
		for len(text) > 0 && !utf8.ValidString(text[max(0, len(text)-utf8.UTFMax):]) {
			text = text[:len(text)-1]
		}
		o.cut = true
	}
	o.printed += len(text)
	o.append(name, text)
	if o.cut {
		o.send()
		o.append("stderr", fmt.Sprintf("\n… cut: this cell has printed more than %d MB, and the rest is not shown. Write it to a file instead.\n", maxStream>>20))
		o.send()
	}
}

// notes are the kernel's own words about a cell.
func (o *output) notes(list []string) {
	for _, note := range list {
		o.stream("stderr", "note: "+strings.TrimRight(note, "\n")+"\n")
	}
}

func (o *output) append(name, text string) {
	if name != o.name {
		o.send()
		o.name = name
	}
	o.text = append(o.text, text...)
	switch {
	case len(o.text) >= streamChunk:
		o.send()
	case o.timer == nil:
		o.timer = time.AfterFunc(streamPause, o.flush)
	}
}

// flush publishes what is gathered.
func (o *output) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.send()
}

func (o *output) send() {
	if o.timer != nil {
		o.timer.Stop()
		o.timer = nil
	}
	if len(o.text) > 0 {
		o.k.publish("stream", o.parent, map[string]string{"name": o.name, "text": string(o.text)}, nil)
		o.text = o.text[:0]
	}
}

// display takes the content of a display_data or update_display_data of GoNB.
func (o *output) display(update bool, content json.RawMessage) {
	var c struct {
		Data      map[string]json.RawMessage `json:"data"`
		Metadata  map[string]json.RawMessage `json:"metadata"`
		Transient map[string]json.RawMessage `json:"transient,omitempty"`
	}
	if json.Unmarshal(content, &c) != nil {
		return
	}
	if c.Metadata == nil {
		c.Metadata = map[string]json.RawMessage{}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, isResult := c.Metadata[contract.MarkResult]
	delete(c.Metadata, contract.MarkResult)
	delete(c.Metadata, markOrder)
	if isResult {
		o.data, o.meta = c.Data, c.Metadata
	}
	if o.silent {
		return
	}
	o.send()
	if said, ok := c.Data[contract.InteractionType]; ok {
		delete(c.Data, contract.InteractionType)
		o.widgets(said, c.Data)
	}
	if how, ok := c.Metadata[markClear]; ok {
		o.sendClear(string(how) == `"wait"`)
		return
	}
	if o.rich += len(content); o.rich > maxRich {
		if o.rich-len(content) <= maxRich {
			o.append("stderr", fmt.Sprintf("… cut: this cell has shown more than %d MB of rich output, and the rest is not shown.\n", maxRich>>20))
		}
		return
	}
	if isResult && !update && !o.several {
		o.k.publish("execute_result", o.parent, map[string]any{
			"execution_count": o.count, "data": c.Data, "metadata": c.Metadata,
		}, nil)
		return
	}
	msgType := "display_data"
	if update {
		msgType = "update_display_data"
	}
	if c.Transient == nil {
		c.Transient = map[string]json.RawMessage{}
	}
	o.k.publish(msgType, o.parent, map[string]any{
		"data": c.Data, "metadata": c.Metadata, "transient": c.Transient,
	}, nil)
}

// widgets puts the view of an interaction's widgets beside its first picture,
// which stands for them in a page that has been saved.
func (o *output) widgets(said json.RawMessage, display map[string]json.RawMessage) {
	var text string
	if json.Unmarshal(said, &text) != nil || o.interact == nil {
		return
	}
	if err := o.interact(text, display); err != nil {
		o.append("stderr", "note: no widgets here: "+err.Error()+"\n")
		o.send()
	}
}

// clear clears what the cell has shown, at once or when new output comes.
func (o *output) clear(wait bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.silent {
		o.send()
		o.sendClear(wait)
	}
}

func (o *output) sendClear(wait bool) {
	o.k.publish("clear_output", o.parent, map[string]bool{"wait": wait}, nil)
}

// resultBundle is the value of the cell's last expression, nil when there is none.
func (o *output) resultBundle() (data, metadata map[string]json.RawMessage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data, o.meta
}

// result is the plain text of that value.
func (o *output) result() string {
	data, _ := o.resultBundle()
	var text string
	json.Unmarshal(data["text/plain"], &text)
	return text
}
