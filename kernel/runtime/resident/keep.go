package resident

import (
	"fmt"

	"odslab/kernel/runtime/contract"
	"odslab/odslib/engine/record"

	"github.com/gomlx/compute"
)

// Keep leaves a buffer in the resident process when this program ends, and returns the id that [Backend.Get] takes. A
// buffer that came from Get, or was kept before, has its id already.
func (b *Backend) Keep(buf compute.Buffer) (id string, err error) {
	own, ok := buf.(*Buffer)
	switch {
	case !ok || own.backend != b:
		return "", fmt.Errorf("resident: %T is of another backend", buf)
	case own.gone:
		return "", errGone
	case own.id != "":
		return own.id, nil
	}
	err = b.call(contract.AskKeep, func(e *record.Enc) { e.Uint(own.handle) }, nil, nil, func(d *record.Dec) error {
		own.id = d.Str()
		return nil
	})
	return own.id, err
}

// Get is the buffer kept under an id.
func (b *Backend) Get(id string) (compute.Buffer, error) {
	var buf *Buffer
	err := b.call(contract.AskGet, func(e *record.Enc) { e.Str(id) }, nil, nil, func(d *record.Dec) error {
		h, device := d.Uint(), compute.DeviceNum(d.Int())
		buf = b.buffer(h, record.DecShape(d), device)
		buf.id = id
		return nil
	})
	if err != nil {
		return nil, err
	}
	return buf, nil
}
