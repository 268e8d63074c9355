package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// jsonLines writes each row as one line.
func jsonLines(w io.Writer) func(row) error {
	e := json.NewEncoder(w)
	return func(r row) error { return e.Encode(r) }
}

// table prints the rows; the ratios are ours to theirs, so that below 1 we are the faster.
func table(w io.Writer, rows []row) error {
	ours := map[string]row{}
	for _, r := range rows {
		if r.Impl == "odslab" {
			ours[r.What] = r
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "case\timplementation\trepetitions\tmin ms\tmedian ms\tpeak MB\todslab/this min\tmedian\tversion")
	last := ""
	for _, r := range rows {
		what, ratio := r.What, "\t"
		if what == last {
			what = ""
		}
		last = r.What
		if o, ok := ours[r.What]; ok && r.Impl != "odslab" {
			ratio = fmt.Sprintf("%.2f\t%.2f", o.MinMS/r.MinMS, o.MedianMS/r.MedianMS)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%.2f\t%.2f\t%.0f\t%s\t%s\n", what, r.Impl, r.N, r.MinMS, r.MedianMS, r.RSSMB, ratio, r.version)
	}
	return t.Flush()
}
