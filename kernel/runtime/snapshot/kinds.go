package snapshot

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Types of the standard library whose hidden fields are kept by their meaning.

var (
	timeType    = reflect.TypeFor[time.Time]()
	syncMapType = reflect.TypeFor[sync.Map]()
)

// stripped is a time without the reading of this process's clock. Its zone is
// memory like any other.
func stripped(p unsafe.Pointer) unsafe.Pointer {
	t := (*time.Time)(p).Round(0)
	return unsafe.Pointer(&t)
}

// syncMap is the entries of a sync.Map, the same map for the whole of a walk
// and the writing after it.
func (m *memory) syncMap(p unsafe.Pointer) reflect.Value {
	if v, ok := m.syncs[p]; ok {
		return v
	}
	all := map[any]any{}
	(*sync.Map)(p).Range(func(k, v any) bool { all[k] = v; return true })
	v := reflect.ValueOf(all)
	m.syncs[p] = v
	return v
}

func (d *decoder) syncMap(p unsafe.Pointer) {
	i := d.uint()
	if i >= uint64(len(d.maps)) {
		d.damaged()
	}
	all, ok := d.maps[i].Interface().(map[any]any)
	if !ok {
		d.damaged()
	}
	d.after = append(d.after, func() {
		for k, v := range all {
			(*sync.Map)(p).Store(k, v)
		}
	})
}

// lockCodec keeps a lock as it is, locked or not, unless somebody waits for it.
func lockCodec(size uintptr, atRest func(unsafe.Pointer) bool) *codec {
	return &codec{
		func(p any) (b, _ []byte, err error) {
			q := reflect.ValueOf(p).UnsafePointer()
			if !atRest(q) {
				return nil, nil, fmt.Errorf("a goroutine waits for the %s", reflect.TypeOf(p).Elem())
			}
			return append(b, bytesAt(q, size)...), nil, nil
		},
		func(b, _ []byte, p any) error {
			copy(bytesAt(reflect.ValueOf(p).UnsafePointer(), size), b)
			return nil
		},
		true,
	}
}

// mutex and rwMutex are laid out as those of package sync; a test holds it. They
// are read atomically: a goroutine may be about to take them.
type mutex struct {
	state int32 // 1: locked; more: somebody waits
	sema  uint32
}

type rwMutex struct {
	w                       mutex
	writerSem, readerSem    uint32
	readerCount, readerWait int32
}

func atRest(p unsafe.Pointer) bool {
	m := (*mutex)(p)
	return atomic.LoadInt32(&m.state)&^1 == 0 && atomic.LoadUint32(&m.sema) == 0
}

func atRestRW(p unsafe.Pointer) bool {
	m := (*rwMutex)(p)
	const readers = 1 << 30
	if !atRest(p) || atomic.LoadUint32(&m.writerSem) != 0 || atomic.LoadUint32(&m.readerSem) != 0 || atomic.LoadInt32(&m.readerWait) != 0 {
		return false
	}
	held, n := atomic.LoadInt32(&m.w.state), atomic.LoadInt32(&m.readerCount)
	return held == 0 && n >= 0 || held == 1 && n == -readers
}

// regexpCodec keeps a regular expression as its text. Those of POSIX are
// compiled otherwise, which the text does not tell.
func regexpCodec(t reflect.Type) *codec {
	field := func(p any, name string) reflect.Value {
		f, ok := t.FieldByName(name)
		if !ok {
			return reflect.Value{}
		}
		return reflect.NewAt(f.Type, unsafe.Add(reflect.ValueOf(p).UnsafePointer(), f.Offset)).Elem()
	}
	compile := func(text []byte, p any) error { return p.(encoding.TextUnmarshaler).UnmarshalText(text) }
	return &codec{
		func(p any) (b, _ []byte, err error) {
			text, err := p.(encoding.TextMarshaler).MarshalText()
			if err != nil {
				return nil, nil, err
			}
			again, longest := reflect.New(t).Interface(), field(p, "longest")
			if err := compile(text, again); err != nil {
				return nil, nil, err
			}
			was, now := field(p, "prog"), field(again, "prog")
			if !longest.IsValid() || !was.IsValid() || fmt.Sprint(was.Interface()) != fmt.Sprint(now.Interface()) {
				return nil, nil, errors.New("a regular expression of POSIX can't be kept")
			}
			if longest.Bool() {
				return append([]byte{1}, text...), nil, nil
			}
			return append([]byte{0}, text...), nil, nil
		},
		func(b, _ []byte, p any) error {
			if len(b) == 0 {
				return errDamaged
			}
			if err := compile(b[1:], p); err != nil {
				return err
			}
			if b[0] == 1 {
				p.(interface{ Longest() }).Longest()
			}
			return nil
		},
		true,
	}
}
