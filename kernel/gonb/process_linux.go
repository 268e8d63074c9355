package gonb

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// marked lists the processes that carry a kernel's mark in their environment.
// A child that calls setsid or whose parent has died is found all the same.
func marked(mark string) (pids []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	want := []byte(MarkEnv + "=" + mark)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err != nil || !bytes.Contains(env, want) || isZombie(pid) {
			continue
		}
		pids = append(pids, pid)
	}
	return pids
}

func isZombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	i := bytes.LastIndexByte(stat, ')')
	return err != nil || i < 0 || i+2 >= len(stat) || stat[i+2] == 'Z'
}

// DeathSignal makes a child end when this process does.
func DeathSignal(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}

// peerPID is the process at the other end of a Unix socket.
func peerPID(c *net.UnixConn) int {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	pid := 0
	raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid
}

// readsStdin reports whether a thread of the process is blocked in read(0) and
// nothing that was sent to it is left unread. ok is false where the system does
// not tell.
func readsStdin(c *net.UnixConn, pid int) (waiting, ok bool) {
	threads, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		return false, true // it has ended
	}
	call := strconv.Itoa(unix.SYS_READ) + " 0x0 "
	for _, t := range threads {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + t.Name() + "/syscall")
		if os.IsPermission(err) {
			return false, false
		}
		if err == nil {
			ok = true
		}
		if strings.HasPrefix(string(b), call) && unread(c) == 0 {
			return true, true
		}
	}
	return false, ok
}

// unread is how much the peer has not yet read of what was written.
func unread(c *net.UnixConn) int {
	n := 0
	if raw, err := c.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	}
	return n
}

// drained reports whether all that the process has printed has been read.
func drained(pid int) bool {
	for _, name := range []string{"1", "2"} {
		fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/fd/"+name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		n := 0
		if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO {
			n, _ = unix.IoctlGetInt(fd, unix.TIOCINQ)
		}
		unix.Close(fd)
		if n > 0 {
			return false
		}
	}
	return true
}
