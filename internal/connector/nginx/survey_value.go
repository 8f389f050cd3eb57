package nginx

import "slices"

func (s *survey) value() map[string]any {
	now, before := s.all.now.n, s.all.before.n
	v := map[string]any{
		"requests": now, "requests_before": before, "window_s": round(s.span.seconds()),
		"per_s": round(float64(now) / s.span.seconds()), "per_s_before": s.rates.before(s.span), "ratio": nil,
		"p95_s": s.all.recent.quantile(0.95), "p95_before_s": usual(&s.all.times, 0.95),
		"upstream_p95_s": s.behind.recent.quantile(0.95), "upstream_p95_before_s": usual(&s.behind.times, 0.95),
		"outside_p95_s": s.outside.quantile(0.95),
		"bytes_p95":     s.all.bytes.quantile(0.95), "bytes_p95_before": usual(&s.all.bytesBefore, 0.95),
		"bytes_per_s": round(s.bytes / s.span.seconds()), "time_by_bytes": s.all.bond.correlation(),
		"clients": s.distinct(func(t *tally) bool { return t.now.n > 0 }), "clients_before": s.distinct(func(t *tally) bool { return t.before.n > 0 }),
		"unread": s.unread, "tells_upstreams": s.tells,
	}
	if usual, ok := v["per_s_before"].(float64); ok && usual > 0 {
		v["ratio"] = round(v["per_s"].(float64) / usual)
	}
	for _, name := range []string{"5xx", "4xx", "499"} {
		m := s.mark(name)
		v["share_"+name], v["share_"+name+"_before"] = partOf(m.now, now), usualShare(&m.before, &s.all.n)
	}
	v["share_limited"] = partOf(s.mark("limited").now, now)
	told := s.mark("told").now
	v["share_own_5xx"], v["share_passed_5xx"] = partOf(s.mark("own").now, told), partOf(s.mark("passed").now, told)
	v["share_retried"] = partOf(s.mark("retried").now, told)
	v["statuses"], v["upstreams"], v["endpoints"], v["top_clients"] = s.statusRows(), s.serverRows(), s.endpointRows(), s.clientRows()
	v["skew"] = s.skew()
	return v
}

func (s *survey) mark(name string) *mark {
	if m := s.marks[name]; m != nil {
		return m
	}
	return &mark{}
}

func (s *survey) distinct(is func(*tally) bool) int64 {
	n := int64(0)
	for _, t := range s.clients.by {
		if is(t) {
			n++
		}
	}
	return n
}

const (
	mostStatuses  = 20
	mostServers   = 100
	mostEndpoints = 30
	mostClients   = 10
)

func (s *survey) statusRows() []any {
	keys := make([][2]int, 0, len(s.statuses))
	for k := range s.statuses {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]int) int {
		x, y := s.statuses[a], s.statuses[b]
		switch {
		case x.now != y.now:
			return int(y.now - x.now)
		case x.total() != y.total():
			return int(y.total() - x.total())
		case a[0] != b[0]:
			return a[0] - b[0]
		}
		return a[1] - b[1]
	})
	rows := []any{}
	for _, k := range keys[:min(len(keys), mostStatuses)] {
		p := s.statuses[k]
		rows = append(rows, map[string]any{
			"status": int64(k[0]), "upstream_status": int64(k[1]), "requests": p.now,
			"share": partOf(p.now, s.all.now.n), "share_before": usualShare(&p.before, &s.all.n),
		})
	}
	return rows
}

func (s *survey) serverRows() []any {
	now, before := s.asked()
	rows := []any{}
	for _, name := range s.servers.ranked() {
		if len(rows) == mostServers {
			break
		}
		t := s.servers.by[name]
		rows = append(rows, map[string]any{
			"address": name, "requests": t.now.n, "share": partOf(t.now.n, now), "share_before": usualShare(&t.n, &before),
			"errors": t.now.errors, "error_share": t.now.errorShare(), "error_share_before": usualShare(&t.errors, &t.n),
			"p50_s": t.recent.quantile(0.5), "p95_s": t.recent.quantile(0.95), "p95_before_s": usual(&t.times, 0.95),
			"connect_p95_s": t.connect.quantile(0.95),
		})
	}
	return rows
}

// asked is how often servers were asked, now and before.
func (s *survey) asked() (now int64, before parts) {
	for _, t := range s.servers.by {
		now += t.now.n
		for i, n := range t.n {
			before[i] += n
		}
	}
	return now, before
}

func (s *survey) skew() any {
	most, servers := int64(0), 0
	for _, t := range s.servers.by {
		if t.now.n+t.before.n > 0 {
			servers++
			most = max(most, t.now.n)
		}
	}
	now, _ := s.asked()
	if servers < 2 || now == 0 {
		return nil
	}
	return round(float64(most) * float64(servers) / float64(now))
}

func (s *survey) endpointRows() []any {
	rows := []any{}
	for _, name := range s.endpoints.ranked() {
		if len(rows) == mostEndpoints {
			break
		}
		t := s.endpoints.by[name]
		rows = append(rows, map[string]any{
			"endpoint": name, "requests": t.now.n, "share": partOf(t.now.n, s.all.now.n), "share_before": usualShare(&t.n, &s.all.n),
			"errors": t.now.errors, "error_share": t.now.errorShare(), "error_share_before": usualShare(&t.errors, &t.n),
			"p95_s": t.recent.quantile(0.95), "p95_before_s": usual(&t.times, 0.95),
			"bytes_p95": t.bytes.quantile(0.95), "bytes_p95_before": usual(&t.bytesBefore, 0.95), "time_by_bytes": t.bond.correlation(),
		})
	}
	return rows
}

func (s *survey) clientRows() []any {
	rows := []any{}
	for _, name := range s.clients.ranked() {
		if len(rows) == mostClients {
			break
		}
		t := s.clients.by[name]
		rows = append(rows, map[string]any{
			"address": name, "requests": t.now.n, "share": partOf(t.now.n, s.all.now.n), "share_before": usualShare(&t.n, &s.all.n),
			"errors": t.now.errors, "endpoints": int64(len(s.visited[name])),
		})
	}
	return rows
}
