// Command resident is the process beside a notebook's kernel that stays warm:
// it has XLA loaded, keeps compiled programs and arrays on the device, and runs
// what cells record (package odslab/odslib/engine/record).
//
// The kernel starts it with a listening socket as file descriptor 3. On standard
// input it says which kept arrays its notebook still needs ("retain ID … shared
// SUM …") and asks what is held ("list", answered by a line of JSON). When that
// input ends, so does the process.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/gomlx/compute"

	"odslab/kernel/diskcache"
	"odslab/kernel/resident/disk"
	"odslab/kernel/resident/server"
	"odslab/kernel/runtime/contract"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
)

func main() {
	spill := flag.String("spill", "", "folder for kept arrays, found again after a crash")
	limit := flag.Int64("bytes", 0, "bytes of arrays at most; 0: half of the machine's memory")
	compiled := flag.String("programs", "", "folder for compiled programs, found again by later processes")
	sum := flag.String("sum", "", "sha256 of the plugin that was promised; another one is not loaded")
	flag.Parse()
	os.Exit(run(*spill, *limit, *compiled, *sum))
}

// programsMax is how many bytes of compiled programs stay on disk.
const programsMax = 512 << 20

func run(spill string, limit int64, compiled, sum string) int {
	l, err := net.FileListener(os.NewFile(3, "socket"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "resident: file descriptor 3 is no listening socket; the kernel starts this program:", err)
		return 2
	}
	programs := &disk.Programs{Cache: &diskcache.Cache{Dir: compiled, Max: programsMax}}
	if open := engine.OpenXLA; open != nil && compiled != "" {
		engine.OpenXLA = func(plugin string, cuda bool) (compute.Backend, error) {
			file, err := promised(plugin, sum)
			if err != nil {
				return nil, err
			}
			programs.Sum = sum
			if !cuda { // there, opening the plugin by itself looks for the driver too
				if err := programs.Install(plugin, file); err != nil {
					fmt.Fprintln(os.Stderr, "programs are not kept on disk:", err)
				}
			}
			return open(plugin, cuda)
		}
	}
	e, err := engine.Open()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return contract.ExitNoEngine
	}
	if err := json.NewEncoder(os.Stdout).Encode(contract.Running{Engine: e.Name, Why: e.Why}); err != nil {
		return 1 // the kernel is gone
	}
	if limit == 0 {
		limit = memory() / 2
	}
	s, err := server.New(e.Backend, server.Options{
		Engine: e.Name, Spill: spill, Bytes: limit, Loaded: programs.Loaded,
		Stuck: func() { os.Exit(contract.ExitStuck) },
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "resident:", err)
		return 1
	}
	go func() {
		obey(s, os.Stdin, os.Stdout)
		l.Close() // the kernel is gone
	}()
	err = s.Serve(l)
	programs.Cache.Wait()
	if err != nil {
		fmt.Fprintln(os.Stderr, "resident:", err)
		return 1
	}
	return 0
}

// promised opens the plugin and makes sure that it is the one that set-up has
// checked. What is loaded is this open file, whatever takes its name meanwhile.
func promised(plugin, sum string) (*os.File, error) {
	f, err := os.OpenFile(plugin, os.O_RDONLY|syscall.O_NONBLOCK, 0) // nobody writes to a pipe that lies there
	if err != nil {
		return nil, err
	}
	if sum == "" {
		return f, nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != sum {
		return nil, fmt.Errorf("it is not the one that set-up has checked (sha256 %.12s…, and was %.12s…); run: go run ./kernel setup", got, sum)
	}
	return f, nil
}

// obey does what the kernel says until it is gone.
func obey(s *server.Server, in io.Reader, out io.Writer) {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		switch words := strings.Fields(line); {
		case len(words) == 0:
		case words[0] == "retain":
			ids, shared := words[1:], []string(nil)
			if i := slices.Index(ids, "shared"); i >= 0 {
				ids, shared = ids[:i], ids[i+1:]
			}
			s.Retain(ids, shared)
		case words[0] == "list":
			json.NewEncoder(out).Encode(s.Held())
		}
	}
}
