package gonb

import (
	"regexp"
	"strconv"
)

// Environment of the GoNB child and of all that it starts; the rest of it is in package contract.
const (
	envGo   = "ODSLAB_GO"   // the real go command
	envNext = "ODSLAB_NEXT" // the binary that answers the next go build; absent for GoNB's own cells

	// MarkEnv marks all processes of one kernel; see Config.Mark.
	MarkEnv = "ODSLAB_KERNEL"
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
