package serve

import (
	"runtime"
	"strings"

	"odslab/kernel/jupyter"
)

// receive takes one message of a front end. It is called from the goroutine of
// the connection and must not wait.
func (k *kernel) receive(ch jupyter.Channel, m *jupyter.Message) {
	switch m.Header.Type {
	case "execute_request":
		k.queue.put(queued{request: m, channel: ch})
	case "input_reply":
		var c struct{ Value string }
		if m.Decode(&c) == nil {
			select {
			case k.inputs <- c.Value:
			default: // nobody asked
			}
		}
	case "complete_request", "inspect_request", "is_complete_request":
		go k.answer(ch, m) // these wait for the compiler
	default:
		k.answer(ch, m)
	}
}

// answer answers a request that is not a cell. While a cell runs, the kernel is
// said to be busy with it again afterwards: front ends show the last status.
func (k *kernel) answer(ch jupyter.Channel, m *jupyter.Message) {
	k.status(m, "busy")
	switch m.Header.Type {
	case "kernel_info_request":
		k.reply(ch, m, "kernel_info_reply", k.info())
	case "is_complete_request":
		k.isComplete(ch, m)
	case "complete_request":
		k.complete(ch, m)
	case "inspect_request":
		k.inspect(ch, m)
	case "history_request":
		k.reply(ch, m, "history_reply", k.history.answer(m))
	case "comm_info_request":
		k.commInfo(ch, m)
	case "comm_open", "comm_msg", "comm_close":
		k.comm(m)
	case "connect_request":
		k.reply(ch, m, "connect_reply", map[string]string{"status": "ok"})
	case "interrupt_request":
		k.interrupt()
		k.reply(ch, m, "interrupt_reply", map[string]string{"status": "ok"})
	case "shutdown_request":
		var c struct{ Restart bool }
		m.Decode(&c)
		content := map[string]any{"status": "ok", "restart": c.Restart}
		k.reply(ch, m, "shutdown_reply", content)
		k.publish("shutdown_reply", m, content, nil)
		defer k.end()
	default:
		if name, ok := strings.CutSuffix(m.Header.Type, "_request"); ok {
			k.reply(ch, m, name+"_reply", map[string]any{
				"status": "error", "ename": "not supported", "evalue": m.Header.Type + " is not supported by this kernel",
				"traceback": []string{},
			})
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.status(m, "idle")
	if k.running != nil {
		k.status(k.running.request, "busy")
	}
}

func (k *kernel) info() map[string]any {
	goVersion := strings.TrimPrefix(runtime.Version(), "go")
	return map[string]any{
		"status":                 "ok",
		"protocol_version":       jupyter.ProtocolVersion,
		"implementation":         "odslab",
		"implementation_version": k.version,
		"banner":                 "Go " + goVersion + " (odslab " + k.version + "). Cells hold plain Go; the last expression is shown. %help says more.",
		"language_info": map[string]any{
			"name": "go", "version": goVersion, "mimetype": "text/x-go", "file_extension": ".go",
			"pygments_lexer": "go", "codemirror_mode": "go", "nbconvert_exporter": "script",
		},
		"help_links": []map[string]string{
			{"text": "Go", "url": "https://go.dev/doc/"},
			{"text": "Go packages", "url": "https://pkg.go.dev/"},
			{"text": "GoMLX", "url": "https://github.com/gomlx/gomlx"},
			{"text": "GoNB", "url": "https://github.com/janpfeifer/gonb"},
		},
		"debugger":           false,
		"supported_features": []string{},
	}
}

func (k *kernel) isComplete(ch jupyter.Channel, m *jupyter.Message) {
	var req struct{ Code string }
	m.Decode(&req)
	content := map[string]any{"status": "unknown"}
	k.use(func(c Compiler) {
		status, indent := c.IsComplete(req.Code)
		content["status"] = status
		if status == "incomplete" {
			content["indent"] = indent
		}
	})
	k.reply(ch, m, "is_complete_reply", content)
}

// cursorRequest is the content of complete_request and inspect_request.
type cursorRequest struct {
	Code   string
	Cursor *int `json:"cursor_pos"` // in runes
}

func decodeCursor(m *jupyter.Message) (code string, cursor int) {
	var req cursorRequest
	m.Decode(&req)
	n := len([]rune(req.Code))
	if req.Cursor == nil || *req.Cursor > n || *req.Cursor < 0 {
		return req.Code, n
	}
	return req.Code, *req.Cursor
}

func (k *kernel) complete(ch jupyter.Channel, m *jupyter.Message) {
	code, cursor := decodeCursor(m)
	matches, start, end := completeMagic(code, cursor)
	if matches == nil {
		start, end = cursor, cursor
		k.use(func(c Compiler) { matches, start, end = c.Complete(code, cursor) })
	}
	if matches == nil {
		matches = []string{}
	}
	k.reply(ch, m, "complete_reply", map[string]any{
		"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end, "metadata": struct{}{},
	})
}

func (k *kernel) inspect(ch jupyter.Channel, m *jupyter.Message) {
	code, cursor := decodeCursor(m)
	text, found := inspectMagic(code, cursor)
	if !found {
		k.use(func(c Compiler) { text, found = c.Inspect(code, cursor) })
	}
	data := map[string]string{}
	if found {
		data["text/plain"] = text
	}
	k.reply(ch, m, "inspect_reply", map[string]any{
		"status": "ok", "found": found, "data": data, "metadata": struct{}{},
	})
}
