// Package notebook reads, runs and renders Jupyter notebooks without Jupyter.
//
// A [Notebook] is the content of an .ipynb file (nbformat 4): cells, their
// outputs and metadata. [Read] and [ReadFile] accept what Jupyter writes and
// refuse anything else with one line that says what to do; [Notebook.Write]
// gives back valid nbformat 4.5, sorted and indented as Jupyter does;
// [Normalise] removes all that a run leaves behind, so that diffs of the kept
// file show what a person changed.
//
// [Run] executes notebooks headlessly through a real kernel and writes, for
// each, the executed .ipynb and one self-contained page made by [HTML]:
//
//	err := notebook.Run(ctx, notebook.Config{
//		Paths:   []string{"notebooks/01-first-posterior.ipynb"},
//		HTMLDir: "out",
//		Timeout: 5 * time.Minute,
//		Params:  map[string]string{"n": "200"},
//		Kernel:  notebook.Command{Argv: []string{"odslab", "kernel", "-f", "{connection_file}"}},
//		Out:     os.Stdout,
//	})
//
// # Cell tags
//
//	parameters        k := v in this cell is overridden by Params
//	check             asserts something; the table counts it and its failure fails the run
//	raises-exception  is meant to fail; the run goes on
//	skip-execution    is left out of the run
//	solution          folded on the page
//	hide-input        its code is folded on the page, its outputs are not
//
// # References
//
// The notebook format: https://nbformat.readthedocs.io/en/latest/format_description.html.
// Tags and parameters follow nbclient and papermill.
package notebook
