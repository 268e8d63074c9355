package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The files in the repository are what the generator makes of the array library that go.mod names.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	files, err := generate("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		got, err := os.ReadFile(filepath.Join("../../../..", path))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not current: go generate ./odslib/engine/record", path)
		}
	}
	if len(files) != 4 {
		t.Errorf("%d files", len(files))
	}
}

// Every rule of shapes is for an operation that exists.
func TestRulesAreUsed(t *testing.T) {
	ops := map[string]bool{}
	for i := range tFunction.NumMethod() {
		ops[tFunction.Method(i).Name] = true
	}
	for op := range rules {
		if !ops[op] {
			t.Errorf("a rule for %s, which is no operation", op)
		}
	}
}
