package logfile

import (
	"strings"
	"testing"
	"time"

	"github.com/quellhq/quell/internal/logql"
)

// What a line costs by how it is wrapped. The figures are for comparison with
// one another: go test -bench Lines ./internal/logql/logfile
func BenchmarkLines(b *testing.B) {
	inner := `{"timestamp":"2026-03-01T11:30:00.123Z","level":"INFO","service":"shop","message":"GET /orders/{id} took 12ms","duration_ms":12.5,"request_id":"7f3a9c"}`
	escaped := strings.ReplaceAll(inner, `"`, `\"`)
	for name, line := range map[string]string{
		"json":    inner,
		"docker":  `{"log":"` + escaped + `\n","stream":"stdout","time":"2026-03-01T11:30:00.123456789Z"}`,
		"cri":     `2026-03-01T11:30:00.123456789Z stdout F ` + inner,
		"stamps":  `2026-03-01T11:30:00.123456789Z ` + inner,
		"compose": `web-1  | ` + inner,
		"journal": `{"__CURSOR":"s=1;i=2;b=3","_HOSTNAME":"h1","PRIORITY":"6","_SYSTEMD_UNIT":"shop.service","__REALTIME_TIMESTAMP":"1772364600123456","MESSAGE":"` + escaped + `"}`,
		"python":  `2026-03-01 11:30:00,123 INFO shop.orders [worker-3]: GET /orders/17 took 12ms, request 7f3a9c`,
		"syslog":  `Mar  1 11:30:00 h1 shop[123]: GET /orders/17 took 12ms, request 7f3a9c, and so on and on`,
		"access":  `10.0.0.1 - - [01/Mar/2026:11:30:00 +0000] "GET /orders/17 HTTP/1.1" 200 512 "-" "curl/8.0"`,
		"untimed": `GET /orders/17 took 12ms, request 7f3a9c, and so on and on: nothing here looks like a time`,
	} {
		b.Run(name, func(b *testing.B) {
			n := testClock.sniff([]byte(line+"\n"), nil)
			a := &assembler{
				clock: testClock, frames: newUnframer(testClock, n), stream: &logql.Stream{Labels: map[string]string{}}, fields: n.fields,
				limit: 64 << 10, window: logql.Window{Start: time.Unix(0, 0), End: testClock.now}, emit: func([]logql.Record) error { return nil },
			}
			text := []byte(line)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if err := a.line(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
