package pid_test

import (
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/pid"
)

func TestAProcessNamesWhereItListens(t *testing.T) {
	t.Parallel()
	var want []string
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", at)
		if err != nil {
			continue // no IPv6 here
		}
		defer func() { _ = l.Close() }()
		want = append(want, l.Addr().String())
	}
	us, err := pid.Look(os.Getpid())
	require.NoError(t, err)
	found, known := pid.Listens(t.Context(), us)
	require.True(t, known)
	require.Subset(t, found, want)
	require.Positive(t, us.Threads)
}
