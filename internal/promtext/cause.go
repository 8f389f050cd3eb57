package promtext

import "strings"

// ScrapeCause puts the error text of a scrape into one word:
//
//	no_such_host refused timeout reset no_route tls not_found unauthorized
//	forbidden server_error http_error wrong_format limit clock other
//
// The texts are those of Go's net package and of Prometheus' scraper.
func ScrapeCause(text string) string {
	t := strings.ToLower(text)
	for _, rule := range []struct {
		word  string
		marks []string
	}{
		{"no_such_host", []string{"no such host", "server misbehaving"}},
		{"refused", []string{"connection refused"}},
		{"no_route", []string{"no route to host", "network is unreachable", "host is unreachable"}},
		{"not_found", []string{"status 404"}},
		{"unauthorized", []string{"status 401"}},
		{"forbidden", []string{"status 403"}},
		{"server_error", []string{"status 5"}},
		{"http_error", []string{"server returned http status"}},
		{"tls", []string{"x509", "tls:", "http response to https client", "certificate"}},
		{"limit", []string{"limit exceeded", "body size limit", "sample_limit", "label_limit"}},
		{"clock", []string{"out of bounds", "out of order", "too old sample"}},
		{"wrong_format", []string{"valid start token", "unsupported content", "invalid metric", "expected value after metric",
			"expected label name", "expected timestamp", "unexpected end of input", "parse", "strconv", "data does not end", "content-type"}},
		{"timeout", []string{"deadline exceeded", "timeout", "timed out"}},
		{"reset", []string{"connection reset", "broken pipe", "eof"}},
	} {
		for _, mark := range rule.marks {
			if strings.Contains(t, mark) {
				return rule.word
			}
		}
	}
	return "other"
}
