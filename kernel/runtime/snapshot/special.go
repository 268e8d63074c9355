package snapshot

import (
	"encoding"
	"reflect"
	"strings"
	"sync"
)

// openPackages hold plain data in hidden fields, which may be copied as it
// lies. Elsewhere a hidden field may be a handle, so it is refused.
var openPackages = []string{
	"main", "odslab", "gonum.org/v1/gonum", "gonum.org/v1/plot", "container", "bytes", "strings", "bufio", "math/rand", "sync/atomic", "time", "text/tabwriter",
	"github.com/gomlx/compute/shapes", "github.com/gomlx/compute/dtypes",
}

// open says whether structs of the package may have hidden fields and be kept.
func open(path string) bool {
	for _, p := range openPackages {
		if path == p || strings.HasPrefix(path, p+"/") {
			return true
		}
	}
	return path == ""
}

var errorType = reflect.TypeFor[error]()

// closed: a struct of another package with hidden fields. Those of an error are
// data: what it says, and why.
func closed(t reflect.Type) bool {
	if t == reflect.TypeFor[strings.Replacer]() { // is made when it is first used, of hidden types
		return true
	}
	if t.Kind() != reflect.Struct || open(t.PkgPath()) || t.Implements(errorType) || reflect.PointerTo(t).Implements(errorType) {
		return false
	}
	if t == reflect.TypeFor[sync.Once]() {
		return false
	}
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			return true
		}
	}
	return false
}

// codec is how values of one type write themselves; p is a *T.
type codec struct {
	encode func(p any) (short, long []byte, err error)
	decode func(short, long []byte, p any) error
	fresh  bool // no later call changes what encode returned
}

var (
	codecsMu sync.RWMutex
	codecs   = map[reflect.Type]*codec{}
)

// RegisterCodec says how values of T are kept, for types that hold a handle.
// What encode returns is its caller's; what decode is given is not to be kept.
func RegisterCodec[T any](encode func(*T) ([]byte, error), decode func([]byte, *T) error) {
	RegisterLongCodec(func(p *T) (short, long []byte, err error) {
		short, err = encode(p)
		return short, nil, err
	}, func(short, _ []byte, p *T) error { return decode(short, p) })
}

// RegisterLongCodec is RegisterCodec for values with an array that is written
// where it lies: encode returns it second, and [Image.Coded] leaves it out.
func RegisterLongCodec[T any](encode func(*T) (short, long []byte, err error), decode func(short, long []byte, p *T) error) {
	codecsMu.Lock()
	defer codecsMu.Unlock()
	plans.Clear()
	codecs[reflect.TypeFor[T]()] = &codec{
		func(p any) ([]byte, []byte, error) { return encode(p.(*T)) },
		func(short, long []byte, p any) error { return decode(short, long, p.(*T)) },
		true,
	}
}

var (
	binMarshal   = reflect.TypeFor[encoding.BinaryMarshaler]()
	binUnmarshal = reflect.TypeFor[encoding.BinaryUnmarshaler]()
	gobMarshal   = reflect.TypeFor[gobEncoder]()
	gobUnmarshal = reflect.TypeFor[gobDecoder]()
)

// The interfaces of encoding/gob, without its weight in every program.
type (
	gobEncoder interface{ GobEncode() ([]byte, error) }
	gobDecoder interface{ GobDecode([]byte) error }
)

func codecOf(t reflect.Type) *codec {
	if t.PkgPath() == "" {
		return nil
	}
	codecsMu.RLock()
	c, ok := codecs[t]
	codecsMu.RUnlock()
	if ok {
		return c
	}
	p := reflect.PointerTo(t)
	switch {
	case t.Kind() == reflect.Interface, t == timeType:
	case t.PkgPath() == "regexp" && t.Name() == "Regexp":
		c = regexpCodec(t)
	case t == reflect.TypeFor[sync.Mutex]():
		c = lockCodec(t.Size(), atRest)
	case t == reflect.TypeFor[sync.RWMutex]():
		c = lockCodec(t.Size(), atRestRW)
	case p.Implements(binMarshal) && p.Implements(binUnmarshal) && !promoted(t, binMarshal):
		c = &codec{
			func(p any) (b, _ []byte, err error) { b, err = p.(encoding.BinaryMarshaler).MarshalBinary(); return },
			func(b, _ []byte, p any) error { return p.(encoding.BinaryUnmarshaler).UnmarshalBinary(b) },
			false,
		}
	case p.Implements(gobMarshal) && p.Implements(gobUnmarshal) && !promoted(t, gobMarshal):
		c = &codec{
			func(p any) (b, _ []byte, err error) { b, err = p.(gobEncoder).GobEncode(); return },
			func(b, _ []byte, p any) error { return p.(gobDecoder).GobDecode(b) },
			false,
		}
	}
	codecsMu.Lock()
	codecs[t] = c
	codecsMu.Unlock()
	return c
}

// promoted: the method comes from an embedded field and would lose the rest.
func promoted(t reflect.Type, method reflect.Type) bool {
	if t.Kind() != reflect.Struct || !open(t.PkgPath()) {
		return false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && (f.Type.Implements(method) || reflect.PointerTo(f.Type).Implements(method)) {
			return true
		}
	}
	return false
}
