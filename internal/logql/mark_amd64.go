//go:build !purego

package logql

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// canMark says whether this processor has what markAVX2 needs. Elsewhere lines
// are searched one by one, which costs less than marking them in Go.
var canMark = cpu.X86.HasAVX2 && cpu.X86.HasBMI1

//go:noescape
func markAVX2(block *byte, n int, patterns *byte, gaps *int, count, odd int, out *uint32, room int) (written, done int)

// quick writes the offsets of what the marker looks for in the first part of the
// block, and returns how many there are and how far it came. It stops short of
// the end, and where fewer than 32 places are left in out.
func (m *marker) quick(block []byte, out []uint32) (written, done int) {
	n := len(block) - m.reach
	if n < 32 || len(out) < 32 {
		return 0, 0
	}
	odd := 0
	if m.odd {
		odd = 1
	}
	return markAVX2(unsafe.SliceData(block), n, unsafe.SliceData(m.patterns), unsafe.SliceData(m.gaps), len(m.gaps), odd, unsafe.SliceData(out), len(out))
}
