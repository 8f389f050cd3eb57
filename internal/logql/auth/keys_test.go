package auth_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql/auth"
)

func use(at int64, key, ip, path string) auth.Line {
	field := func(name, value string) auth.Field { return auth.Field{Name: []byte(name), Value: []byte(value)} }
	return auth.Line{At: at, Fields: []auth.Field{field("api_key_id", key), field("client_ip", ip), field("method", "GET"), field("path", path), field("status_code", "200")}}
}

// A thief who came before the recent time began is new all the same; a network
// that was there from the beginning is not, and neither is one of a young key.
func TestWhoCameLateIsNew(t *testing.T) {
	t.Parallel()
	const split = 900
	one, two := auth.NewKeys(split), auth.NewKeys(split) // as two goroutines read
	for i := range int64(1000) {
		k := one
		if i%2 == 0 {
			k = two
		}
		k.Add(use(1+i, "shop", "192.0.2.10", fmt.Sprintf("/stock/%d", i)))
		if i%5 == 0 {
			k.Add(use(1+i, "shop", "198.51.100.7", "/stock/1"))
		}
		if i > 700 {
			k.Add(use(1+i, "shop", "203.0.113.9", fmt.Sprintf("/customers/%d", i)))
		}
		if i > 950 {
			k.Add(use(1+i, "young", "203.0.113.10", "/stock/1"))
		}
	}
	one.Merge(two)
	for range 2 { // asking twice changes nothing
		uses := one.Uses()
		require.Len(t, uses, 2)
		shop, young := uses[0], uses[1]
		require.Equal(t, "shop", shop.Key)
		require.Equal(t, []string{"203.0.113.0/24"}, shop.NewNetworks)
		require.Equal(t, []string{"GET /customers/*"}, shop.NewPaths)
		require.Equal(t, 2, shop.NetworksBefore)
		require.EqualValues(t, 702, shop.FirstNew)
		require.Equal(t, 100, shop.FromNew, "in the recent time")
		require.Equal(t, 900+180, shop.Before, "of those that were known by then")
		require.Equal(t, "young", young.Key)
		require.Zero(t, young.Before)
	}
}
