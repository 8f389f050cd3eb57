package pattern

// bucketWidth is the finest stretch of time that is told apart, and maxBuckets
// how many there are at most: 85 minutes of 10 s each; longer spans take wider
// stretches, doubled as often as needed.
const (
	bucketWidth = int64(10_000_000_000)
	maxBuckets  = 512
)

// Series counts events in equal stretches of time whose starts are whole
// multiples of their width. It widens its stretches rather than grow beyond
// maxBuckets, so what it holds does not depend on the order of events.
type Series struct {
	shift  uint8 // width is bucketWidth << shift
	first  int64 // number of the first stretch
	counts []uint32
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
	at := fine >> s.shift
	if i := at - s.first; i >= 0 && i < int64(len(s.counts)) {
		s.counts[i] += n
		return
	}
	s.reach(fine)
	s.counts[fine>>s.shift-s.first] += n
}

// reach makes room for a stretch.
func (s *Series) reach(fine int64) {
	if len(s.counts) == 0 {
		s.first = fine >> s.shift
		s.counts = append(s.counts, 0)
		return
	}
	low, high := min(s.first, fine>>s.shift), max(s.first+int64(len(s.counts))-1, fine>>s.shift)
	for high-low >= maxBuckets {
		s.Widen()
		low, high = low>>1, high>>1
	}
	if low < s.first {
		grown := make([]uint32, high-low+1, min(2*(high-low+1), maxBuckets))
		copy(grown[s.first-low:], s.counts)
		s.first, s.counts = low, grown
		return
	}
	for int64(len(s.counts)) < high-low+1 {
		s.counts = append(s.counts, 0)
	}
}

// Widen doubles the width.
func (s *Series) Widen() {
	if len(s.counts) > 0 {
		first := s.first >> 1
		for i, c := range s.counts {
			to := (s.first+int64(i))>>1 - first
			if int64(i) != to {
				s.counts[i] = 0
				s.counts[to] += c
			}
		}
		s.counts = s.counts[:(s.first+int64(len(s.counts))-1)>>1-first+1]
		s.first = first
	}
	s.shift++
}

// Merge adds the events of another series.
func (s *Series) Merge(other *Series) {
	for s.shift < other.shift {
		s.Widen()
	}
	for i, c := range other.counts {
		if c > 0 {
			s.add((other.first+int64(i))<<other.shift, c)
		}
	}
}

// Clone copies a series.
func (s *Series) Clone() Series {
	c := *s
	c.counts = append([]uint32(nil), s.counts...)
	return c
}

// Width is the width of a stretch in nanoseconds.
func (s *Series) Width() int64 { return bucketWidth << s.shift }

// Start is when the first stretch begins, in nanoseconds since 1970.
func (s *Series) Start() int64 { return s.first * s.Width() }

// Counts are the events of each stretch; they belong to the series.
func (s *Series) Counts() []uint32 { return s.counts }

// Total is the number of events.
func (s *Series) Total() int {
	n := 0
	for _, c := range s.counts {
		n += int(c)
	}
	return n
}
