package http

import (
	"net/http"
	"strings"
)

// temperature is whether a cache held an answer.
type temperature int

const (
	noSign temperature = iota // nothing in the answer tells
	cold
	warm
)

// signHeaders are where caches of all makes say hit or miss; only Cache-Status
// (RFC 9211) and Age (RFC 9111) are standards.
var signHeaders = []string{"Cache-Status", "X-Cache", "X-Cache-Status", "X-Proxy-Cache", "Cf-Cache-Status", "X-Drupal-Cache", "X-Varnish-Cache"}

// sign reads whether an answer came from a cache.
func sign(r result) temperature {
	if r.status == http.StatusGatewayTimeout {
		return cold // asked to answer from what it holds alone, and it holds nothing
	}
	found := noSign
	for _, name := range signHeaders {
		for _, value := range r.header.Values(name) {
			switch value := strings.ToLower(value); {
			// Of several caches on the way one hit is enough.
			case strings.Contains(value, "hit"):
				return warm
			case strings.Contains(value, "miss"), strings.Contains(value, "expired"), strings.Contains(value, "fwd="):
				found = cold
			}
		}
	}
	if found == noSign && r.header.Get("Age") != "" {
		return warm // only an answer that was stored has an age
	}
	return found
}
