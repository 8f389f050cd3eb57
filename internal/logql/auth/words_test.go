package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql/auth"
)

// The number 401 is a status where the line says so, and a size, a time or an
// item elsewhere; what an access log says is its status, and no word of its paths.
func TestNumbersAndPathsAreNoRefusals(t *testing.T) {
	t.Parallel()
	for text, refused := range map[string]bool{
		`the login page was sent, 401 bytes`:           false,
		`token cache: 0/1246/1/401/1576`:               false,
		`login page /products/401 shown`:               false,
		`request to /account answered with status 401`: true,
		`login: HTTP 401`:                              true,
		`198.51.100.1 - - [30/Nov/2026:06:00:00 +0000] "GET /login/session-expired HTTP/1.1" 200 5 "-" "curl"`: false,
		`198.51.100.1 - - [30/Nov/2026:06:00:00 +0000] "GET /orders HTTP/1.1" 401 5 "-" "curl"`:                true,
	} {
		var r auth.Reader
		e, ok := r.Read(auth.Line{At: 1, Text: []byte(text), Message: []byte(text)})
		require.Equal(t, refused, ok && e.Outcome == auth.Refused, text)
	}
}
