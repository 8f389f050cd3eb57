package logfile

import (
	"hash/maphash"
	"strings"
	"sync"
	"time"
)

// Natures remembers what samples of files were judged to be, for those who ask
// many questions of the same files: judging one takes longer than searching a
// short file. What is remembered is the verdict on the bytes of a sample, so a
// file that changed is judged anew. It may be used by several goroutines.
type Natures struct {
	mu   sync.Mutex
	seed maphash.Seed
	of   map[sampled]nature
}

// sampled is what a verdict depends on: the sample, the names that were looked
// for in it, and the clock that its times were read by.
type sampled struct {
	hash  uint64
	size  int
	names string
	zone  *time.Location
	now   int64
}

// mostNatures bounds what is remembered; where there are more, all is forgotten.
const mostNatures = 5_000

// NewNatures returns an empty memory.
func NewNatures() *Natures {
	return &Natures{seed: maphash.MakeSeed(), of: map[sampled]nature{}}
}

// sniff is clock.sniff. A nil memory remembers nothing.
func (m *Natures) sniff(c clock, sample []byte, names []string) nature {
	if m == nil {
		return c.sniff(sample, names)
	}
	key := sampled{maphash.Bytes(m.seed, sample), len(sample), strings.Join(names, "\x00"), c.zone, c.now.UnixNano()}
	m.mu.Lock()
	n, known := m.of[key]
	m.mu.Unlock()
	if known {
		return n
	}
	n = c.sniff(sample, names)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.of) >= mostNatures {
		clear(m.of)
	}
	m.of[key] = n
	return n
}
