package nginx

import (
	"math"
	"strings"
)

// survey is what is counted of all access logs.
type survey struct {
	span      span
	all       tally
	behind    tally // took is the servers' time
	outside   spread
	rates     rates
	statuses  map[[2]int]*mark // by status and the last server's
	servers   *group
	endpoints *group
	clients   *group
	visited   map[string]map[string]bool // endpoints of each client, now
	marks     map[string]*mark           // requests of some kind
	bytes     float64
	unread    int64
	tells     bool // a format has $upstream_addr
	seen      int64
}

// mark counts requests of some kind, in the recent time and before it.
type mark struct {
	now    int64
	before parts
}

func (m *mark) add(slice int) {
	if slice < 0 {
		m.now++
		return
	}
	m.before[slice]++
}

// total of the time before.
func (m *mark) total() (n int64) {
	for _, part := range m.before {
		n += part
	}
	return n
}

func newSurvey(s span) *survey {
	return &survey{
		span: s, statuses: map[[2]int]*mark{}, marks: map[string]*mark{}, visited: map[string]map[string]bool{},
		servers: newGroup(500), endpoints: newGroup(1000), clients: newGroup(20_000),
	}
}

// ourselves is what the requests of quell's own questions are called.
const ourselves = "quell-probe"

// mostVisited bounds the endpoints that are kept of one client.
const mostVisited = 100

func (s *survey) add(v visit, l *layout) {
	s.seen++
	slice := s.span.sliceOf(v.at)
	recent := slice < 0
	if strings.HasPrefix(v.agent, ourselves) {
		return
	}
	failed := v.status >= 500
	s.rates.add(slice, v.at)
	s.all.add(slice, failed, v.took, v.bytes)
	if recent && !math.IsNaN(v.bytes) {
		s.bytes += v.bytes
	}
	s.addMarks(v, l, slice)
	s.addServers(v, slice)
	if v.path != "" {
		s.endpoints.at(strings.TrimSpace(v.method+" "+v.path)).add(slice, failed, v.took, v.bytes)
	}
	s.clients.at(v.client).add(slice, v.status >= 400, math.NaN(), math.NaN())
	if recent {
		s.visit(v)
	}
}

func (s *survey) visit(v visit) {
	seen := s.visited[v.client]
	if seen == nil {
		if len(s.visited) >= s.clients.most {
			return
		}
		seen = map[string]bool{}
		s.visited[v.client] = seen
	}
	if len(seen) < mostVisited {
		seen[v.method+" "+v.path] = true
	}
}

// answered is the status of the server that answered last: 0 where none did.
func (v visit) answered() int {
	if len(v.attempts) == 0 {
		return 0
	}
	return v.attempts[len(v.attempts)-1].status
}

func (s *survey) addMarks(v visit, l *layout, slice int) {
	note := func(name string, is bool) {
		if s.marks[name] == nil {
			s.marks[name] = &mark{}
		}
		if is {
			s.marks[name].add(slice)
		}
	}
	tells := l.has("upstream_addr") || l.has("upstream_status")
	// nginx writes its own 502 and 504 as the status of a server that it could
	// not reach or that was too slow; only the time to the first byte of an
	// answer tells them apart from a server's own.
	own := v.status >= 500 && (v.answered() == 0 || v.gatewayMade(l))
	limited := v.status == 429 || v.status == 503 && tells && len(v.attempts) == 0
	note("5xx", v.status >= 500)
	note("4xx", v.status >= 400 && v.status < 499 && v.status != 429)
	note("499", v.status == 499)
	note("limited", limited)
	note("told", tells)
	note("own", tells && own && !limited)
	note("passed", tells && v.status >= 500 && !own)
	note("retried", len(v.attempts) > 1)
	key := [2]int{v.status, v.answered()}
	if s.statuses[key] == nil {
		s.statuses[key] = &mark{}
	}
	s.statuses[key].add(slice)
}

// gatewayMade reports whether an error is nginx's own although it writes a
// status for the server: 502 and 504 without a header from it.
func (v visit) gatewayMade(l *layout) bool {
	last := v.attempts[len(v.attempts)-1]
	if last.status != 502 && last.status != 504 {
		return false
	}
	// An answer that the server has begun has a time of its header.
	return !l.has("upstream_header_time") || math.IsNaN(v.header)
}

func (s *survey) addServers(v visit, slice int) {
	total := 0.0
	for _, a := range v.attempts {
		if !math.IsNaN(a.took) {
			total += a.took
		}
		if a.address == "" {
			continue
		}
		t := s.servers.at(a.address)
		t.add(slice, a.status == 0 && v.status != 499 || a.status >= 500, a.took, v.bytes)
		if slice < 0 {
			t.connect.add(a.connect)
		}
	}
	if len(v.attempts) == 0 {
		return
	}
	s.behind.add(slice, false, total, v.bytes)
	if slice < 0 && !math.IsNaN(v.took) && v.status != 499 {
		s.outside.add(max(v.took-total, 0))
	}
}
