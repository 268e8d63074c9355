package jupyter

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"odslab/kernel/jupyter/internal/zmtp"
)

// ProtocolVersion is the version that our messages declare.
const ProtocolVersion = "5.4"

// Header names a message. Its JSON field names are the protocol's.
type Header struct {
	ID       string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"`
	Type     string `json:"msg_type"`
	Version  string `json:"version"`
}

// Message is one message of the protocol. Content stays raw until somebody who
// knows its type decodes it.
type Message struct {
	Identities [][]byte // routing prefix of ROUTER sockets, topic on iopub
	Header     Header
	Parent     json.RawMessage // header of the message this one answers, or {}
	Metadata   json.RawMessage
	Content    json.RawMessage
	Buffers    [][]byte

	from      *zmtp.Conn // the peer that sent it to a server
	signature []byte
}

// ParentID is the id of the request that this message belongs to, or "".
func (m *Message) ParentID() string {
	var p struct {
		ID string `json:"msg_id"`
	}
	json.Unmarshal(m.Parent, &p) // checked to be an object when it was read
	return p.ID
}

// Decode reads the content into v.
func (m *Message) Decode(v any) error {
	if err := json.Unmarshal(m.Content, v); err != nil {
		return fmt.Errorf("%s: %w", m.Header.Type, err)
	}
	return nil
}

// newMessage makes a message that answers parent, which may be nil.
func newMessage(session, msgType string, parent *Message, content, metadata any) (*Message, error) {
	m := &Message{
		Header: Header{
			ID: newID(), Session: session, Username: "kernel", Type: msgType, Version: ProtocolVersion,
			Date: time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"),
		},
		Parent: json.RawMessage("{}"), Metadata: json.RawMessage("{}"),
	}
	var err error
	if parent != nil {
		if m.Parent, err = json.Marshal(parent.Header); err != nil {
			return nil, err
		}
	}
	if m.Content, err = json.Marshal(content); err != nil {
		return nil, fmt.Errorf("%s: %w", msgType, err)
	}
	if metadata != nil {
		if m.Metadata, err = json.Marshal(metadata); err != nil {
			return nil, fmt.Errorf("%s: %w", msgType, err)
		}
	}
	return m, nil
}

// NewID is an identifier of its own, for comms.
func NewID() string { return newID() }

// newID is a random UUID, version 4.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

var delimiter = []byte("<IDS|MSG>")

// Reasons why a message is dropped.
var (
	ErrMalformed = errors.New("malformed message")
	ErrSignature = errors.New("wrong signature")
)

// signer signs and checks messages with HMAC-SHA256; an empty key does neither.
type signer []byte

func (s signer) sign(parts [][]byte) []byte {
	if len(s) == 0 {
		return []byte{}
	}
	mac := hmac.New(sha256.New, s)
	for _, p := range parts {
		mac.Write(p)
	}
	return hex.AppendEncode(nil, mac.Sum(nil))
}

// encode lays a message out in frames.
func (s signer) encode(m *Message) ([][]byte, error) {
	header, err := json.Marshal(m.Header)
	if err != nil {
		return nil, err
	}
	parts := [][]byte{header, m.Parent, m.Metadata, m.Content}
	frames := append([][]byte{}, m.Identities...)
	frames = append(frames, delimiter, s.sign(parts))
	frames = append(frames, parts...)
	return append(frames, m.Buffers...), nil
}

// decode reads a message and checks its signature before anything is parsed.
func (s signer) decode(frames [][]byte) (*Message, error) {
	at := -1
	for i, f := range frames {
		if bytes.Equal(f, delimiter) {
			at = i
			break
		}
	}
	if at < 0 {
		return nil, fmt.Errorf("%w: no delimiter", ErrMalformed)
	}
	rest := frames[at+1:]
	if len(rest) < 5 {
		return nil, fmt.Errorf("%w: %d frames behind the delimiter, 5 are needed", ErrMalformed, len(rest))
	}
	if !hmac.Equal(rest[0], s.sign(rest[1:5])) {
		return nil, ErrSignature
	}
	m := &Message{
		Identities: frames[:at], signature: rest[0],
		Parent: rest[2], Metadata: rest[3], Content: rest[4], Buffers: rest[5:],
	}
	if err := json.Unmarshal(rest[1], &m.Header); err != nil {
		return nil, fmt.Errorf("%w: header: %v", ErrMalformed, err)
	}
	if m.Header.ID == "" || m.Header.Type == "" {
		return nil, fmt.Errorf("%w: header without msg_id or msg_type", ErrMalformed)
	}
	for i, name := range []string{"parent header", "metadata", "content"} {
		if b := bytes.TrimSpace(rest[2+i]); len(b) == 0 || b[0] != '{' || !json.Valid(b) {
			return nil, fmt.Errorf("%w: %s is not a JSON object", ErrMalformed, name)
		}
	}
	return m, nil
}
