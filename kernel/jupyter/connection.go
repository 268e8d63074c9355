package jupyter

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"odslab/odslib/atomicfile"
)

// Connection is the content of a connection file: where a kernel listens and
// the key that signs its messages.
type Connection struct {
	Transport       string `json:"transport"` // "tcp" or "ipc"
	IP              string `json:"ip"`        // with "ipc", the path that port numbers are appended to
	ShellPort       int    `json:"shell_port"`
	IOPubPort       int    `json:"iopub_port"`
	StdinPort       int    `json:"stdin_port"`
	ControlPort     int    `json:"control_port"`
	HBPort          int    `json:"hb_port"`
	Key             string `json:"key"`
	SignatureScheme string `json:"signature_scheme"`
	KernelName      string `json:"kernel_name,omitempty"`
}

// LocalConnection listens on Unix sockets in dir, which should be private, so
// that no port can be taken by somebody else in between.
func LocalConnection(dir string) Connection {
	return Connection{
		Transport: "ipc", IP: filepath.Join(dir, "k"),
		ShellPort: 1, IOPubPort: 2, StdinPort: 3, ControlPort: 4, HBPort: 5,
		Key: rand.Text(), SignatureScheme: "hmac-sha256",
	}
}

// ReadConnection reads and checks a connection file.
func ReadConnection(path string) (Connection, error) {
	var c Connection
	data, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("connection file: %w", err)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("connection file %s is not what Jupyter writes: %w", path, err)
	}
	switch {
	case c.Transport != "tcp" && c.Transport != "ipc":
		return c, fmt.Errorf("connection file %s: transport %q is neither tcp nor ipc", path, c.Transport)
	case c.Key != "" && c.SignatureScheme != "hmac-sha256":
		return c, fmt.Errorf("connection file %s: signature scheme %q is not hmac-sha256", path, c.SignatureScheme)
	}
	if err := c.check(); err != nil {
		return c, fmt.Errorf("connection file %s: %w", path, err)
	}
	return c, nil
}

// check refuses what would let anybody who reaches this machine run code.
func (c Connection) check() error {
	if c.Transport != "tcp" || c.Key != "" || c.IP == "localhost" {
		return nil
	}
	if ip := net.ParseIP(c.IP); ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("ip %q without a key would let anybody who reaches this machine run code: give it a key, or ip 127.0.0.1", c.IP)
}

// Write writes the connection file, readable by its owner only.
func (c Connection) Write(path string) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, data, 0o600)
}

// address is where one of the five sockets lives.
func (c Connection) address(port int) (network, addr string) {
	if c.Transport == "ipc" {
		return "unix", c.IP + "-" + strconv.Itoa(port)
	}
	return "tcp", net.JoinHostPort(c.IP, strconv.Itoa(port))
}
