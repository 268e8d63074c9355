package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

func printJSON(w io.Writer, rows []Row) error {
	e := json.NewEncoder(w)
	for _, r := range rows {
		if err := e.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// printTable prints the rows, with how they compare to ours.
func printTable(w io.Writer, rows []Row) error {
	ours := map[string]float64{}
	for _, r := range rows {
		if r.Impl == "odslab" {
			ours[r.What] = r.MedianMS
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "what\tkernel\tn\tmedian ms\tmin ms\trss MB\tto odslab\t")
	for _, r := range rows {
		ratio := ""
		if base := ours[r.What]; base > 0 {
			ratio = fmt.Sprintf("%.2f×", r.MedianMS/base)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%.1f\t%.1f\t%.0f\t%s\t\n", r.What, r.Impl, r.N, r.MedianMS, r.MinMS, r.RSSMB, ratio)
	}
	return t.Flush()
}
