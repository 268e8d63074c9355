package contract

// Packages that programs of cells link.
const (
	LivePath     = "odslab/kernel/runtime/live"     // always
	BootPath     = "odslab/kernel/runtime/boot"     // always, beside the main package
	SessionPath  = "odslab/kernel/runtime/session"  // where draw and train are used
	InteractPath = "odslab/kernel/runtime/interact" // where interact is used
	PicturesPath = "odslab/kernel/runtime/pictures" // where an image is shown
	PlotsPath    = "odslab/kernel/runtime/plots"    // where a plot of gonum's is shown
	RichPath     = "odslab/kernel/runtime/rich"     // with gonbui
	DevicePath   = "odslab/kernel/runtime/device"   // with GoMLX's tensors
	ResidentPath = "odslab/kernel/runtime/resident" // with GoMLX, where there is a resident process
)

// Functions of package live that generated programs call.
const (
	CallBegin       = "Begin"
	CallEnd         = "End"
	CallLoad        = "Load"
	CallUnkept      = "Unkept"
	CallKeep        = "Keep"
	CallRegister    = "Register"
	CallWitness     = "Witness"
	CallValues      = "Values"
	CallPointers    = "Pointers"
	CallFunction    = "Function"
	CallLiteral     = "Literal"
	CallAt          = "At"
	CallContext     = "Context" // ctx
	CallSeed        = "Seed"    // seed
	CallSetSeed     = "SetSeed"
	CallGuard       = "Guard"
	CallRaise       = "Raise"
	CallUnread      = "Unread"
	CallHalt        = "Halt"
	CallShow        = "Show"
	CallRune        = "Rune"
	CallRunes       = "Runes"
	CallShowAll     = "ShowAll"
	CallShowResult  = "ShowResult"
	CallShowResults = "ShowResults"
	CallExit        = "Exit"    // os.Exit
	CallFatal       = "Fatal"   // log.Fatal
	CallFatalln     = "Fatalln" // log.Fatalln
	CallFatalf      = "Fatalf"  // log.Fatalf
)

// Functions of package session that generated programs call.
const (
	CallDraw  = "Draw"  // draw
	CallTrain = "Train" // train
)

// Functions of package interact that generated programs call.
const (
	CallInteract = "Interact" // interact
	CallNamed    = "Named"    // with the parameters' names, and what makes the result showable
)
