package live

import (
	"fmt"
	"maps"
	"os"
	"reflect"

	"odslab/kernel/runtime/contract"
)

// Bundler is a value with a rich form: MIME types to text, bytes or JSON.
type Bundler interface {
	MIMEBundle() (map[string]any, error)
}

// Show shows the value of a cell's last expression.
func Show(v any) {
	if b, ok := v.(Bundler); ok && !nilPointer(b) { // a figure that could not be made
		if e, ok := v.(interface{ Err() error }); ok && e.Err() != nil {
			panic(raised{e.Err()})
		}
	}
	data, err := bundle(v)
	if err != nil {
		panic(raised{err})
	}
	if !Notebook() {
		fmt.Fprintln(os.Stdout, data["text/plain"])
		return
	}
	if err := send(data, map[string]any{contract.MarkResult: true}, ""); err != nil {
		fmt.Fprintln(os.Stdout, data["text/plain"])
	}
}

// ShowResult shows the value of a call that also returns an error, or raises
// the error.
func ShowResult[T any](v T, err error) {
	if err != nil {
		panic(raised{err})
	}
	Show(v)
}

// ShowAll shows several results in one line.
func ShowAll(results ...any) { Show(tuple(results)) }

// ShowResults shows several results of which the last is an error, which is
// raised unless it is nil.
func ShowResults(results ...any) {
	Raise(results...)
	Show(tuple(results[:len(results)-1]))
}

// tuple is several results of one call.
type tuple []any

func (t tuple) String() string {
	s := ""
	for i, v := range t {
		if i > 0 {
			s += ", "
		}
		s += plain(v)
	}
	return s
}

// Display shows a value in its rich form, now. With an id it can be replaced
// later by Update. Outside a notebook it prints the text form, if it has one.
func Display(v any, id string) error { return display(v, id) }

// Update replaces what Display showed under the id.
func Update(v any, id string) error { return display(v, id) }

func display(v any, id string) error {
	data, err := bundle(v)
	if err != nil {
		return err
	}
	if !Notebook() {
		_, err := fmt.Fprintln(os.Stdout, data["text/plain"])
		return err
	}
	return send(data, nil, id)
}

// Bundle is a MIME bundle shown as it is.
type Bundle map[string]any

// MIMEBundle is b itself.
func (b Bundle) MIMEBundle() (map[string]any, error) { return b, nil }

// bundle is the rich form of any value; text/plain is always there.
func bundle(v any) (data map[string]any, err error) {
	v = withMethods(v)
	if b, ok := v.(Bundler); ok && !nilPointer(v) {
		m, err := b.MIMEBundle()
		if err != nil {
			return nil, err
		}
		data = maps.Clone(m)
		if data == nil {
			data = map[string]any{}
		}
		if _, ok := data["text/plain"]; !ok {
			if _, isBundle := v.(Bundle); isBundle {
				data["text/plain"] = "(shown in a notebook)"
			} else {
				data["text/plain"] = plain(v)
			}
		}
		return data, nil
	}
	if m, ok := v.(matrix); ok && !nilPointer(v) {
		if data, ok = matrixOf(m); ok {
			return data, nil
		}
	}
	data = map[string]any{"text/plain": plain(v)}
	if e, ok := v.(error); ok && !nilPointer(v) {
		data["text/html"] = errorHTML(e)
	}
	if t, ok := tableOf(v); ok {
		data["text/plain"], data["text/html"] = t.text(), t.html()
	}
	return data, nil
}

// Bundled is the rich form of a value, or what stands in its way.
func Bundled(v any) (map[string]any, error) {
	if e, ok := v.(interface{ Err() error }); ok && !nilPointer(v) && e.Err() != nil {
		return nil, e.Err()
	}
	return bundle(v)
}

// withMethods is a pointer to a copy of v where only the pointer knows how to
// show itself.
func withMethods(v any) any {
	t := reflect.TypeOf(v)
	if t == nil || t.PkgPath() == "" || t.Kind() == reflect.Interface || t.Implements(bundler) || t.Implements(stringer) {
		return v
	}
	p := reflect.New(t)
	if !p.Type().Implements(bundler) && !p.Type().Implements(stringer) {
		return v
	}
	p.Elem().Set(reflect.ValueOf(v))
	return p.Interface()
}

var bundler = reflect.TypeFor[Bundler]()

func nilPointer(v any) bool {
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// plain is the text form: String or Error where the value has it, else Go.
func plain(v any) string {
	if !nilPointer(v) {
		switch x := v.(type) {
		case error:
			return x.Error()
		case fmt.Stringer:
			return x.String()
		case fmt.Formatter:
			return fmt.Sprint(x)
		case []byte:
			if x != nil {
				return bytesText(x)
			}
		}
	}
	return Form(v)
}
