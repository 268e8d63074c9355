package gonb

import (
	"regexp"
	"strconv"
)

// Environment of the GoNB child and of all that it starts.
const (
	envGo   = "ODSLAB_GO"   // the real go command
	envNext = "ODSLAB_NEXT" // the binary that answers the next go build; absent for GoNB's own cells

	// MarkEnv marks all processes of one kernel; see Config.Mark.
	MarkEnv = "ODSLAB_KERNEL"
	// ErrorEnv names the file in which a cell says how it failed; see Failure.
	ErrorEnv = "ODSLAB_ERROR"
	// GraceEnv names the file in which an interrupted cell says until when it
	// needs to end by itself, in milliseconds since 1970.
	GraceEnv = "ODSLAB_GRACE"
)

// setLine is how GoNB says what %env has set.
var setLine = regexp.MustCompile(`(?m)^Set: ([^=\s]+)=(".*")$`)

// noteEnv takes over what %env has set in GoNB, so that go build sees it too.
func (c *Child) noteEnv(text string) {
	for _, m := range setLine.FindAllStringSubmatch(text, -1) {
		if value, err := strconv.Unquote(m[2]); err == nil {
			c.env = append(c.env, m[1]+"="+value)
		}
	}
}
