package live

import "time"

// Prints and displays go to the front end by two roads. So that they are seen
// in the order in which the cell made them, a display waits until what was
// printed before it has been read, and prints wait until the display has been.

// drainLimit bounds the first wait: something else may hold the other end.
const drainLimit = 200 * time.Millisecond

func send(data, metadata map[string]any, displayID string) error {
	drain()
	err := post(data, metadata, displayID)
	if err == nil {
		flush()
	}
	return err
}

// drain waits until standard output and standard error have been read.
func drain() {
	printed := false
	for end := time.Now().Add(drainLimit); unread(1)+unread(2) > 0 && time.Now().Before(end); {
		printed = true
		time.Sleep(200 * time.Microsecond)
	}
	if printed {
		time.Sleep(time.Millisecond) // what has been read is then on its way
	}
}
