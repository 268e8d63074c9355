// Package sweep runs a notebook at every point of a grid of parameters: on the
// cores of this machine, or one point a task under Slurm and Kubernetes.
//
// A [Grid] is a YAML file: names of parameters with the values that they take,
// all combinations, the last name fastest; or a list of such grids, one after the
// other. The parameters are those of the notebook's cell tagged "parameters", as
// papermill has them. The number of a point is its index.
//
//	sigma: [.3, .5]
//	seed: [1, 2, 3, 4]
//
// [Run] gives each index a folder of its own, in which its kernel works, and
// writes there the executed notebook, its page and, last, point.json: an index is
// done when that file says so, and is then left alone, so the same command goes on
// where an earlier one has stopped. [Collect] joins what the notebooks have
// written: tables (*.csv), Results (Result.WriteJSON) and the evidence over seeds.
package sweep
