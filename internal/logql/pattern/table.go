package pattern

// table finds a shape by its hash: open addressing, at most half full.
type table struct {
	slots []slot
	used  int
}

type slot struct {
	key   uint64
	shape *shape
}

func (t *table) find(key uint64) *shape {
	if len(t.slots) == 0 {
		return nil
	}
	mask := uint64(len(t.slots) - 1)
	for i := key & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.shape == nil {
			return nil
		}
		if s.key == key {
			return s.shape
		}
	}
}

func (t *table) put(s *shape) {
	if 2*(t.used+1) > len(t.slots) {
		old := t.slots
		t.slots, t.used = make([]slot, max(256, 2*len(old))), 0
		for _, o := range old {
			if o.shape != nil {
				t.place(o)
			}
		}
	}
	t.place(slot{s.key, s})
}

func (t *table) place(s slot) {
	mask := uint64(len(t.slots) - 1)
	i := s.key & mask
	for t.slots[i].shape != nil {
		i = (i + 1) & mask
	}
	t.slots[i] = s
	t.used++
}

// drop takes a shape out and closes the gap, so that what was placed behind it
// is still found.
func (t *table) drop(key uint64) {
	mask := uint64(len(t.slots) - 1)
	i := key & mask
	for t.slots[i].key != key || t.slots[i].shape == nil {
		i = (i + 1) & mask
	}
	for {
		t.slots[i] = slot{}
		t.used--
		for j := i; ; {
			j = (j + 1) & mask
			if t.slots[j].shape == nil {
				return
			}
			home := t.slots[j].key & mask
			if (j-home)&mask >= (j-i)&mask {
				t.slots[i] = t.slots[j]
				t.used++
				i = j
				break
			}
		}
	}
}
