package logfile

import (
	"sync"

	"github.com/quellhq/quell/internal/logql"
)

// scratch is the memory that one goroutine reads chunks with. It is used again:
// a diagnosis reads the same files for a hundred questions.
type scratch struct {
	data  []byte         // of the chunk
	arena []byte         // texts of records that are no single line of it
	batch []logql.Record // records that were not handed on yet
}

// mostScratch bounds the arena that is kept for others, in bytes: one record can
// be long.
const mostScratch = 2 * batchBytes

var scratches = sync.Pool{New: func() any { return &scratch{} }}

// release gives the memory to whoever reads next.
func (s *scratch) release() {
	clear(s.batch[:cap(s.batch)])
	if cap(s.arena) > mostScratch {
		s.arena = nil
	}
	scratches.Put(s)
}

// samples are the beginnings of files that formats are judged by.
var samples = sync.Pool{New: func() any { return new([sampleSize]byte) }}
