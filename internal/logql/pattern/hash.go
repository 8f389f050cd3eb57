package pattern

import (
	"encoding/binary"
	"math/bits"
)

const (
	seed  = 0x9e3779b97f4a7c15
	prime = 0xff51afd7ed558ccd
)

func mix(h, v uint64) uint64 {
	high, low := bits.Mul64(h^v, prime)
	return high ^ low ^ v
}

// hash is a hash of short texts that is the same in every process, for samples
// and sketches must not depend on it.
func hash(b []byte) uint64 { return hashPart(b, 0, len(b)) }

// hashPart is the hash of b[at:end]. It reads whole words of eight bytes where b
// goes on, and takes off what is too much.
func hashPart(b []byte, at, end int) uint64 {
	h := uint64(end-at) * seed
	for ; end-at >= 8; at += 8 {
		h = mix(h, binary.LittleEndian.Uint64(b[at:]))
	}
	var rest uint64
	switch n := end - at; {
	case n == 0:
	case at+8 <= len(b):
		rest = binary.LittleEndian.Uint64(b[at:]) & (1<<(8*uint(n)) - 1)
	default:
		for i, c := range b[at:end] {
			rest |= uint64(c) << (8 * i)
		}
	}
	return mix(h, rest^prime)
}
