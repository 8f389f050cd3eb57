package demo

import (
	"runtime/debug"
	"sync/atomic"
)

// attic bounds what the memory faults may take: they are real, and this is
// somebody's machine.
type attic struct {
	taken atomic.Int64
	kept  atomic.Pointer[node]
}

// node is a link of the list that the leak forgets.
type node struct {
	page []byte
	next *node
}

const (
	pageSize  = 128 << 10
	atticSize = 200 << 20 // most that a memory fault takes, in bytes
)

func (a *attic) room() bool { return a.taken.Load()+pageSize <= atticSize }

// page makes a page and touches all of it, so that it is really there.
func (a *attic) page() []byte {
	a.taken.Add(pageSize)
	page := make([]byte, pageSize)
	for i := 0; i < len(page); i += 512 {
		page[i] = byte(i)
	}
	return page
}

// keep adds a page to the list, while there is room.
func (a *attic) keep() {
	if !a.room() {
		return
	}
	n := &node{page: a.page()}
	for {
		n.next = a.kept.Load()
		if a.kept.CompareAndSwap(n.next, n) {
			return
		}
	}
}

// clear gives the memory back, to the system too: the next shop in this
// process must not start with a heap that has room for everything.
func (a *attic) clear() {
	a.kept.Store(nil)
	a.taken.Store(0)
	debug.FreeOSMemory()
}
