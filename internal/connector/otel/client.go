package otel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// client asks one store of traces. It may be used by several goroutines.
type client struct {
	base     *url.URL // without user and password
	headers  http.Header
	http     *http.Client
	timeout  time.Duration
	tools    connector.Tools
	services map[string]string

	mu      sync.Mutex
	flavour string // empty until it is found out
}

// fault is a question without a value.
type fault struct {
	evidence.Answer
	status int // of HTTP; 0: no response came
}

func (f *fault) Error() string { return f.Reason }

func (c *client) what() string { return "ask for traces at " + c.base.Host }

// get reads the JSON answer of path into out. The error is a *fault.
func (c *client) get(ctx context.Context, path string, query url.Values, out any) error {
	data, err := c.fetch(ctx, path, query)
	if err != nil {
		return err
	}
	if json.Unmarshal(data, out) != nil {
		return c.strange()
	}
	return nil
}

func (c *client) strange() error {
	return &fault{Answer: evidence.Not(evidence.NotApplicable, c.what()+": the answer is not that of Jaeger or Tempo", "check the url and its path prefix, or set flavour")}
}

func (c *client) fetch(ctx context.Context, path string, query url.Values) ([]byte, error) {
	fail := func(err error) ([]byte, error) { return nil, &fault{Answer: connector.Failure(c.what(), err)} }
	leave, err := c.tools.Gate.Enter(ctx)
	if err != nil {
		return fail(err)
	}
	defer leave()
	ctx, cancel := connector.Within(ctx, c.timeout)
	defer cancel()
	u := *c.base
	u.Path += path
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fail(err)
	}
	req.Header = c.headers.Clone()
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	res, err := c.http.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // its text would repeat the query
		}
		return fail(err)
	}
	defer func() { _ = res.Body.Close() }()
	limit := c.tools.Gate.Limits().Bytes
	data, err := io.ReadAll(io.LimitReader(res.Body, int64(limit)+1))
	if err != nil {
		return fail(err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, &fault{Answer: c.refusal(res.StatusCode, data), status: res.StatusCode}
	}
	if len(data) > limit {
		return nil, &fault{Answer: evidence.Not(evidence.Refused, fmt.Sprintf("%s: the answer is larger than %d bytes", c.what(), limit), "raise limits.bytes of the target")}
	}
	return data, nil
}

// refusal is a status other than 200 as an answer.
func (c *client) refusal(status int, body []byte) evidence.Answer {
	text := fmt.Sprintf("%s: HTTP %d", c.what(), status)
	if said := message(body); said != "" {
		text += ": " + said
	}
	switch {
	case status == http.StatusUnauthorized && strings.Contains(strings.ToLower(text), "org id"):
		return evidence.Not(evidence.Denied, text, "set tenant")
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return evidence.Not(evidence.Denied, text, "give this target user and password, bearer, headers or tenant")
	case status == http.StatusNotFound, status >= 300 && status < 400:
		return evidence.Not(evidence.NotApplicable, text, "check the url and its path prefix, and the tenant")
	case status == http.StatusTooManyRequests:
		return evidence.Not(evidence.NotAsked, text, "")
	case status >= 500:
		return evidence.Not(evidence.Unreachable, text, "")
	}
	return evidence.Not(evidence.Invalid, text, "")
}

// message is what a server says of a request that it does not take: Jaeger a
// list of errors, Tempo a line of text.
func message(body []byte) string {
	var said struct {
		Errors  []struct{ Msg string }
		Message string
		Error   string
	}
	text := ""
	switch {
	case json.Unmarshal(body, &said) != nil:
		text = strings.TrimSpace(string(body[:min(len(body), 300)]))
		if strings.HasPrefix(text, "<") {
			return ""
		}
	case len(said.Errors) > 0:
		text = said.Errors[0].Msg
	default:
		text = said.Message + said.Error
	}
	text, _, _ = strings.Cut(text, "\n")
	return cut(text, 300)
}

// which finds out once what the store is.
func (c *client) which(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flavour != "" {
		return c.flavour, nil
	}
	var services struct {
		Data *json.RawMessage `json:"data"`
	}
	data, err := c.fetch(ctx, "/api/services", nil)
	if err == nil && json.Unmarshal(data, &services) == nil && services.Data != nil {
		c.flavour = jaeger
		return c.flavour, nil
	}
	var f *fault
	if errors.As(err, &f) && f.status != http.StatusNotFound && f.status != http.StatusBadRequest && (f.status < 300 || f.status >= 400) {
		return "", err
	}
	data, err = c.fetch(ctx, "/api/echo", nil)
	if err == nil && strings.TrimSpace(string(data)) == "echo" {
		c.flavour = tempo
		return c.flavour, nil
	}
	// A proxy may let the search alone through.
	var search struct {
		Traces *json.RawMessage `json:"traces"`
	}
	if err = c.get(ctx, "/api/search", url.Values{"limit": {"1"}}, &search); err != nil {
		return "", err
	}
	if search.Traces == nil {
		return "", c.strange()
	}
	c.flavour = tempo
	return c.flavour, nil
}

// cut shortens text to n bytes.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}

// answer is why a question got no value.
func answer(err error) evidence.Answer {
	var f *fault
	if errors.As(err, &f) {
		return f.Answer
	}
	return evidence.Not(evidence.Unreachable, err.Error(), "")
}
