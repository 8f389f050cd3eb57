package pattern

import (
	"sort"
	"strings"
)

// groups clusters the shapes of the miner: each group is a template.
//
// Shapes of the same structure (number of items, marks in the same places) are
// split from the top: as long as they differ in a column that looks like a choice
// of words, they are parted by it; columns that look like values are let be. A
// set that has too few words in common is parted in any case. Then templates
// are merged that differ only in an optional "(…)" or in how many words stand at
// one place.
func (m *Miner) groups() [][]*shape {
	buckets := map[string][]*outline{}
	for _, f := range m.families {
		for _, s := range f.shapes {
			o := outlined(s)
			buckets[o.structure] = append(buckets[o.structure], o)
		}
	}
	var sets [][]*outline
	for _, key := range sortedNames(buckets) {
		b := buckets[key]
		sort.Slice(b, func(x, y int) bool { return b[x].shape.key < b[y].shape.key })
		sets = split(b, sets)
	}
	sets = joinOptional(sets)
	sets = joinPhrases(sets)
	out := make([][]*shape, len(sets))
	for i, set := range sets {
		for _, o := range set {
			out[i] = append(out[i], o.shape)
		}
		sort.Slice(out[i], func(x, y int) bool {
			a, b := out[i][x], out[i][y]
			if ta, tb := a.counts[0]+a.counts[1], b.counts[0]+b.counts[1]; ta != tb {
				return ta > tb
			}
			return a.key < b.key
		})
	}
	return out
}

// cohesive is the least share of words in common among messages of one template.
// Own value, as all in this file: chosen on the styles of the quality test.
const cohesive = 0.5

// split parts outlines of one structure into templates and appends them.
func split(set []*outline, out [][]*outline) [][]*outline {
	if len(set) == 1 {
		return append(out, set)
	}
	columns := columnsOf(set)
	words, common := 0, 0
	choice, any := -1, -1
	for i := range columns {
		c := &columns[i]
		switch {
		case c.fixed:
			continue
		case len(c.values) == 1 && !c.holes:
			words++
			common++
			continue
		case len(c.values) == 0:
			continue
		}
		words++
		if any < 0 || c.kinds() < columns[any].kinds() {
			any = i
		}
		if !c.looksLikeValues() && (choice < 0 || c.kinds() < columns[choice].kinds()) {
			choice = i
		}
	}
	switch {
	case any < 0:
		return append(out, set)
	case choice >= 0:
		return part(set, choice, out)
	case float64(common) < cohesive*float64(words):
		return part(set, any, out)
	}
	return append(out, set)
}

// part splits by the words of one column.
func part(set []*outline, column int, out [][]*outline) [][]*outline {
	by := map[string][]*outline{}
	for _, o := range set {
		by[o.items[column].text] = append(by[o.items[column].text], o)
	}
	for _, text := range sortedNames(by) {
		out = split(by[text], out)
	}
	return out
}

// column is what stands at one place of a set of outlines.
type column struct {
	fixed  bool // a mark: the same in all
	holes  bool // some have a hole there
	values map[string]int
	before string // the word before it, where it is the same in all
	group  bool
}

func (c *column) kinds() int {
	if c.holes {
		return len(c.values) + 1
	}
	return len(c.values)
}

func columnsOf(set []*outline) []column {
	columns := make([]column, len(set[0].items))
	for i := range columns {
		c := &columns[i]
		first := &set[0].items[i]
		if first.kind == mark {
			c.fixed = true
			continue
		}
		c.values = map[string]int{}
		if i > 0 && set[0].items[i-1].kind == word {
			c.before = set[0].items[i-1].text
		}
		for _, o := range set {
			item := &o.items[i]
			if item.kind == hole {
				c.holes = true
			} else {
				c.values[item.text] += o.shape.counts[0] + o.shape.counts[1]
			}
			c.group = c.group || item.group
			if c.before != "" && o.items[i-1].text != c.before {
				c.before = ""
			}
		}
	}
	return columns
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// joinOptional merges sets whose templates are the same but for bracketed groups
// that hold a value, or nothing: "sent 5 bytes" and "sent 5120 bytes (5 KB)".
func joinOptional(sets [][]*outline) [][]*outline {
	return joinBy(sets, func(set []*outline) string {
		var b strings.Builder
		columns := columnsOf(set)
		hole := false
		for i := range columns {
			item := &set[0].items[i]
			switch {
			case item.group && optional(set, i):
				continue
			case columns[i].fixed:
			case columns[i].holes || len(columns[i].values) > 1:
				if !hole {
					b.WriteString("\x00 ")
				}
				hole = true
				continue
			}
			hole = false
			b.WriteString(item.text)
			b.WriteByte(' ')
		}
		return b.String()
	})
}

func optional(set []*outline, column int) bool {
	for _, o := range set {
		if !o.items[column].optional {
			return false
		}
	}
	return true
}

// joinBy merges sets with the same key, in the order of their first.
func joinBy(sets [][]*outline, key func([]*outline) string) [][]*outline {
	at := map[string]int{}
	var out [][]*outline
	for _, set := range sets {
		k := key(set)
		if i, ok := at[k]; ok {
			out[i] = append(out[i], set...)
			continue
		}
		at[k] = len(out)
		out = append(out, set)
	}
	return out
}
