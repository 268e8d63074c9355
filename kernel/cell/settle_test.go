package cell

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"odslab/kernel/runtime/contract"
)

// TestSettle: new files come in place of old ones, what was not written again stays, what a cut save left goes.
func TestSettle(t *testing.T) {
	dir := t.TempDir()
	s := &Session{opt: Options{KeepDir: dir}}
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("old.val", "old")
	put("old.val.new", "new")
	put("first.val.new", "first")
	put("same.val", "same")
	put("cut.val", "whole")
	put("cut.val.new", "cu")
	put("left.val.old", "from a kernel that was killed")
	put("saved.json.tmp7", "{")
	list := contract.Saved{Groups: []contract.SavedGroup{{File: "old.val"}, {File: "first.val"}, {File: "same.val"}}}
	if err := s.settle(3, list); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"old.val": "new", "first.val": "first", "same.val": "same", "cut.val": "whole"}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if got, err := os.ReadFile(filepath.Join(dir, e.Name())); err != nil || string(got) != want[e.Name()] {
			t.Errorf("%s: %q, %v", e.Name(), got, err)
		}
		delete(want, e.Name())
	}
	if len(want) > 0 {
		t.Errorf("gone: %v", want)
	}
	if err := s.settle(4, contract.Saved{Groups: []contract.SavedGroup{{File: "none.val"}}}); err == nil {
		t.Error("a file that is in the list and not there is not missed")
	}
}

// TestReplaceKeepsTheOld: where the new file can't take the place, the old one is in it.
func TestReplaceKeepsTheOld(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.val")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replace(file); !os.IsNotExist(err) {
		t.Errorf("no new file: %v", err)
	}
	if err := os.WriteFile(file+contract.NewSuffix, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(file+oldSuffix, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := replace(file); err == nil {
		t.Error("no error")
	}
	if got, err := os.ReadFile(file); string(got) != "old" {
		t.Errorf("%q, %v", got, err)
	}
	entries, _ := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{"x.val", "x.val.new", "x.val.old"}) {
		t.Errorf("%v", names)
	}
}
