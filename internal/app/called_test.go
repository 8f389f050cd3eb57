package app

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
)

// A target of kind http at another address is a service that is called: it
// neither takes the place of the service itself nor is taken for it.
func TestAServiceThatIsCalledDoesNotTakeThePlaceOfTheCaller(t *testing.T) {
	t.Parallel()
	shop := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(shop.Close)
	bank := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(bank.Close)
	open := func(url string) *Session {
		s, err := Open(Setup{
			Targets:  []TargetSetup{{Name: "other", Kind: "http", Settings: connector.Settings{"url": url}}},
			Services: []ServiceSetup{{Name: "shop", URL: shop.URL, Targets: []string{"other"}}},
		})
		require.NoError(t, err)
		t.Cleanup(s.Close)
		return s
	}
	called := open(bank.URL).services[0]
	require.Contains(t, called.Targets, "shop/http")
	require.Equal(t, []string{"other"}, called.Called)
	port := shop.Listener.Addr().(*net.TCPAddr).Port
	require.Empty(t, open(fmt.Sprintf("http://shop.test:%d", port)).services[0].Called, "its own address, by its name")
	same := open(shop.URL + "/v1").services[0]
	require.NotContains(t, same.Targets, "shop/http", "it was written down")
	require.Empty(t, same.Called)
}
