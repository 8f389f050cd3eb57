package main

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"
	"strings"
)

// shape is a question in the words of each engine. All give lines of text; what
// they have in common is how many there are, and for totals the figures.
type shape struct {
	name, about string
	logql       string
	totals      bool   // a table of figures, not lines
	jq          string // the filter
	jqTotals    bool   // its output must be summed up: figures by key
	grep        string // what an expert puts before jq; empty where nothing narrows
	sql         string
	loop        func(entry) (key string, value float64, ok bool)
}

// entry is what the plain loop decodes a line to.
type entry struct {
	Level      string   `json:"level"`
	Service    string   `json:"service"`
	Message    string   `json:"message"`
	ErrorType  string   `json:"error_type"`
	Endpoint   string   `json:"endpoint"`
	DurationMS *float64 `json:"duration_ms"`
}

var startWords = regexp.MustCompile("(?i)starting|started|stopping|stopped|fatal|panic")

var shapes = []shape{
	{
		name: "Q1", about: "errors of one service, each as a line of its own making",
		logql: `{service="orders-api"} | json | level=~"ERROR|CRITICAL" | line_format "{{.timestamp}} {{.error_type}}: {{.message}}"`,
		jq:    `select(.service=="orders-api" and (.level=="ERROR" or .level=="CRITICAL")) | "\(.timestamp) \(.error_type): \(.message)"`,
		grep:  "ERROR|CRITICAL",
		sql:   `SELECT count(*) FROM log WHERE service='orders-api' AND level IN ('ERROR','CRITICAL')`,
		loop: func(e entry) (string, float64, bool) {
			return "", 1, e.Service == "orders-api" && (e.Level == "ERROR" || e.Level == "CRITICAL")
		},
	},
	{
		name: "Q2", about: "slow requests",
		logql: `{service=~".+"} | json | duration_ms > 1500`,
		jq:    `select(.duration_ms > 1500) | .message`,
		sql:   `SELECT count(*) FROM log WHERE duration_ms > 1500`,
		loop:  func(e entry) (string, float64, bool) { return "", 1, e.DurationMS != nil && *e.DurationMS > 1500 },
	},
	{
		name: "Q3", about: "mean duration by endpoint, over nearly all lines", totals: true,
		logql:    `avg by (endpoint) (avg_over_time({service=~"orders-api|billing|accounts|search|media"} | json | unwrap duration_ms [2d]))`,
		jq:       `select(.duration_ms != null and (.service | test("^(orders-api|billing|accounts|search|media)$"))) | "\(.endpoint)\t\(.duration_ms)"`,
		jqTotals: true,
		sql:      `SELECT endpoint, avg(duration_ms) FROM log WHERE service IN ('orders-api','billing','accounts','search','media') GROUP BY 1`,
		loop: func(e entry) (string, float64, bool) {
			switch e.Service {
			case "orders-api", "billing", "accounts", "search", "media":
				if e.DurationMS != nil {
					return e.Endpoint, *e.DurationMS, true
				}
			}
			return "", 0, false
		},
	},
	{
		name: "Q4", about: "errors by type", totals: true,
		logql:    `sum by (error_type) (count_over_time({service=~".+"} | json | level="ERROR" [2d]))`,
		jq:       `select(.level=="ERROR") | "\(.error_type)\t1"`,
		jqTotals: true,
		grep:     "ERROR",
		sql:      `SELECT error_type, count(*) FROM log WHERE level='ERROR' GROUP BY 1`,
		loop:     func(e entry) (string, float64, bool) { return e.ErrorType, 1, e.Level == "ERROR" },
	},
	{
		name: "Q5", about: "a message with any of six words, of which there is hardly one",
		logql: `{service="orders-api"} | json | message=~"(?i)starting|started|stopping|stopped|fatal|panic"`,
		jq:    `select(.service=="orders-api" and (.message | test("starting|started|stopping|stopped|fatal|panic"; "i"))) | .message`,
		grep:  "[sS]tarting|[sS]tarted|[sS]topp|[fF]atal|[pP]anic",
		sql:   `SELECT count(*) FROM log WHERE service='orders-api' AND regexp_matches(message, '(?i)starting|started|stopping|stopped|fatal|panic')`,
		loop: func(e entry) (string, float64, bool) {
			return "", 1, e.Service == "orders-api" && startWords.MatchString(e.Message)
		},
	},
}

// tally sums up what an engine found: how many, and the sum by key.
type tally struct {
	count int
	sums  map[string]float64
	n     map[string]int
}

func newTally() tally { return tally{sums: map[string]float64{}, n: map[string]int{}} }

func (t *tally) add(key string, value float64) {
	t.count++
	t.sums[key] += value
	t.n[key]++
}

// plainLoop is the program that anyone would write: a line, encoding/json, a test.
func plainLoop(path string, s shape) (tally, error) {
	t := newTally()
	file, err := os.Open(path)
	if err != nil {
		return t, err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	for lines.Scan() {
		var e entry
		if !strings.HasPrefix(lines.Text(), "{") || json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		if key, value, ok := s.loop(e); ok {
			t.add(key, value)
		}
	}
	return t, lines.Err()
}
