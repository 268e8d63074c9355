package contract

// What a cell asks of the resident process, the kind of a frame. Every payload begins with the handles of buffers and programs that the
// client has dropped since its last request. A shared buffer stays under its sum for whoever has the same array later; nobody
// may change it.
const (
	AskHello      = iota + 1 // fingerprint, who → lease and what the backend is; the connection is the lease
	AskAttach                // lease → nothing: a further connection of the same client
	AskRecord                // operations that only the backend can judge → shapes of the last one's outputs
	AskLookup                // hash → program, if it is compiled
	AskCompile               // hash, the rest of the recording, its outline → program, how it was made
	AskExecute               // program, device, inputs → outputs
	AskFromHost              // device, shape, shared; bulk → buffer
	AskToHost                // buffer, shared → its sum, if shared; bulk
	AskCopyDevice            // buffer, device → buffer
	AskKeep                  // id, buffer → nothing: it outlives its client
	AskGet                   // id → buffer
	AskFind                  // sums → buffers that are shared, 0 for those that are not
)

// Answers, the kind of a frame from the resident process.
const (
	AnswerOK     = 0
	AnswerFailed = 1 // a failure
)
