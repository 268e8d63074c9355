package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/kernel/diskcache"
	"odslab/kernel/resident/disk"
	"odslab/kernel/resident/server"
	"odslab/kernel/runtime/resident"
	"odslab/kernel/toolchain"
	"odslab/odslib/engine"
)

// The test binary is also the resident process that is killed.
func TestMain(m *testing.M) {
	if spill := os.Getenv("RESIDENT_TEST_SPILL"); spill != "" {
		os.Exit(run(spill, 0, "", ""))
	}
	// Twice with the same folder: in the second run the suites' programs come from disk.
	programs := &disk.Programs{Cache: &diskcache.Cache{Dir: os.Getenv("RESIDENT_TEST_PROGRAMS"), Max: programsMax}}
	if programs.Cache.Dir != "" {
		if err := programs.Install(engine.Plugin("xla-cpu"), nil); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	status := m.Run()
	programs.Cache.Wait()
	if programs.Cache.Dir != "" {
		fmt.Println("programs from disk:", programs.Loaded())
	}
	os.Exit(status)
}

// A process that is killed in the middle of a spill leaves the whole array or none.
func TestKilledInASpill(t *testing.T) {
	toolchain.NeedXLA(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const n = 8 << 20 // 32 MB
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(i % 1000)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	back := 0
	for range 8 {
		dir := t.TempDir()
		socket := filepath.Join(dir, "s")
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		file, err := l.File()
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), "RESIDENT_TEST_SPILL="+filepath.Join(dir, "arrays"))
		cmd.ExtraFiles, cmd.Stderr = []*os.File{file}, os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		file.Close()
		c, err := resident.Open(socket)
		if err != nil {
			t.Fatal(err)
		}
		id := keep(t, c, tensors.FromFlatDataAndDimensions(data, n))
		time.Sleep(time.Duration(rng.IntN(500)) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		in.Close()
		c.Finalize()

		d, s, _ := serve(t, realBackend(t), server.Options{Spill: filepath.Join(dir, "arrays")})
		x, err := get(d, id)
		if err != nil {
			if !strings.Contains(err.Error(), "was not on disk") {
				t.Errorf("lost, but: %v", err)
			}
		} else {
			back++
			got := x.Value().([]float32)
			if len(got) != n || got[n-1] != data[n-1] || got[n/2] != data[n/2] {
				t.Error("half an array came back")
			}
		}
		s.Retain(nil, nil)
	}
	t.Logf("%d of 8 were whole on disk", back)
}
