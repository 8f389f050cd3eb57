package gateway

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/logql/request"
)

// Bounds of one tally.
const (
	mostTroubles  = 200
	mostClientsOf = 1000
	mostText      = 300
)

// Tally counts complaints by kind and server, before a split and after it. It is
// used by one goroutine; Merge puts several together.
type Tally struct {
	split time.Time
	found map[string]*trouble
}

// trouble is what is counted of one kind and server.
type trouble struct {
	kind, upstream, level, example, request string
	recent, before                          int64
	first, last                             time.Time
	clients                                 map[string]bool
}

// NewTally begins to count.
func NewTally(split time.Time) *Tally { return &Tally{split: split, found: map[string]*trouble{}} }

// Add counts one complaint.
func (t *Tally) Add(c Complaint, at time.Time) {
	kind := c.Kind()
	if kind == "" {
		return
	}
	one := t.of(kind, c.Upstream, at)
	if one == nil {
		return
	}
	if !at.Before(one.last) {
		one.last, one.level, one.example, one.request = at, c.Level, clipped(c.Text), clipped(asked(c.Request))
	}
	if !at.After(t.split) {
		one.before++
		return
	}
	one.recent++
	if len(one.clients) < mostClientsOf && c.Client != "" {
		one.clients[c.Client] = true
	}
}

func (t *Tally) of(kind, upstream string, at time.Time) *trouble {
	key := kind + " " + upstream
	one := t.found[key]
	if one == nil {
		if len(t.found) >= mostTroubles {
			return nil
		}
		one = &trouble{kind: kind, upstream: upstream, first: at, clients: map[string]bool{}}
		t.found[key] = one
	}
	if at.Before(one.first) {
		one.first = at
	}
	return one
}

// Merge takes what another tally has counted.
func (t *Tally) Merge(o *Tally) {
	for _, theirs := range o.found {
		one := t.of(theirs.kind, theirs.upstream, theirs.first)
		if one == nil {
			continue
		}
		if !theirs.last.Before(one.last) {
			one.last, one.level, one.example, one.request = theirs.last, theirs.level, theirs.example, theirs.request
		}
		one.recent, one.before = one.recent+theirs.recent, one.before+theirs.before
		for client := range theirs.clients {
			if len(one.clients) < mostClientsOf {
				one.clients[client] = true
			}
		}
	}
}

// asked is method and path of a request line, without its query.
func asked(line string) string {
	words := strings.Fields(line)
	if len(words) < 2 {
		return ""
	}
	return words[0] + " " + request.Route([]byte(words[1]))
}

func clipped(s string) string {
	if len(s) > mostText {
		return strings.ToValidUTF8(s[:mostText], "") + "…"
	}
	return s
}

// Rows are the complaints, most recent lines first, seen at the moment end: kind,
// means, upstream, level, recent, before, per_s, clients, first_ago_s, last_ago_s,
// example, request.
func (t *Tally) Rows(end time.Time) []any {
	list := make([]*trouble, 0, len(t.found))
	for _, one := range t.found {
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b *trouble) int {
		switch {
		case a.recent != b.recent:
			return int(b.recent - a.recent)
		case a.before != b.before:
			return int(b.before - a.before)
		}
		return strings.Compare(a.kind+" "+a.upstream, b.kind+" "+b.upstream)
	})
	rows := []any{}
	for _, one := range list {
		rows = append(rows, map[string]any{
			"kind": one.kind, "means": Meaning(one.kind), "upstream": one.upstream, "level": one.level,
			"recent": one.recent, "before": one.before, "per_s": round(float64(one.recent) / max(end.Sub(t.split).Seconds(), 1)),
			"clients": int64(len(one.clients)), "first_ago_s": round(end.Sub(one.first).Seconds()), "last_ago_s": round(end.Sub(one.last).Seconds()),
			"example": one.example, "request": one.request,
		})
	}
	return rows
}

func round(x float64) float64 { return math.Round(x*1000) / 1000 }
