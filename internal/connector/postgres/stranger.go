package postgres

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// strangerError says that something else than Postgres answers at the address.
type strangerError struct{ what string }

func (e *strangerError) Error() string { return e.what }

// knockTime bounds the second look at an address that was silent.
const knockTime = 400 * time.Millisecond

// stranger looks again at an address that was silent when greeted in Postgres'
// own way: a web server or a Redis waits for the end of a line, and a mail or
// shell server speaks first. The line that is sent asks nothing of anybody; a
// Postgres closes the connection upon it. Nil where nobody else answers.
func stranger(ctx context.Context, host string, port uint16) error {
	if strings.HasPrefix(host, "/") {
		return nil // a socket directory: nobody else has such a file
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), knockTime)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(int(port))))
	if err != nil {
		return nil //nolint:nilerr // silence stays silence
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(knockTime))
	if _, err := conn.Write([]byte("PING\r\n\r\n")); err != nil {
		return nil //nolint:nilerr // the same
	}
	answer := make([]byte, 64)
	n, _ := conn.Read(answer)
	switch answer = answer[:n]; {
	case n == 0:
		return nil
	case bytes.HasPrefix(answer, []byte("HTTP/")):
		return &strangerError{"a web server answers there"}
	case bytes.HasPrefix(answer, []byte("+PONG")), bytes.HasPrefix(answer, []byte("-NOAUTH")), bytes.HasPrefix(answer, []byte("-ERR")):
		return &strangerError{"a Redis answers there"}
	case answer[0] == 'E' || answer[0] == 'N' || answer[0] == 'S' && n == 1:
		return nil // it may be a Postgres that complains
	}
	return &strangerError{"something that does not speak Postgres' protocol answers there"}
}

// isStranger reports whether an attempt to connect met something that is no
// Postgres: it answered with bytes that are no message of the protocol.
func isStranger(err error) bool {
	var (
		met    *strangerError
		length *pgproto3.ExceededMaxBodyLenErr
	)
	return errors.As(err, &met) || errors.As(err, &length) || strings.Contains(err.Error(), "unknown message type")
}
