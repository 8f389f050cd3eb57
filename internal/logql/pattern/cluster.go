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
	clusters := make([]cluster, len(sets))
	for i, set := range sets {
		clusters[i] = cluster{outlines: set, row: rowOf(set)}
	}
	clusters = joinPhrases(joinOptional(clusters))
	out := make([][]*shape, len(clusters))
	for i, c := range clusters {
		for _, o := range c.outlines {
			out[i] = append(out[i], o.shape)
		}
		sort.Slice(out[i], func(x, y int) bool {
			a, b := out[i][x], out[i][y]
			if a.total() != b.total() {
				return a.total() > b.total()
			}
			return a.key < b.key
		})
	}
	return out
}

// cluster is a set of outlines that became a template, and that template as a
// row of texts.
type cluster struct {
	outlines []*outline
	row      []string
}

func (c *cluster) total() int {
	n := 0
	for _, o := range c.outlines {
		n += o.shape.total()
	}
	return n
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
	free := independent(set, columns)
	markMoves(columns)
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
		if !c.looksLikeValues() && !free[i] && (choice < 0 || c.kinds() < columns[choice].kinds()) {
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

// markMoves finds columns of states that are not alone.
func markMoves(columns []column) {
	var of []int
	for i := range columns {
		if c := &columns[i]; !c.fixed && !c.holes && len(c.values) > 1 && c.states() {
			of = append(of, i)
		}
	}
	for _, i := range of {
		columns[i].moves = len(of) > 1
	}
}

// independent finds columns that vary without regard to one another: nearly
// every word of one occurs with every word of the other. Who writes messages does
// not write such tables out, so both are values. Verbs are left out.
func independent(set []*outline, columns []column) map[int]bool {
	free := map[int]bool{}
	var varied []int
	for i := range columns {
		if c := &columns[i]; !c.fixed && !c.holes && len(c.values) > 1 && len(c.values) <= 12 && !c.verbs() {
			varied = append(varied, i)
		}
	}
	for x, i := range varied {
		for _, j := range varied[x+1:] {
			all := len(columns[i].values) * len(columns[j].values)
			if all < 6 || len(set) < all*2/3 {
				continue
			}
			pairs := map[[2]string]bool{}
			for _, o := range set {
				pairs[[2]string{o.items[i].text, o.items[j].text}] = true
			}
			if 3*len(pairs) >= 2*all {
				free[i], free[j] = true, true
			}
		}
	}
	return free
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
	moves  bool // it holds states, and another column does too
	fixed  bool // a mark: the same in all
	holes  bool // some have a hole there
	values map[string]int
	before string // the word before it, where it is the same in all
	trace  bool   // it stands in a line after the first
	key    bool   // a colon or "=" follows
}

func (c *column) kinds() int {
	if c.holes {
		return len(c.values) + 1
	}
	return len(c.values)
}

func columnsOf(set []*outline) []column {
	columns := make([]column, len(set[0].items))
	trace := false
	for i := range columns {
		c := &columns[i]
		first := &set[0].items[i]
		c.trace = trace
		if first.kind == mark || first.kind == turn {
			c.fixed = true
			trace = trace || first.kind == turn
			continue
		}
		c.values = map[string]int{}
		if i+1 < len(columns) {
			next := &set[0].items[i+1]
			c.key = !first.group && next.kind == mark && (next.text == ":" || next.text == "=") && (i == 0 || set[0].items[i-1].kind == mark)
		}
		if i > 0 && set[0].items[i-1].kind == word && !first.group {
			c.before = set[0].items[i-1].text
		}
		for _, o := range set {
			item := &o.items[i]
			if item.kind == hole {
				c.holes = true
			} else {
				c.values[item.text] += o.shape.total()
			}
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

// rowOf writes a set as a row of texts: what varies is "\x00", once where it
// repeats, also with commas or glued colons between, and optional groups are left
// out.
func rowOf(set []*outline) []string {
	var row []string
	columns := columnsOf(set)
	for i := range columns {
		item := &set[0].items[i]
		if item.group && optional(set, i) {
			continue
		}
		if n := len(row); n > 1 && item.glued && row[n-1] == ":" && row[n-2] == varies && set[0].items[i-1].glued {
			row = row[:n-1] // name:suffix is one value, as is the name alone
			continue
		}
		if columns[i].fixed || !columns[i].holes && len(columns[i].values) == 1 {
			row = append(row, item.text)
			continue
		}
		n := len(row)
		switch {
		case n > 0 && row[n-1] == varies:
		case n > 1 && row[n-1] == "," && row[n-2] == varies:
			row = row[:n-1]
		default:
			row = append(row, varies)
		}
	}
	return row
}

const varies = "\x00"

// joinOptional merges clusters whose templates are the same but for bracketed
// groups that hold a value, or nothing, and for the number of values in a list:
// "sent 5 bytes" and "sent 5120 bytes (5 KB)".
func joinOptional(clusters []cluster) []cluster {
	into := make([]int, len(clusters))
	first := map[string]int{}
	for i := range clusters {
		key := strings.Join(clusters[i].row, " ")
		n, ok := first[key]
		if !ok {
			n, first[key] = i, i
		}
		into[i] = n
	}
	return gathered(clusters, into)
}

// gathered puts the outlines of each cluster into the one that into names.
func gathered(clusters []cluster, into []int) []cluster {
	at := map[int]int{}
	var out []cluster
	for n, c := range clusters {
		i, ok := at[into[n]]
		if !ok {
			at[into[n]] = len(out)
			out = append(out, c)
			continue
		}
		out[i].outlines = append(out[i].outlines, c.outlines...)
	}
	return out
}

func optional(set []*outline, column int) bool {
	for _, o := range set {
		if !o.items[column].optional {
			return false
		}
	}
	return true
}
