package contract

// Environment of a cell's program. None of it is part of the program, so that the same cell of the same notebook is the same
// program in every kernel.
const (
	EnvKeep     = "ODSLAB_KEEP"     // folder of the notebook's values
	EnvSeed     = "ODSLAB_SEED"     // the notebook's seed where no variable named seed says otherwise
	EnvError    = "ODSLAB_ERROR"    // file in which a cell says how it failed, a [Failure]
	EnvGrace    = "ODSLAB_GRACE"    // file in which an interrupted cell says until when it needs to end, in milliseconds since 1970
	EnvOrder    = "ODSLAB_ORDER"    // file whose presence says that the kernel takes the numbers of displays out
	EnvPrints   = "ODSLAB_PRINTS"   // folder with the pipes that take what a cell prints, named 1 and 2
	EnvStdin    = "ODSLAB_STDIN"    // the kernel's socket for standard input
	EnvResident = "ODSLAB_RESIDENT" // socket of the resident process
	EnvAgain    = "ODSLAB_AGAIN"    // an [Again]: the program runs on a copy, for what one function shows
)

// Running is the first line that the resident process says, as JSON.
type Running struct {
	Engine string // "xla-cpu", "xla-cuda" or "go"
	Why    string
}

// Exit statuses by which the resident process says why it has ended.
const (
	ExitNoEngine = 74 // the engine did not open
	ExitStuck    = 75 // an execution that nobody waits for would not end
)
