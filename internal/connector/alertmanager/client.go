package alertmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// client speaks version 2 of the API. It may be used by several goroutines.
type client struct {
	base    *url.URL // without user and password
	headers http.Header
	http    *http.Client
	timeout time.Duration
	tools   connector.Tools
}

// where is the address for a person: no user, no password.
func (c *client) where() string { return c.base.String() }

// fault is a request that did not get what it asked for.
type fault struct {
	evidence.Answer      // why, as a question would say it
	sent            bool // the request may have reached the server
	status          int  // 0: no response came
}

func (f *fault) Error() string { return f.Reason }

// unavailable is f for what only reads.
func (f *fault) unavailable() error { return &action.Unavailable{Text: f.Reason} }

// failure is f for what changes: what certainly did not happen is told apart
// from what may have.
func (f *fault) failure() error {
	switch {
	case !f.sent, f.status == http.StatusTooManyRequests:
		return action.NotYet("%s", f.Reason)
	case f.status >= 300 && f.status < 500 && f.status != http.StatusRequestTimeout:
		return action.Not("%s", f.Reason)
	}
	return f
}

// ask sends one request and reads its JSON answer into out, which may be nil.
// The error is a *fault.
func (c *client) ask(ctx context.Context, method, path string, query url.Values, body, out any) error {
	what := "ask Alertmanager at " + c.base.Host
	fail := func(sent bool, err error) error { return &fault{Answer: connector.Failure(what, err), sent: sent} }
	leave, err := c.tools.Gate.Enter(ctx)
	if err != nil {
		return fail(false, err)
	}
	defer leave()
	ctx, cancel := connector.Within(ctx, c.timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := c.request(ctx, method, path, query, body)
	if err != nil {
		return fail(false, err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // its text would repeat the query
		}
		return fail(connected.Load(), err)
	}
	defer func() { _ = res.Body.Close() }()
	limit := c.tools.Gate.Limits().Bytes
	data, err := io.ReadAll(io.LimitReader(res.Body, int64(limit)+1))
	if err != nil {
		return fail(true, err)
	}
	if res.StatusCode != http.StatusOK {
		return &fault{Answer: refusal(what, res.StatusCode, data), sent: true, status: res.StatusCode}
	}
	if len(data) > limit {
		return &fault{Answer: evidence.Not(evidence.Refused, fmt.Sprintf("%s: the answer is larger than %d bytes", what, limit), "raise limits.bytes of the target"), sent: true}
	}
	if out != nil && json.Unmarshal(data, out) != nil {
		return &fault{Answer: evidence.Not(evidence.NotApplicable, what+": the answer is not that of an Alertmanager", "check the url and its path prefix"), sent: true}
	}
	return nil
}

func (c *client) request(ctx context.Context, method, path string, query url.Values, body any) (*http.Request, error) {
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(data)
	}
	u := *c.base
	u.Path += "/api/v2" + path
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), reader)
	if err != nil {
		return nil, err
	}
	req.Header = c.headers.Clone()
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// refusal is a status other than 200 as an answer.
func refusal(what string, status int, body []byte) evidence.Answer {
	text := fmt.Sprintf("%s: HTTP %d", what, status)
	if said := message(body); said != "" {
		text += ": " + said
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return evidence.Not(evidence.Denied, text, "give this target user and password, bearer or headers")
	case status == http.StatusNotFound, status >= 300 && status < 400:
		return evidence.Not(evidence.NotApplicable, text, "check the url and its path prefix; version 2 of the API is needed")
	case status >= 500:
		return evidence.Not(evidence.Unreachable, text, "")
	}
	return evidence.Not(evidence.Invalid, text, "")
}

// message is what the server says of a request that it does not take: a JSON
// text, or an object with a message.
func message(body []byte) string {
	var object struct{ Message string }
	var text string
	switch {
	case json.Unmarshal(body, &text) == nil:
	case json.Unmarshal(body, &object) == nil:
		text = object.Message
	default:
		return ""
	}
	text, _, _ = strings.Cut(text, "\n")
	return text[:min(len(text), 300)]
}
