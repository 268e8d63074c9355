package cell

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Badge is one line about the cells that the last run has made stale, or "".
func (s *Session) Badge() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.following.touched) == 0 {
		return ""
	}
	return BadgeOf(s.following.stale(s.following.touched))
}

// BadgeOf is one line about stale cells, or "".
func BadgeOf(list []Stale) string {
	var groups []string
	cells := map[string][]string{}
	for _, x := range list {
		what := strings.Join(x.Names, ", ")
		if cells[what] == nil {
			groups = append(groups, what)
		}
		cells[what] = append(cells[what], fmt.Sprint(x.Number))
	}
	for i, what := range groups {
		who := "they read "
		if len(cells[what]) == 1 {
			who = "it read "
		}
		groups[i] = cellsText(cells[what]) + " (" + who + what + ")"
	}
	if len(groups) == 0 {
		return ""
	}
	return "stale: " + strings.Join(groups, ", ") + "; %rerun runs what is stale"
}

func cellsText(numbers []string) string {
	if len(numbers) == 1 {
		return "cell " + numbers[0]
	}
	return "cells " + strings.Join(numbers, ", ")
}

// staleText is what %stale says.
func (f *following) staleText() string {
	list := f.stale(nil)
	if len(list) == 0 {
		return "Nothing is stale.\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "cell\tread\twhich was\tbegins")
	for _, x := range list {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", x.Number, strings.Join(x.Names, ", "), x.Why, Beginning(x.Source))
	}
	w.Flush()
	return b.String() + "%rerun runs them again, in this order.\n"
}

// Beginning is the first line of a cell that says something, cut short.
func Beginning(src string) string {
	for line := range strings.Lines(src) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			if r := []rune(line); len(r) > 50 {
				return string(r[:49]) + "…"
			}
			return line
		}
	}
	return ""
}
