package live

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"os"
	"reflect"
	"slices"
	"sync"
	"time"
)

// GoNB reads rich output from a named pipe, as encoding/gob messages. Linking
// gob and gonbui doubles the time a changed cell takes to build, so the four
// messages needed are written by hand here; a test reads them back with gob.
// A cell that uses gonbui itself sets Send, for the pipe bears one writer.

// Send, where set, sends a display instead of this package.
var Send func(data, metadata map[string]any, displayID string)

// Sync, where set, waits until everything sent has arrived.
var Sync func()

const (
	pipeEnv, backEnv = "GONB_PIPE", "GONB_PIPE_BACK"

	// Type definitions, each a message: DisplayData, its two maps, []any and
	// CommValue, with the type ids 64 to 68.
	definitions = ">\x7f\x03\x01\x01\vDisplayData\x01\xff\x80\x00\x01\x03\x01\x04Data\x01\xff\x82\x00\x01\bMetadata\x01\xff\x84\x00\x01\tDisplayID\x01\f\x00\x00\x00" +
		"2\xff\x81\x04\x01\x01\"map[protocol.MIMEType]interface {}\x01\xff\x82\x00\x01\f\x01\x10\x00\x00" +
		"'\xff\x83\x04\x01\x01\x17map[string]interface {}\x01\xff\x84\x00\x01\f\x01\x10\x00\x00" +
		"\x0c\xff\x85\x02\x01\x02\xff\x86\x00\x01\x10\x00\x00" +
		"9\xff\x87\x03\x01\x01\tCommValue\x01\xff\x88\x00\x01\x03\x01\aAddress\x01\f\x00\x01\aRequest\x01\x02\x00\x01\x05Value\x01\x10\x00\x00\x00"
	idDisplayData, idMap, idList, idCommValue = 64, 66, 67, 68
	commValue                                 = "github.com/janpfeifer/gonb/gonbui/protocol.CommValue"
)

var pipe struct {
	sync.Mutex
	w, r *os.File
	err  error
	used bool
}

// Notebook says whether rich output has somewhere to go.
func Notebook() bool { return Send != nil || os.Getenv(pipeEnv) != "" }

func post(data, metadata map[string]any, displayID string) error {
	if Send != nil {
		Send(data, metadata, displayID)
		return nil
	}
	pipe.Lock()
	defer pipe.Unlock()
	if pipe.err != nil {
		return pipe.err
	}
	msg, err := displayMessage(data, metadata, displayID)
	if err != nil {
		return err
	}
	if pipe.w == nil {
		if pipe.w, pipe.err = os.OpenFile(os.Getenv(pipeEnv), os.O_WRONLY, 0o600); pipe.err == nil {
			pipe.r, pipe.err = os.OpenFile(os.Getenv(backEnv), os.O_RDONLY, 0o600)
		}
		if pipe.err != nil {
			return pipe.err
		}
		msg = append([]byte(definitions), msg...)
	}
	pipe.used = true
	_, pipe.err = pipe.w.Write(msg)
	return pipe.err
}

// flush waits until what was sent has been read: what lies in the pipe when
// the process ends may be lost.
func flush() {
	if Sync != nil {
		Sync()
		return
	}
	pipe.Lock()
	defer pipe.Unlock()
	if !pipe.used || pipe.err != nil {
		return
	}
	if _, err := pipe.w.Write(syncMessage()); err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var seen []byte
		buf := make([]byte, 4096)
		for !bytes.Contains(seen, []byte("#gonbui/sync_ack")) {
			n, err := pipe.r.Read(buf)
			if seen = append(seen, buf[:n]...); err != nil {
				return
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
	}
}

func displayMessage(data, metadata map[string]any, displayID string) ([]byte, error) {
	var b gobBuffer
	b.int(idDisplayData)
	field := uint64(1)
	for _, m := range []map[string]any{data, metadata} {
		if len(m) > 0 {
			b.uint(field)
			field = 0
			if err := b.entries(m); err != nil {
				return nil, err
			}
		}
		field++
	}
	if displayID != "" {
		b.uint(field)
		b.text(displayID)
	}
	b.uint(0)
	return b.message(), nil
}

func syncMessage() []byte {
	var v gobBuffer
	v.uint(1)
	v.text("#gonbui/sync")
	v.uint(2)
	_ = v.any(0)
	v.uint(0)
	var b gobBuffer
	b.int(idDisplayData)
	b.uint(1)
	b.uint(1)
	b.text("gonb/comm_value")
	b.text(commValue)
	b.int(idCommValue)
	b.uint(uint64(len(v)))
	b = append(b, v...)
	b.uint(0)
	return b.message()
}

// gobBuffer writes values in gob's encoding.
type gobBuffer []byte

func (b *gobBuffer) uint(x uint64) {
	if x < 128 {
		*b = append(*b, byte(x))
		return
	}
	n := (bits.Len64(x) + 7) / 8
	*b = append(*b, byte(-n))
	var be [8]byte
	binary.BigEndian.PutUint64(be[:], x)
	*b = append(*b, be[8-n:]...)
}

func (b *gobBuffer) int(x int64) {
	if x < 0 {
		b.uint(uint64(^x<<1) | 1)
		return
	}
	b.uint(uint64(x << 1))
}

func (b *gobBuffer) text(s string) {
	b.uint(uint64(len(s)))
	*b = append(*b, s...)
}

func (b gobBuffer) message() []byte {
	var m gobBuffer
	m.uint(uint64(len(b)))
	return append(m, b...)
}

func (b *gobBuffer) entries(m map[string]any) error {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b.uint(uint64(len(m)))
	for _, k := range keys {
		b.text(k)
		if err := b.any(m[k]); err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
	}
	return nil
}

// any writes an interface value: name of its type, id, length, value.
func (b *gobBuffer) any(x any) error {
	var v gobBuffer
	v.uint(0)
	name, id := "", int64(0)
	switch r := reflect.ValueOf(x); {
	case !r.IsValid():
		b.uint(0)
		return nil
	case r.Kind() == reflect.Bool:
		name, id = "bool", 1
		n := uint64(0)
		if r.Bool() {
			n = 1
		}
		v.uint(n)
	case r.CanInt():
		name, id = "int", 2
		v.int(r.Int())
	case r.CanUint():
		name, id = "int", 2
		v.int(int64(r.Uint()))
	case r.CanFloat():
		name, id = "float64", 4
		v.uint(bits.ReverseBytes64(math.Float64bits(r.Float())))
	case r.Kind() == reflect.String:
		name, id = "string", 6
		v.text(r.String())
	case r.Kind() == reflect.Slice && r.Type().Elem().Kind() == reflect.Uint8:
		name, id = "[]uint8", 5
		v.text(string(r.Bytes()))
	case r.Kind() == reflect.Slice || r.Kind() == reflect.Array:
		name, id = "[]interface {}", idList
		v.uint(uint64(r.Len()))
		for i := range r.Len() {
			if err := v.any(r.Index(i).Interface()); err != nil {
				return err
			}
		}
	case r.Kind() == reflect.Map && r.Type().Key().Kind() == reflect.String:
		name, id = "map[string]interface {}", idMap
		m := map[string]any{}
		for it := r.MapRange(); it.Next(); {
			m[it.Key().String()] = it.Value().Interface()
		}
		if err := v.entries(m); err != nil {
			return err
		}
	default:
		return errors.New("a " + r.Type().String() + " is neither text, bytes nor JSON")
	}
	b.text(name)
	b.int(id)
	b.uint(uint64(len(v)))
	*b = append(*b, v...)
	return nil
}
