package gonb

// What the tests outside the package look at.

const InterruptGrace = interruptGrace

func (c *Child) Mark() string         { return c.mark }
func (c *Child) Dir() string          { return c.dir }
func (c *Child) Binaries() string     { return c.path("next/bin") }
func Marked(mark string) (pids []int) { return marked(mark) }

const Kept = kept
