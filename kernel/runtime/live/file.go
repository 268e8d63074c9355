package live

import (
	"os"
	"strconv"
	"syscall"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/runtime/snapshot"
)

// mapFrom is from what size on a kept file is mapped instead of read.
const mapFrom = 64 << 10

// readKept returns what is in a kept file, as memory to be changed at will. Of a large one nothing is copied until it is:
// its pages are those of the file until the cell writes to them. The file itself is never written again, only replaced.
func readKept(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if size := info.Size(); size >= mapFrom && size == int64(int(size)) {
		calm()
		widen(int(size))
		data, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE)
		if err == nil {
			return data, nil
		}
	}
	return os.ReadFile(path) // also where the file system maps nothing
}

// writeKept writes a group beside the file that holds it now.
func writeKept(path string, im *snapshot.Image) error {
	f, err := os.OpenFile(path+contract.NewSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = im.WriteTo(f)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// write puts data at path whole or not at all.
func write(path string, data []byte) error {
	tmp := path + contract.TmpSuffix + strconv.Itoa(os.Getpid())
	err := os.WriteFile(tmp, data, 0o600)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
	}
	return err
}
