package main

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

// The log of an ordinary service, as Python's JSON loggers write it: one object
// a line, a blank after each colon and comma. Of 10,000 lines some 450 are
// errors, 90 of them with a trace, 50 lack the duration and 2 are no JSON.
var (
	services  = []string{"orders-api", "orders-api", "orders-api", "billing", "billing", "accounts", "search", "media", "edge", "worker"}
	endpoints = []string{"/v1/orders", "/v1/orders/{id}", "/v1/orders/{id}/items", "/v1/login", "/v1/me", "/v1/cart", "/v1/search", "/v1/invoices", "/v1/invoices/{id}", "/health"}
	methods   = []string{"GET", "GET", "GET", "GET", "POST", "PUT", "DELETE"}
	failures  = []string{"PoolTimeout", "OperationalError", "ReadTimeout", "ValidationError", "AuthError", "KeyError"}
	frames    = []string{"orders/api.py", "orders/db.py", "sqlalchemy/pool/impl.py", "starlette/routing.py", "uvicorn/protocols/http.py"}
)

// dayStart begins the day that the log covers.
var dayStart = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

const bytesPerLine = 376 // about

// generate writes a log of about so many bytes, the same each time, and a copy
// without the lines that are no JSON, at which jq stops.
func generate(path, clean string, size int64) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	copied, err := os.Create(clean)
	if err != nil {
		return err
	}
	defer func() { _ = copied.Close() }()
	all, json := bufio.NewWriterSize(out, 1<<20), bufio.NewWriterSize(copied, 1<<20)
	r := rand.New(rand.NewPCG(7, 11))
	step := time.Duration(float64(24*time.Hour) / (float64(size) / bytesPerLine))
	at := dayStart
	for written := int64(0); written < size; {
		at = at.Add(step)
		line, isJSON := drawLine(r, at)
		written += int64(len(line))
		if _, err := all.WriteString(line); err != nil {
			return err
		}
		if isJSON {
			if _, err := json.WriteString(line); err != nil {
				return err
			}
		}
	}
	if err := all.Flush(); err != nil {
		return err
	}
	return json.Flush()
}

func drawLine(r *rand.Rand, at time.Time) (line string, isJSON bool) {
	if r.IntN(10000) < 2 {
		return fmt.Sprintf("INFO:     10.0.%d.%d:0 - \"GET /health HTTP/1.1\" 200 OK\n", r.IntN(256), r.IntN(256)), false
	}
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	duration := math.Round(math.Exp(r.NormFloat64()*1.15+3.6)*100) / 100
	level, status, failure, message := "INFO", 200, "", ""
	endpoint, method := pick(endpoints), pick(methods)
	switch n := r.IntN(1000); {
	case n < 40:
		level, status, failure = "ERROR", 500, pick(failures)
		message = failure + ": the request could not be served after " + fmt.Sprint(r.IntN(30)) + " s"
	case n < 45:
		level, status, failure = "CRITICAL", 500, "PoolTimeout"
		message = "connection pool exhausted, size 20, overflow 10"
	case n < 110:
		level, message = "WARNING", fmt.Sprintf("slow query on %s took %d ms", pick(services), r.IntN(5000))
	case n < 190:
		level, message = "DEBUG", fmt.Sprintf("cache hit for key order:%d", r.IntN(100000))
	default:
		message = fmt.Sprintf("%s %s completed %d in %gms", method, strings.Replace(endpoint, "{id}", fmt.Sprint(r.IntN(100000)), 1), status, duration)
	}
	if r.IntN(20000) == 0 {
		message = "Worker is Stopping after 1000 requests"
	}
	if r.IntN(50) == 0 {
		message = `client sent the header \"X-Debug: ` + fmt.Sprint(r.IntN(1000)) + `\"`
	}
	if r.IntN(200) == 0 {
		message = fmt.Sprintf("temperature of rack %d is %d °C", r.IntN(40), 20+r.IntN(20))
	}
	var b strings.Builder
	fmt.Fprintf(&b, `{"timestamp": "%s", "level": "%s", "service": "%s", "message": "%s", "request_id": "%016x%016x"`,
		at.Format("2006-01-02T15:04:05.000000Z"), level, pick(services), message, r.Uint64(), r.Uint64())
	if failure != "" {
		fmt.Fprintf(&b, `, "error_type": "%s"`, failure)
	}
	fmt.Fprintf(&b, `, "endpoint": "%s", "method": "%s", "status_code": %d`, endpoint, method, status)
	if r.IntN(200) > 0 {
		fmt.Fprintf(&b, `, "duration_ms": %g`, duration)
	}
	fmt.Fprintf(&b, `, "user_id": "usr_%06d", "source_ip": "10.%d.%d.%d", "version": "2.14.0"`, r.IntN(20000), r.IntN(256), r.IntN(256), r.IntN(256))
	if r.IntN(10) == 0 {
		fmt.Fprintf(&b, `, "details": {"pool_size": 20, "active": %d, "host": "db-1.internal"}`, r.IntN(21))
	}
	if failure != "" && r.IntN(5) == 0 {
		b.WriteString(`, "stack_trace": "Traceback (most recent call last):`)
		for range 8 + r.IntN(16) {
			fmt.Fprintf(&b, `\n  File \"/usr/lib/python3/site-packages/%s\", line %d, in run\n    return await self.execute(statement)`, pick(frames), r.IntN(900))
		}
		fmt.Fprintf(&b, `\n%s: it failed"`, failure)
	}
	b.WriteString("}\n")
	return b.String(), true
}
