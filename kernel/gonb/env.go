package gonb

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
