// Package status names the exit statuses by which the resident process tells the kernel why it has ended.
package status

const (
	NoEngine = 74 // the engine did not open
	Stuck    = 75 // an execution that nobody waits for would not end
)
