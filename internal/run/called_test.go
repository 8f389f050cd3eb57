package run

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhoIsCalledIsNotTheServiceItself(t *testing.T) {
	t.Parallel()
	both := func() []string { return []string{"shop/http", "bank"} }
	s := Service{Called: []string{"bank"}}
	require.Equal(t, []string{"shop/http"}, s.asked("web", both()))
	require.Equal(t, []string{"bank"}, s.asked("api", both()))
	require.Equal(t, both(), Service{}.asked("api", both()), "nobody knows which is which")
}
