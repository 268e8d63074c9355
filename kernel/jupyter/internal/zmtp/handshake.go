package zmtp

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// Socket types of the Jupyter protocol, by their names on the wire.
const (
	Router = "ROUTER"
	Dealer = "DEALER"
	Pub    = "PUB"
	Sub    = "SUB"
	Rep    = "REP"
	Req    = "REQ"
)

var compatible = map[string][]string{
	Router: {Dealer, Req, Router},
	Dealer: {Router, Dealer, Rep},
	Pub:    {Sub, "XSUB"},
	Sub:    {Pub, "XPUB"},
	Rep:    {Req, Dealer},
	Req:    {Rep, Router},
}

const greetingLen = 64

// greeting announces ZMTP 3.0, so that peers send subscriptions as messages.
func greeting() []byte {
	g := make([]byte, greetingLen)
	g[0], g[9], g[10] = 0xff, 0x7f, 3
	copy(g[12:32], "NULL")
	return g
}

func checkGreeting(g []byte) error {
	switch {
	case g[0] != 0xff || g[9]&1 != 1:
		return fmt.Errorf("%w: not a ZMTP peer", ErrProtocol)
	case g[10] < 3:
		return fmt.Errorf("%w: peer speaks ZMTP %d, 3 is needed", ErrProtocol, g[10])
	case strings.TrimRight(string(g[12:32]), "\x00") != "NULL":
		return fmt.Errorf("%w: peer wants security mechanism %q", ErrProtocol, strings.TrimRight(string(g[12:32]), "\x00"))
	}
	return nil
}

// ready is the READY command: the metadata that both sides exchange.
func ready(socketType, identity string) []byte {
	var data []byte
	for _, kv := range [][2]string{{"Socket-Type", socketType}, {"Identity", identity}} {
		data = append(data, byte(len(kv[0])))
		data = append(data, kv[0]...)
		data = binary.BigEndian.AppendUint32(data, uint32(len(kv[1])))
		data = append(data, kv[1]...)
	}
	return command{name: "READY", data: data}.encode()
}

// parseMetadata reads the properties of a READY command, names in lower case.
func parseMetadata(data []byte) (map[string]string, error) {
	meta := map[string]string{}
	bad := fmt.Errorf("%w: malformed READY", ErrProtocol)
	for len(data) > 0 {
		n := int(data[0])
		if len(data) < 1+n+4 {
			return nil, bad
		}
		name := strings.ToLower(string(data[1 : 1+n]))
		data = data[1+n:]
		size := uint64(binary.BigEndian.Uint32(data))
		data = data[4:]
		if size > uint64(len(data)) {
			return nil, bad
		}
		meta[name] = string(data[:size])
		data = data[size:]
	}
	return meta, nil
}

// greet exchanges the greetings that open a connection.
func greet(rw io.ReadWriter) error {
	if _, err := rw.Write(greeting()); err != nil {
		return err
	}
	g := make([]byte, greetingLen)
	if _, err := io.ReadFull(rw, g); err != nil {
		return err
	}
	return checkGreeting(g)
}

// readReady reads the peer's READY and returns its identity.
func readReady(r io.Reader, socketType string) (peerIdentity string, err error) {
	flags, body, err := readFrame(r, 4096, func(int) error { return nil })
	if err != nil {
		return "", err
	}
	if flags&flagCommand == 0 {
		return "", fmt.Errorf("%w: a message before READY", ErrProtocol)
	}
	cmd, err := parseCommand(body)
	if err != nil {
		return "", err
	}
	if cmd.name != "READY" {
		return "", fmt.Errorf("%w: %s instead of READY", ErrProtocol, cmd.name)
	}
	meta, err := parseMetadata(cmd.data)
	if err != nil {
		return "", err
	}
	for _, t := range compatible[socketType] {
		if t == meta["socket-type"] {
			return meta["identity"], nil
		}
	}
	return "", fmt.Errorf("%w: a %q socket cannot talk to %s", ErrProtocol, meta["socket-type"], socketType)
}
