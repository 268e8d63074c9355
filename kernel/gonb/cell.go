package gonb

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strings"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/toolchain"
)

// Cell is what one Run does: magics first, then the program.
type Cell struct {
	// Magics are lines for GoNB. When one is of kind WholeCell, Raw holds the
	// whole cell and nothing else is looked at.
	Magics  []string
	Raw     string
	Program []byte // main.go; nil when there is no Go code
	Link    toolchain.Link
}

// Events are the callbacks of a run, called one at a time.
type Events struct {
	Stream  func(name, text string)
	Display func(update bool, content json.RawMessage) // content of display_data
	// Input asks the person a question; nil when the front end cannot.
	Input func(prompt string, password bool) (string, error)
}

// Outcome says how a run ended. The zero value is success.
type Outcome struct {
	BuildLog    string   // what the compiler said; the program did not run
	Failed      string   // how the program or a shell command ended: "exit status 2"
	Crash       string   // the Go runtime's report of a panic that nobody caught
	Failure     *Failure // what the program itself said about its failure
	Interrupted bool
	AskedInput  bool // the program wanted input, which the front end cannot give
}

// OK reports success.
func (o *Outcome) OK() bool {
	return o.BuildLog == "" && o.Failed == "" && o.Failure == nil && !o.Interrupted && !o.AskedInput
}

// Failure is what a cell program writes when it fails.
type Failure contract.Failure

// UnmarshalJSON takes the traceback as lines or as one text.
func (f *Failure) UnmarshalJSON(b []byte) error {
	type plain Failure
	aux := struct {
		*plain
		Traceback json.RawMessage `json:"traceback"`
	}{plain: (*plain)(f)}
	if err := json.Unmarshal(b, &aux); err != nil {
		return err
	}
	var text string
	if json.Unmarshal(aux.Traceback, &text) == nil && text != "" {
		f.Traceback = strings.Split(strings.TrimRight(text, "\n"), "\n")
		return nil
	}
	json.Unmarshal(aux.Traceback, &f.Traceback)
	return nil
}

// Run runs a cell. The error says that GoNB itself has failed: start another.
func (c *Child) Run(ctx context.Context, cell Cell, ev Events) (*Outcome, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &run{child: c, events: ev, out: &Outcome{}}
	c.setCurrent(r)
	defer c.setCurrent(nil)

	if cell.Raw != "" {
		return r.out, r.send(ctx, cell.Raw)
	}
	var before, with []string
	for _, line := range cell.Magics {
		if flags, ok := strings.CutPrefix(line, "%goflags "); ok {
			c.goflags = words(flags)
		}
		if KindOf(line) == ForCell {
			with = append(with, line)
		} else {
			if m := envEquals.FindStringSubmatch(line); m != nil { // GoNB wants a space
				line = "%env " + m[1] + " " + m[2]
				if strings.ContainsAny(m[2], " \t") && !strings.ContainsAny(m[2], `"`) {
					line = "%env " + m[1] + ` "` + m[2] + `"`
				}
			}
			before = append(before, shellLine(line, before))
		}
	}
	for _, code := range group(before) {
		r.setsEnv = strings.Contains(code, "%env")
		if err := r.send(ctx, code); err != nil || !r.out.OK() {
			return r.out, err
		}
	}
	r.setsEnv = false
	if cell.Program == nil {
		return r.out, nil
	}
	var head, args strings.Builder
	for _, line := range with {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "%%", "%main", "%args":
			args.WriteString(" " + rest)
		default:
			head.WriteString(line + "\n")
		}
	}
	// GoNB writes the file of %capture itself, numbers and all.
	if strings.Contains(head.String(), "%capture") {
		os.Remove(c.path("order"))
	} else if err := os.WriteFile(c.path("order"), nil, 0o600); err != nil {
		return nil, err
	}
	code := head.String() + strings.TrimRight("%%"+args.String(), " ") + "\n_ = 0\n"
	log, err := c.build(ctx, cell.Program, cell.Link)
	defer os.Remove(c.next()) // GoNB's own cells are built as they are
	if err != nil {           // a full disk, not GoNB's fault
		log = "the cell cannot be built: " + err.Error()
	}
	if r.settle(); log != "" || r.out.Interrupted {
		r.out.BuildLog = log
		return r.out, nil
	}
	return r.out, r.send(ctx, code)
}

var envEquals = regexp.MustCompile(`^%env\s+(\w+)=(.*)$`)

// words splits flags at spaces that stand outside quotes; an empty word is none.
func words(text string) (out []string) {
	var word strings.Builder
	quote := rune(0)
	end := func() {
		if word.Len() > 0 {
			out = append(out, word.String())
		}
		word.Reset()
	}
	for _, r := range text {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote = r
		case r == ' ' || r == '\t':
			end()
		default:
			word.WriteRune(r)
		}
	}
	end()
	return out
}

// shellLine gives a shell command its end of file, unless the line before it
// asks for real input.
func shellLine(line string, before []string) string {
	if n := len(before); n > 0 && strings.HasPrefix(strings.TrimSpace(before[n-1]), "%with_") {
		return line
	}
	return shell(line)
}

// group keeps each shell command in a cell of its own, so that the one that
// fails is known, together with the %with_inputs before it.
func group(lines []string) (cells []string) {
	var cell strings.Builder
	for _, line := range lines {
		cell.WriteString(line + "\n")
		if strings.HasPrefix(strings.TrimSpace(line), "!") {
			cells = append(cells, cell.String())
			cell.Reset()
		}
	}
	if cell.Len() > 0 {
		cells = append(cells, cell.String())
	}
	return cells
}
