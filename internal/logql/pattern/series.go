package pattern

import "sort"

// bucketWidth is the finest stretch of time that is told apart, and maxBuckets
// how many with any event in them are kept: 85 minutes of 10 s each at the least.
const (
	bucketWidth = int64(10_000_000_000)
	maxBuckets  = 512
)

// Series counts events in equal stretches of time whose starts are whole
// multiples of their width. Stretches without events take no room, so a time far
// off costs nothing. With too many stretches the width is doubled; what a series
// holds does not depend on the order of events.
type Series struct {
	shift   uint8    // width is bucketWidth << shift
	last    int      // the stretch of the last event, where the next one mostly is
	buckets []bucket // by time
}

type bucket struct {
	number int64 // of the stretch, counted from 1970
	count  uint32
}

// Add counts one event at a time in nanoseconds since 1970. Times of 0 and
// before are left out.
func (s *Series) Add(time int64) {
	if time > 0 {
		s.add(time/bucketWidth, 1)
	}
}

// add counts n events in the stretch of bucketWidth with this number.
func (s *Series) add(fine int64, n uint32) {
	number := fine >> s.shift
	if s.last < len(s.buckets) && s.buckets[s.last].number == number {
		s.buckets[s.last].count += n
		return
	}
	at := sort.Search(len(s.buckets), func(i int) bool { return s.buckets[i].number >= number })
	if at == len(s.buckets) || s.buckets[at].number != number {
		s.buckets = append(s.buckets, bucket{})
		copy(s.buckets[at+1:], s.buckets[at:])
		s.buckets[at] = bucket{number: number}
	}
	s.buckets[at].count += n
	s.last = at
	for len(s.buckets) > maxBuckets {
		s.widen()
	}
}

// widen doubles the width.
func (s *Series) widen() {
	s.shift++
	kept := s.buckets[:0]
	for _, b := range s.buckets {
		b.number >>= 1
		if n := len(kept); n > 0 && kept[n-1].number == b.number {
			kept[n-1].count += b.count
			continue
		}
		kept = append(kept, b)
	}
	s.buckets, s.last = kept, 0
}

// Merge adds the events of another series.
func (s *Series) Merge(other *Series) {
	for s.shift < other.shift {
		s.widen()
	}
	for _, b := range other.buckets {
		s.add(b.number<<other.shift, b.count)
	}
}

// Clone copies a series.
func (s *Series) Clone() Series {
	return Series{shift: s.shift, buckets: append([]bucket(nil), s.buckets...)}
}

// Width is the width of a stretch in nanoseconds.
func (s *Series) Width() int64 { return bucketWidth << s.shift }

// Len is the number of stretches with events.
func (s *Series) Len() int { return len(s.buckets) }

// At gives one of them, in order of time: when it starts, in nanoseconds since
// 1970, and its events.
func (s *Series) At(i int) (start int64, count int) {
	b := s.buckets[i]
	return b.number * s.Width(), int(b.count)
}

// Total is the number of events.
func (s *Series) Total() int {
	n := 0
	for _, b := range s.buckets {
		n += int(b.count)
	}
	return n
}
