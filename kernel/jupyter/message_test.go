package jupyter

import (
	"bytes"
	"errors"
	"testing"
)

func TestSignAndDecode(t *testing.T) {
	s := signer("a key")
	parent := &Message{Header: Header{ID: "p1", Type: "execute_request"}}
	m, err := newMessage("s", "stream", parent, map[string]string{"name": "stdout", "text": "héllo"}, map[string]int{"n": 1})
	if err != nil {
		t.Fatal(err)
	}
	m.Identities, m.Buffers = [][]byte{[]byte("peer")}, [][]byte{{0, 1, 2}}
	frames, err := s.encode(m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.decode(frames)
	if err != nil {
		t.Fatal(err)
	}
	if got.Header != m.Header || got.ParentID() != "p1" || string(got.Content) != string(m.Content) ||
		string(got.Metadata) != `{"n":1}` || !bytes.Equal(got.Buffers[0], []byte{0, 1, 2}) || string(got.Identities[0]) != "peer" {
		t.Errorf("decoded %+v", got)
	}
	for i := 3; i <= 6; i++ { // any changed part breaks the signature
		bad := append([][]byte{}, frames...)
		bad[i] = append([]byte(" "), bad[i]...)
		if _, err := s.decode(bad); !errors.Is(err, ErrSignature) {
			t.Errorf("frame %d changed: %v", i, err)
		}
	}
	if _, err := signer("another").decode(frames); !errors.Is(err, ErrSignature) {
		t.Errorf("another key: %v", err)
	}
	for n := range frames[:6] {
		if _, err := s.decode(frames[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d frames: %v", n, err)
		}
	}
}

// The signature of a message fixed by hand, as Python's jupyter_client makes it.
func TestSignatureValue(t *testing.T) {
	got := signer("key").sign([][]byte{[]byte(`{"msg_id":"1"}`), []byte("{}"), []byte("{}"), []byte(`{"a":1}`)})
	const want = "b5c3f3f2ae4bdd60a1ea8475a37961c8cc8853392dcee28a7c72f2463bd7f890"
	if string(got) != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func FuzzDecode(f *testing.F) {
	s := signer("k")
	m, _ := newMessage("s", "kernel_info_request", nil, struct{}{}, nil)
	frames, _ := s.encode(m)
	f.Add(bytes.Join(frames, []byte{'|', '|'}), true)
	f.Add([]byte("<IDS|MSG>||sig||{}||{}||{}||[]"), false)
	f.Add([]byte(""), true)
	f.Fuzz(func(t *testing.T, data []byte, sign bool) {
		frames := bytes.Split(data, []byte{'|', '|'})
		if sign { // get past the signature, to the parser
			for i, fr := range frames {
				if bytes.Equal(fr, delimiter) && len(frames) >= i+6 {
					frames[i+1] = s.sign(frames[i+2 : i+6])
					break
				}
			}
		}
		m, err := s.decode(frames)
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrSignature) {
				t.Errorf("unexpected error %v", err)
			}
			return
		}
		m.ParentID()
		back, err := s.encode(m)
		if err != nil {
			t.Fatalf("%v: a decoded message must encode", err)
		}
		if _, err := s.decode(back); err != nil {
			t.Errorf("encoded again: %v", err)
		}
	})
}
