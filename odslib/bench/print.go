package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
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
	var versions []string
	for _, r := range rows {
		if r.Impl == "odslab" {
			ours[r.What] = r
		}
		if v := r.Impl + ": " + r.version; !slices.Contains(versions, v) {
			versions = append(versions, v)
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "case\timplementation\trepetitions\tminimum ms\tmedian ms\tpeak MB\todslab/this, minima\tmedians")
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
		fmt.Fprintf(t, "%s\t%s\t%d\t%.2f\t%.2f\t%.0f\t%s\n", what, r.Impl, r.N, r.MinMS, r.MedianMS, r.RSSMB, ratio)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	slices.Sort(versions)
	for _, v := range versions {
		fmt.Fprintln(w, v)
	}
	return nil
}
