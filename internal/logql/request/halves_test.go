package request_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql/request"
)

func TestAStructuredRequestOfTwoLinesIsWholeAtItsEnd(t *testing.T) {
	t.Parallel()
	begin := func(pid, id, path string) request.Line {
		return line(0, "incoming request", "pid="+pid, "reqId="+id, "req_method=GET", "req_url="+path, "req_remoteAddress=198.51.100.7")
	}
	end := func(pid, id string) request.Line {
		return line(0, "request completed", "pid="+pid, "reqId="+id, "res_statusCode=503", "responseTime=40")
	}
	for name, c := range map[string]struct {
		lines []request.Line
		want  []string
	}{
		"two requests at once":                       {[]request.Line{begin("1", "a", "/orders"), begin("1", "b", "/carts"), end("1", "a"), end("1", "b")}, []string{"/orders 503 198.51.100.7", "/carts 503 198.51.100.7"}},
		"two processes that number alike":            {[]request.Line{begin("1", "a", "/orders"), begin("2", "a", "/carts"), end("2", "a")}, []string{"/carts 503 198.51.100.7"}},
		"one id for two that are open: nobody knows": {[]request.Line{begin("1", "a", "/orders"), begin("1", "a", "/carts"), end("1", "a"), begin("1", "a", "/carts"), end("1", "a")}, []string{"/carts 503 198.51.100.7"}},
		"an end without a beginning":                 {[]request.Line{end("1", "a")}, nil},
		"the answer of another service on the way": {[]request.Line{
			begin("1", "a", "/orders"), line(0, "partner answered", "pid=1", "reqId=a", "status=500"), end("1", "a"),
		}, []string{"/orders 503 198.51.100.7"}},
		"a beginning without an id": {[]request.Line{line(0, "incoming request", "req_method=GET", "req_url=/x"), line(0, "done", "res_statusCode=200", "responseTime=1")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			halves := request.Halves{}
			var got []string
			for i, l := range c.lines {
				l.At = int64(i+1) * 1e9
				if r, ok := request.Read(halves.Whole(l)); ok {
					got = append(got, fmt.Sprintf("%s %d %s", r.Target, r.Status, r.IP))
				}
			}
			require.Equal(t, c.want, got)
		})
	}
	halves := request.Halves{}
	old := begin("1", "a", "/orders")
	old.At = 1
	halves.Whole(old)
	late := end("1", "a")
	late.At = 700e9
	_, ok := request.Read(halves.Whole(late))
	require.False(t, ok, "what began so long ago has another end")
}
