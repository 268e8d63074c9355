package environment

import (
	"fmt"
	"os"
	"strconv"
)

// arrays are the variables by which an array of tasks tells each its index.
var arrays = []string{"SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"}

// TaskIndex is the index that Slurm or Kubernetes gives this process; ok is false
// outside an array.
func TaskIndex() (index int, ok bool, err error) {
	from := ""
	for _, name := range arrays {
		text := os.Getenv(name)
		if text == "" {
			continue
		}
		i, err := strconv.Atoi(text)
		if err != nil || i < 0 {
			return 0, false, fmt.Errorf("%s=%q is no index", name, text)
		}
		if ok && i != index {
			return 0, false, fmt.Errorf("%s says index %d and %s says %d: unset one", from, index, name, i)
		}
		index, ok, from = i, true, name
	}
	return index, ok, nil
}
