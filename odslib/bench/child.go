package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// request is a line to a child: make a case ready, or time it for a while.
type request struct {
	SetUp   string      `json:"set_up,omitempty"`
	Table   [][]float32 `json:"table,omitempty"`   // with SetUp: the reverse process, the same for all
	Compile bool        `json:"compile"`           // with SetUp: PyTorch shall try torch.compile too
	Seconds float64     `json:"seconds,omitempty"` // one round of this length, one repetition at least
}

// reply is a line from a child.
type reply struct {
	Version string    `json:"version,omitempty"` // to SetUp: what runs, and in which form
	Check   float64   `json:"check,omitempty"`   // to SetUp: what the case computes, in one number
	MS      []float64 `json:"ms,omitempty"`      // to Seconds: milliseconds of each repetition
	Error   string    `json:"error,omitempty"`
}

// serve is the odslab child: it answers requests until the input ends.
func serve(in io.Reader, out io.Writer) error {
	lines, answer := bufio.NewScanner(in), json.NewEncoder(out)
	lines.Buffer(nil, 1<<20)
	var r *ready
	for lines.Scan() {
		var q request
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return err
		}
		a, err := reply{}, error(nil)
		if q.SetUp != "" {
			if r, err = setUp(q.SetUp); err == nil {
				a.Version, a.Check = r.version, r.check
			}
		} else if r == nil {
			err = fmt.Errorf("no case is set up")
		} else {
			a.MS, err = round(r, q.Seconds)
		}
		if err != nil {
			a = reply{Error: err.Error()}
		}
		if err := answer.Encode(a); err != nil {
			return err
		}
	}
	return lines.Err()
}

// round repeats a case for a while, after one repetition that is not timed: the other children had the caches.
func round(r *ready, seconds float64) (ms []float64, err error) {
	if err := r.once(); err != nil {
		return nil, err
	}
	for start := time.Now(); len(ms) == 0 || time.Since(start).Seconds() < seconds; {
		t := time.Now()
		if err := r.once(); err != nil {
			return nil, err
		}
		ms = append(ms, float64(time.Since(t).Nanoseconds())/1e6/float64(r.per))
	}
	return ms, nil
}
