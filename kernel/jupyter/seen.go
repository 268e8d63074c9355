package jupyter

import "sync"

// seen remembers signatures, the last maxSeen of them. Sixteen hexadecimal
// digits are enough: nobody makes two of a kind without the key.
type seen struct {
	mu   sync.Mutex
	have map[[16]byte]bool
	ring [][16]byte // in the order they came, from next on
	next int
}

const maxSeen = 1 << 18

func newSeen() *seen { return &seen{have: map[[16]byte]bool{}} }

// first reports whether the signature has not been seen.
func (s *seen) first(signature []byte) bool {
	var key [16]byte
	copy(key[:], signature)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.have[key] {
		return false
	}
	s.have[key] = true
	if len(s.ring) < maxSeen {
		s.ring = append(s.ring, key)
		return true
	}
	delete(s.have, s.ring[s.next])
	s.ring[s.next] = key
	s.next = (s.next + 1) % maxSeen
	return true
}
