// Package checkpoint keeps training runs on disk: a path without ending stands for two files, path.safetensors with all
// numbers and path.json with what a person wants to know of them.
//
// A finished result is written by [Write] and read by [Read]; trained priors and policies have Save and Open on top of it, and
// [SaveResult] and [OpenResult] do the same for what a sampler drew. A run that is to go on writes its whole state by [Save], together with the
// settings that must be the same for it to go on; [Resume] reads it back and refuses a state of other settings by name.
//
//	settings, err := json.Marshal(s)
//	err = checkpoint.Save(path, about, string(settings), append(checkpoint.Tensors("weights/", weights), rng))
//	...
//	f, err := checkpoint.Resume(path, string(settings)) // nil without a file
//	weights, err = checkpoint.Params(f, "weights/", weights)
//
// Files appear whole or not at all: a run that is killed while it writes leaves the state before.
package checkpoint
