package checkpoint

import "testing"

// FuzzSettings: whatever a file says of its settings is compared or an error.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{"", "{}", `{"a":1}`, `{"a":{"b":[1,2]}}`, `[1]`, `null`, `{"a":1,"a":2}`, `{"a":1e999}`, "{", "\xff"} {
		f.Add(s, `{"a":1}`)
	}
	f.Fuzz(func(t *testing.T, have, want string) {
		if diff, err := difference(have, want); err == nil && have == want && diff != "" {
			t.Errorf("%q differs from itself: %s", have, diff)
		}
	})
}
