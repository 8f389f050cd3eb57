package demo

import (
	"context"
	"sync"
	"time"
)

// cache keeps answers for a while, in the process. A missing entry is filled
// by one caller while the others wait for it, unless herd says otherwise.
type cache struct {
	meter *meter

	mu      sync.Mutex
	entries map[string]entry   // guarded by mu
	filling map[string]*flight // guarded by mu
	count   map[string]int     // entries by cache name; guarded by mu
}

type entry struct {
	value   any
	expires time.Time
}

// flight is one filling of an entry that others wait for.
type flight struct {
	done  chan struct{}
	value any
	err   error
}

// keep says how one kind of entries is kept.
type keep struct {
	cache string        // name, for the metrics
	ttl   time.Duration // how long an entry is good
	herd  bool          // every caller fills a missing entry: no one waits for another
}

func newCache(m *meter) *cache {
	return &cache{meter: m, entries: map[string]entry{}, filling: map[string]*flight{}, count: map[string]int{}}
}

// get returns the entry for key, filled by fill where it is missing or expired.
func (c *cache) get(ctx context.Context, key string, k keep, fill func(context.Context) (any, error)) (any, error) {
	c.mu.Lock()
	if e, ok := c.entries[k.cache+key]; ok && time.Now().Before(e.expires) {
		c.mu.Unlock()
		c.meter.lookups.add(1, k.cache, "hit")
		return e.value, nil
	}
	c.meter.lookups.add(1, k.cache, "miss")
	if k.herd {
		c.mu.Unlock()
		value, err := fill(ctx)
		if err == nil {
			c.put(key, k, value)
		}
		return value, err
	}
	if f := c.filling[k.cache+key]; f != nil {
		c.mu.Unlock()
		return f.wait(ctx)
	}
	f := &flight{done: make(chan struct{})}
	c.filling[k.cache+key] = f
	c.mu.Unlock()

	f.value, f.err = fill(ctx)
	if f.err == nil {
		c.put(key, k, f.value)
	}
	c.mu.Lock()
	delete(c.filling, k.cache+key)
	c.mu.Unlock()
	close(f.done)
	return f.value, f.err
}

func (f *flight) wait(ctx context.Context) (any, error) {
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *cache) put(key string, k keep, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[k.cache+key]; !ok {
		c.count[k.cache]++
	}
	c.entries[k.cache+key] = entry{value: value, expires: time.Now().Add(k.ttl)}
}

// drop empties one cache.
func (c *cache) drop(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.entries {
		if len(key) >= len(name) && key[:len(name)] == name {
			delete(c.entries, key)
		}
	}
	c.count[name] = 0
}

// sizes counts entries by cache.
func (c *cache) sizes() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]int, len(c.count))
	for name, n := range c.count {
		out[name] = n
	}
	return out
}
