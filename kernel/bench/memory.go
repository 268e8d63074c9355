package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// treeMB is the resident memory of a process and all below it, in MB. It reads
// /proc; where there is none it is 0.
func treeMB(pid int) float64 {
	total := 0
	for _, pages := range tree(pid) {
		total += pages
	}
	return float64(total) * float64(os.Getpagesize()) / (1 << 20)
}

// privateMB lists what the processes have for themselves alone, by their names: what is shared, libraries and files, is
// there once for all kernels.
func privateMB(pid int) map[string]float64 {
	out := map[string]float64{}
	for id := range tree(pid) {
		data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(id), "smaps_rollup"))
		command, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(id), "cmdline"))
		if err != nil {
			continue
		}
		words := bytes.Split(bytes.TrimRight(command, "\x00"), []byte{0})
		name := filepath.Base(string(words[0]))
		if len(words) > 1 && name == "odslab" {
			name += " " + string(words[1])
		}
		for line := range strings.Lines(string(data)) {
			if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[0], "Private_") {
				kB, _ := strconv.ParseFloat(f[1], 64)
				out[name] += kB / 1024
			}
		}
	}
	return out
}

// tree finds a process and all below it, with their resident pages.
func tree(pid int) map[int]int {
	found := map[int]int{}
	if pid == 0 {
		return found
	}
	children := map[int][]int{}
	pages := map[int]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // fails on a bad pattern only
	for _, file := range stats {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		id, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		end := bytes.LastIndexByte(data, ')') // of the name, which may hold anything
		if err != nil || end < 0 {
			continue
		}
		fields := strings.Fields(string(data[end+1:])) // from the third on: state, ppid, …
		if len(fields) < 22 {
			continue
		}
		parent, err1 := strconv.Atoi(fields[1])
		rss, err2 := strconv.Atoi(fields[21])
		if err1 != nil || err2 != nil {
			continue
		}
		children[parent] = append(children[parent], id)
		pages[id] = rss
	}
	for todo := []int{pid}; len(todo) > 0; {
		p := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], children[p]...)
		if n, ok := pages[p]; ok {
			found[p] = n
		}
	}
	return found
}
