package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// difference names the first setting that is not the same in two JSON objects, in the order of want.
func difference(have, want string) (string, error) {
	a, _, err := fields(have)
	if err != nil {
		return "", fmt.Errorf("the settings of its training cannot be read: %w", err)
	}
	b, names, err := fields(want)
	if err != nil {
		return "", err
	}
	var gone []string
	for name := range a {
		if _, ok := b[name]; !ok {
			gone = append(gone, name)
		}
	}
	slices.Sort(gone)
	for _, name := range append(names, gone...) {
		if a[name] != b[name] {
			say := func(v string) string {
				if v == "" {
					return "none"
				}
				return v
			}
			return fmt.Sprintf("%s (%s there, %s here)", name, say(a[name]), say(b[name])), nil
		}
	}
	return "", nil
}

// fields are the values of a JSON object by name, and the names in order.
func fields(text string) (values map[string]string, names []string, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, nil, fmt.Errorf("not a JSON object")
	}
	values = map[string]string{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, nil, err
		}
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil {
			return nil, nil, err
		}
		name := t.(string) // keys of an object are strings
		names, values[name] = append(names, name), b.String()
	}
	_, err = d.Token() // the closing brace: a text cut short has none
	return values, names, err
}
