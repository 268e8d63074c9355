package safetensors_test

import (
	"fmt"

	"odslab/odslib/safetensors"
)

func Example() {
	f := &safetensors.File{
		Metadata: map[string]string{"recipe": "digits, seed 1"},
		Tensors: []safetensors.Tensor{
			safetensors.Float32("layer.w", []int{2, 2}, []float32{1, 2, 3, 4}),
			safetensors.Float32("layer.b", []int{2}, []float32{5, 6}),
		},
	}
	b, err := f.Encode()
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err = safetensors.Decode(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range f.Tensors {
		fmt.Println(t.Name, t.DType, t.Shape, t.Data)
	}
	_, err = safetensors.Decode(b[:len(b)-1])
	fmt.Println(err)
	// Output:
	// layer.b F32 [2] [5 6]
	// layer.w F32 [2 2] [1 2 3 4]
	// safetensors: tensor "layer.w": data_offsets [8 24] do not fit: want them to start at 8 and end within 23 bytes
}
