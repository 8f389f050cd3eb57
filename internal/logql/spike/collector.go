package spike

import (
	"github.com/quellhq/quell/internal/logql/pattern"
)

// Config bounds a collector. The zero value is ready to use.
type Config struct {
	Pattern pattern.Config
	Names   int // labels that are looked at; 64
	Values  int // values of one label; one with more is dropped and named; 100
}

func (c Config) filled() Config {
	if c.Names <= 0 {
		c.Names = 64
	}
	if c.Values <= 0 {
		c.Values = 100
	}
	return c
}

// Collector counts messages over time: all, those that failed, each template
// and each label value. It is for one goroutine; several may each feed their own
// and merge them.
type Collector struct {
	config Config
	miner  *pattern.Miner
	all    counts
	labels map[string]*label
	beyond string // the least name that was left out for want of room; "" where none was
}

// counts are messages over time, and those of them that failed.
type counts struct{ lines, errors pattern.Series }

func (c *counts) add(m *pattern.Message) {
	c.lines.Add(m.Time)
	if m.Error {
		c.errors.Add(m.Time)
	}
}

func (c *counts) merge(o *counts) {
	c.lines.Merge(&o.lines)
	c.errors.Merge(&o.errors)
}

// label is one label's values. The values are gone once there were too many.
type label struct {
	values map[string]*counts
	many   bool
}

// NewCollector returns a collector.
func NewCollector(c Config) *Collector {
	c = c.filled()
	return &Collector{config: c, miner: pattern.New(c.Pattern), labels: map[string]*label{}}
}

// Add takes one message. One without a time is mined, and cannot be compared.
func (c *Collector) Add(m pattern.Message) {
	c.miner.Add(m)
	c.all.add(&m)
	for _, l := range m.Labels {
		if v := c.value(l.Name, l.Value); v != nil {
			v.add(&m)
		}
	}
}

// value returns the counts of a label value, or nil where they are not kept.
func (c *Collector) value(name, value []byte) *counts {
	l := c.labels[string(name)]
	if l == nil {
		if l = c.label(string(name)); l == nil {
			return nil
		}
	}
	if l.many {
		return nil
	}
	v := l.values[string(value)]
	if v == nil {
		if len(l.values) >= c.config.Values || len(value) > maxValue {
			l.many, l.values = true, nil
			return nil
		}
		v = &counts{}
		l.values[string(value)] = v
	}
	return v
}

// maxValue is how long a label value may be: a longer one is a text, not a kind.
const maxValue = 200

// label makes room for a label. The least names in order of the alphabet are
// kept, so that the choice does not depend on the order of messages: a name that
// is kept in the end was never thrown out before.
func (c *Collector) label(name string) *label {
	if c.beyond != "" && name >= c.beyond {
		return nil
	}
	l := &label{values: map[string]*counts{}}
	c.labels[name] = l
	for len(c.labels) > c.config.Names {
		last := ""
		for n := range c.labels {
			last = max(last, n)
		}
		delete(c.labels, last)
		c.beyond = last
	}
	return c.labels[name]
}

// Merge adds all that another collector of the same configuration saw; the other
// one must not be used afterwards.
func (c *Collector) Merge(other *Collector) {
	c.miner.Merge(other.miner)
	c.all.merge(&other.all)
	if other.beyond != "" && (c.beyond == "" || other.beyond < c.beyond) {
		c.beyond = other.beyond
		for n := range c.labels {
			if n >= c.beyond {
				delete(c.labels, n)
			}
		}
	}
	for name, o := range other.labels {
		l := c.labels[name]
		if l == nil {
			if l = c.label(name); l == nil {
				continue
			}
		}
		c.mergeLabel(l, o)
	}
}

func (c *Collector) mergeLabel(l, o *label) {
	if o.many {
		l.many, l.values = true, nil
	}
	if l.many {
		return
	}
	for value, counted := range o.values {
		v := l.values[value]
		if v == nil {
			v = &counts{}
			l.values[value] = v
		}
		v.merge(counted)
	}
	if len(l.values) > c.config.Values {
		l.many, l.values = true, nil
	}
}

// Miner is the collector's miner, for its templates and what it could not keep.
func (c *Collector) Miner() *pattern.Miner { return c.miner }
