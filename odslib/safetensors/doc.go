// Package safetensors reads and writes named arrays in the safetensors format.
//
// A [File] is a list of [Tensor] and a map of text. The bytes that it is
// written as depend on its content only: tensors go widest type first and then
// by name, as in the reference implementation, whose files are reproduced to
// the byte.
//
//	f := &safetensors.File{
//		Metadata: map[string]string{"recipe": "digits, seed 1"},
//		Tensors:  []safetensors.Tensor{safetensors.Float32("w", []int{2, 2}, w)},
//	}
//	err := safetensors.WriteFile("model.safetensors", f)
//	...
//	f, err = safetensors.ReadFile("model.safetensors")
//	w, ok := f.Lookup("w")
//
// A malformed file is refused with a one-line error: no size that a header
// claims is allocated before it has been found to lie within the file.
//
// The layout is 8 bytes of little-endian header length, a JSON header, then the
// data without holes: https://huggingface.co/docs/safetensors.
package safetensors
