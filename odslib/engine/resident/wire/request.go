package wire

// Requests, the kind of a frame from a client. Every payload begins with the handles of the buffers that the client has
// dropped since its last request. A shared buffer stays under its [Sum] for whoever has the same array later; nobody may
// change it.
const (
	Hello      = iota + 1 // fingerprint, who → lease and what the backend is; the connection is the lease
	Attach                // lease → nothing: a further connection of the same client
	Record                // operations that only the backend can judge → shapes of the last one's outputs
	Lookup                // hash → program, if it is compiled
	Compile               // hash, the rest of the recording → program
	Execute               // program, device, inputs → outputs
	FromHost              // device, shape, shared; bulk → buffer
	ToHost                // buffer, shared → its sum, if shared; bulk
	CopyDevice            // buffer, device → buffer
	Keep                  // id, buffer → nothing: it outlives its client
	Get                   // id → buffer
	Find                  // sums → buffers that are shared, 0 for those that are not
)

// Answers, the kind of a frame from the server.
const (
	OK     = 0
	Failed = 1 // a [Failure]
)

// Failure is an error as it travels.
type Failure struct {
	Msg            string
	NotImplemented bool
	Op             int // which operation of the recording, from 0; -1: none in particular
}

// Enc writes the failure.
func (f *Failure) Enc(e *Enc) {
	e.Str(f.Msg)
	e.Bool(f.NotImplemented)
	e.Int(int64(f.Op))
}

// DecFailure reads a failure.
func DecFailure(d *Dec) *Failure {
	return &Failure{d.Str(), d.Bool(), int(d.Int())}
}
