package device

import (
	"fmt"

	"github.com/gomlx/gomlx/ml/model"

	"odslab/kernel/runtime/snapshot"
	"odslab/odslib/engine/record"
)

// encodeStore keeps the variables that have a value, with the flag that says whether training changes them, and the
// hyperparameters. Variables without one come to be again when a graph asks for them.
func encodeStore(s *model.Store) ([]byte, error) {
	e := &record.Enc{}
	var vars []*model.Variable
	for v := range s.IterVariables() {
		if v.HasValue() {
			vars = append(vars, v)
		}
	}
	e.Uint(uint64(len(vars)))
	for _, v := range vars {
		t, err := v.Value()
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", v.Path(), err)
		}
		about, data, err := encodeTensor(t)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", v.Path(), err)
		}
		e.Str(v.Path())
		e.Bool(v.Trainable)
		e.Bytes(about)
		e.Bytes(data)
	}
	params := map[string]any{}
	for path, value := range s.IterParams() {
		params[path] = value
	}
	g, err := snapshot.Encode([]snapshot.Root{{Name: "params", Ptr: &params}})
	if err != nil {
		return nil, fmt.Errorf("hyperparameters: %w", err)
	}
	e.Bytes(g.Image.Bytes())
	return e.B, nil
}

func decodeStore(b []byte, to *model.Store) error {
	*to = *model.NewStore()
	d := &record.Dec{B: b}
	for range d.Count() {
		path, trainable := d.Str(), d.Bool()
		t, err := readTensor(d.Bytes(), d.Bytes())
		if d.Err != nil {
			return errDamaged
		}
		if err != nil {
			return fmt.Errorf("variable %s: %w", path, err)
		}
		v, err := to.CreateVariable(path, t)
		if err != nil {
			return err
		}
		v.SetTrainable(trainable)
	}
	var params map[string]any
	file := d.Bytes()
	if d.Err != nil {
		return errDamaged
	}
	if err := snapshot.Decode(file, []snapshot.Root{{Name: "params", Ptr: &params}}); err != nil {
		return fmt.Errorf("hyperparameters: %w", err)
	}
	to.SetParams(params)
	return nil
}
