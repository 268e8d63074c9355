// Package rich sends the output of package live through gonbui. A cell whose
// program uses gonbui imports it too, because GoNB's pipe bears one writer;
// for others the few messages that package live writes itself are enough.
package rich

import (
	"encoding/gob"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"

	"odslab/kernel/runtime/live"
)

func init() {
	if !gonbui.IsNotebook {
		return
	}
	gob.Register(map[string]any{})
	gob.Register([]any{})
	live.Send = func(data, metadata map[string]any, id string) {
		d := &protocol.DisplayData{Data: map[protocol.MIMEType]any{}, Metadata: metadata, DisplayID: id}
		for k, v := range data {
			d.Data[protocol.MIMEType(k)] = v
		}
		gonbui.SendData(d)
	}
	live.Sync = gonbui.Sync
}
