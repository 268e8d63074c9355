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
	if pid == 0 {
		return 0
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
	total, todo := 0, []int{pid}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], children[p]...)
		total += pages[p]
	}
	return float64(total) * float64(os.Getpagesize()) / (1 << 20)
}
