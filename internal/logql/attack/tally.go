package attack

import (
	"bytes"
	"regexp"
	"sort"
	"strconv"

	"github.com/quellhq/quell/internal/logql/request"
)

// Bounds of one tally.
const (
	maxHits  = 20_000
	maxPaths = 2_000
	maxSizes = 64 // of one path
)

// Hit is one request that tries something.
type Hit struct {
	At      int64
	Class   Class
	IP      string
	Method  string
	Target  string
	path    string
	Status  int
	Bytes   int64
	Usual   int64 // what the same page usually gives, in bytes; -1 where it is not known
	Seconds float64
	Why     string // why it is taken to have worked; empty where it is not
}

// Tally counts requests and keeps those that try something.
type Tally struct {
	Split    int64
	Requests int
	lost     int
	hits     []Hit
	sizes    map[string][]int64
}

// NewTally begins to count.
func NewTally(split int64) *Tally { return &Tally{Split: split, sizes: map[string][]int64{}} }

// Add reads one line.
func (t *Tally) Add(l request.Line) {
	if l.At == 0 {
		return
	}
	r, ok := request.Read(l)
	if !ok {
		return
	}
	t.Requests++
	class := ClassOf(r.Target)
	if class == "" && bytes.Contains(bytes.ToLower(r.Agent), []byte("${jndi")) {
		class = Command
	}
	path := pathOf(r.Target)
	if class == "" {
		t.size(path, r)
		return
	}
	if len(t.hits) >= maxHits {
		t.lost++
		return
	}
	t.hits = append(t.hits, Hit{At: l.At, Class: class, IP: string(r.IP), Method: string(r.Method), Target: string(r.Target[:min(len(r.Target), 300)]),
		path: path, Status: r.Status, Bytes: r.Bytes, Usual: -1, Seconds: r.Took.Seconds()})
}

var number = regexp.MustCompile(`[0-9]+`)

// pathOf is the page of a request, without its query and ids.
func pathOf(target []byte) string {
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		target = target[:i]
	}
	return string(number.ReplaceAll(target[:min(len(target), 200)], []byte("*")))
}

func (t *Tally) size(path string, r request.Request) {
	if r.Status < 200 || r.Status > 299 || r.Bytes < 0 {
		return
	}
	list, ok := t.sizes[path]
	if !ok && len(t.sizes) >= maxPaths || len(list) >= maxSizes {
		return
	}
	t.sizes[path] = append(list, r.Bytes)
}

// Merge takes what another tally has counted.
func (t *Tally) Merge(o *Tally) {
	t.Requests += o.Requests
	room := maxHits - len(t.hits)
	t.lost += o.lost + max(0, len(o.hits)-room)
	t.hits = append(t.hits, o.hits[:min(room, len(o.hits))]...)
	for path, list := range o.sizes {
		if _, ok := t.sizes[path]; ok || len(t.sizes) < maxPaths {
			t.sizes[path] = append(t.sizes[path], list...)
		}
	}
}

// Report is what a tally comes to.
type Report struct {
	Requests, Hits, Before      int // hits in the recent time and before
	Answered, Refused, Failed   int // hits of the recent time by their status: 2xx, 3xx and 4xx, 5xx
	CatchAll                    bool
	By                          map[Class][3]int // count, answered, failed
	Sources                     []Source
	Worked                      []Hit
	Lost, WorkedCount, IPsCount int
}

// Source is one address that tries.
type Source struct {
	IP                     string
	Hits, Answered, Failed int
	Paths, Classes         int
	First, Last            int64
	worked                 int
	paths                  map[string]bool
	classes                map[Class]bool
}

// Report judges the hits of the recent time.
func (t *Tally) Report() Report {
	r := Report{Requests: t.Requests, By: map[Class][3]int{}, Lost: t.lost}
	sort.SliceStable(t.hits, func(i, j int) bool { return t.hits[i].At < t.hits[j].At })
	usual := map[string]int64{}
	for path, list := range t.sizes {
		sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
		usual[path] = list[len(list)/2]
	}
	r.CatchAll = t.catchAll()
	sources := map[string]*Source{}
	for i := range t.hits {
		h := &t.hits[i]
		if h.At <= t.Split {
			r.Before++
			continue
		}
		r.Hits++
		by := r.By[h.Class]
		by[0]++
		s := sources[h.IP]
		if s == nil {
			s = &Source{IP: h.IP, First: h.At, paths: map[string]bool{}, classes: map[Class]bool{}}
			sources[h.IP] = s
		}
		s.Hits++
		s.Last = h.At
		if len(s.paths) < 1000 {
			s.paths[h.path] = true
		}
		s.classes[h.Class] = true
		switch {
		case h.Status >= 200 && h.Status < 300:
			r.Answered++
			s.Answered++
			by[1]++
		case h.Status >= 500:
			r.Failed++
			s.Failed++
			by[2]++
		default:
			r.Refused++
		}
		r.By[h.Class] = by
		if n, ok := usual[h.path]; ok {
			h.Usual = n
		}
		if h.Why = h.worked(r.CatchAll); h.Why != "" {
			r.WorkedCount++
			s.worked++
			if len(r.Worked) < 20 {
				r.Worked = append(r.Worked, *h)
			}
		}
	}
	r.IPsCount = len(sources)
	for _, s := range sources {
		s.Paths, s.Classes = len(s.paths), len(s.classes)
		r.Sources = append(r.Sources, *s)
	}
	sort.Slice(r.Sources, func(i, j int) bool {
		a, b := r.Sources[i], r.Sources[j]
		if a.worked != b.worked {
			return a.worked > b.worked
		}
		if a.Hits != b.Hits {
			return a.Hits > b.Hits
		}
		return a.IP < b.IP
	})
	r.Sources = r.Sources[:min(len(r.Sources), 20)]
	return r
}

// catchAll reports whether this service answers any path with a page, as those
// do whose pages are made in the browser: then an answer means nothing.
func (t *Tally) catchAll() bool {
	paths, answered, bySize := map[string]bool{}, 0, map[int64]int{}
	for i := range t.hits {
		h := &t.hits[i]
		if h.Class != Scan && h.Class != Secrets || paths[h.path] {
			continue
		}
		paths[h.path] = true
		if h.Status >= 200 && h.Status < 300 {
			answered++
			bySize[h.Bytes]++
		}
	}
	same := 0
	for _, n := range bySize {
		same = max(same, n)
	}
	return answered >= 3 && (2*answered > len(paths) || 10*same > 8*answered)
}

// Larger than usual is an answer of three times the bytes and two kilobytes
// more: pages vary with what they list.
const (
	timesLarger = 3
	bytesLarger = 2000
)

var asked = regexp.MustCompile(`(?i)(?:pg_sleep|sleep|delay)\b\W{0,8}([0-9]{1,3})`)

// worked says why a request is taken to have got what it wanted.
func (h *Hit) worked(catchAll bool) string {
	if m := asked.FindStringSubmatch(decoded(h.Target)); m != nil && h.Class == Injection && h.Seconds > 0 {
		if n, _ := strconv.Atoi(m[1]); n >= 2 && h.Seconds >= float64(n) && h.Seconds < float64(n)+30 {
			return "took as long as it asked the database to sleep"
		}
	}
	if h.Status < 200 || h.Status > 299 || h.Class == Script || h.Class == Scan {
		return ""
	}
	if h.Usual >= 0 && h.Bytes > timesLarger*h.Usual && h.Bytes > h.Usual+bytesLarger {
		return "gave far more than the page usually does"
	}
	// A parameter that names a file, and an answer that is neither an error nor
	// what the page usually gives.
	if h.Class == Traversal && h.Bytes > 0 && namesFile.MatchString(h.Target) && !h.asUsual() {
		return "gave a file that nobody should get"
	}
	inPath := h.Class.ofPath() && ClassOf([]byte(h.path)) == h.Class
	if inPath && !catchAll && h.Bytes != 0 {
		return "gave a file that nobody should get"
	}
	return ""
}

var namesFile = regexp.MustCompile(`(?i)[?&](file(name)?|path|page|doc(ument)?|template|include|dir|folder|name|download|load|read|src|attachment)=`)

// asUsual reports whether an answer is as long as those of the page are: it may
// say the request again, so it may be longer by that.
func (h *Hit) asUsual() bool {
	return h.Usual >= 0 && h.Bytes >= h.Usual*9/10 && h.Bytes <= h.Usual*11/10+int64(len(h.Target))
}
