package shape_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quellhq/quell/internal/secret/shape"
)

// ordinary are log lines in which there is nothing to find, of a few formats.
var ordinary = map[string]func(n int) string{
	"nginx": func(n int) string {
		return fmt.Sprintf(`10.0.%d.%d - - [01/Mar/2026:10:%02d:%02d +0000] "GET /api/v1/orders/%d?limit=20&offset=%d HTTP/1.1" 200 %d "https://shop.example.com/cart" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36" rt=0.%03d`,
			n%256, n%200, n%60, n%60, n, n%100, 100+n, n%1000)
	},
	"JSON": func(n int) string {
		return fmt.Sprintf(`{"time":"2026-03-01T10:%02d:%02d.123Z","level":"info","msg":"request served","service":"orders-api","method":"GET","path":"/v1/orders/%d","status":200,"duration_ms":%d.25,"trace_id":"4bf92f3577b34da6a3ce929d0e0e%04d","user_id":%d,"key":"orders:%d"}`,
			n%60, n%60, n, n%100, n%10000, n, n)
	},
	"logfmt": func(n int) string {
		return fmt.Sprintf(`time=2026-03-01T10:%02d:%02dZ level=info msg="query finished" db=orders rows=%d took=%dms conn=pool-%d session_count=%d name=orders_by_user`,
			n%60, n%60, n, n%1000, n%9, n%50)
	},
	"prose": func(n int) string {
		return fmt.Sprintf(`2026-03-01 10:%02d:%02d.123 UTC [%d] LOG:  checkpoint complete: wrote %d buffers (0.%d%%); write=12.3 s, sync=0.004 s, total=12.5 s; the next one is expected in five minutes`,
			n%60, n%60, n, n, n%10)
	},
}

func BenchmarkFind(b *testing.B) {
	for name, line := range ordinary {
		var text strings.Builder
		for n := 0; text.Len() < 1<<20; n++ {
			text.WriteString(line(n))
			text.WriteByte('\n')
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if found := shape.Find(text.String(), shape.Options{}); len(found) > 0 {
					b.Fatalf("found %q", text.String()[found[0].From:found[0].To])
				}
			}
		})
	}
}

// A text that was made to be slow may take a few times longer than one that was
// not, and never the square of its length.
func BenchmarkAwkward(b *testing.B) {
	for _, piece := range awkward {
		text := strings.Repeat(piece, (1<<20)/len(piece))
		b.Run(fmt.Sprintf("%q", piece), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				shape.Find(text, shape.Options{Addresses: true})
			}
		})
	}
}
