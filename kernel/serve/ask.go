package serve

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// askPause lets what the cell has printed reach the front end, over another
// socket, before the question: a terminal shows nothing while it reads.
const askPause = 10 * time.Millisecond

var errInterrupted = errors.New("interrupted")

// ask puts a question of the cell to the front end.
func (x *execution) ask(prompt string, password bool) (string, error) {
	x.out.flush()
	time.Sleep(askPause)
	select { // an answer to a question that nobody waits for any more
	case <-x.k.inputs:
	default:
	}
	if err := x.k.srv.RequestInput(x.request, prompt, password); err != nil {
		return "", err
	}
	select {
	case line := <-x.k.inputs:
		return line, nil
	case <-x.stopped:
		return "", errInterrupted
	case <-x.k.stop:
		return "", errInterrupted
	}
}

// expressions evaluates user_expressions, each as a small cell of its own.
func (x *execution) expressions(ctx context.Context, exprs map[string]string) map[string]any {
	results := map[string]any{}
	x.aside = true
	for name, expr := range exprs {
		out := newOutput(x.k, x.request, 0, true)
		_, f := x.run(ctx, expr, out)
		data, metadata := out.resultBundle()
		switch {
		case f != nil:
			entry := f.content()
			entry["status"] = "error"
			results[name] = entry
		case data == nil:
			entry := (&failure{Name: "no value", Value: fmt.Sprintf("%q has no value", expr)}).content()
			entry["status"] = "error"
			results[name] = entry
		default:
			results[name] = map[string]any{"status": "ok", "data": data, "metadata": metadata}
		}
	}
	return results
}
