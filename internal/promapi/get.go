package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// Reply is what the server said.
type Reply struct {
	Data   json.RawMessage
	Notes  []string      // the server's own warnings
	Offset time.Duration // the server's clock minus ours, from its Date header; precise to a second
	Timed  bool          // there was a Date header
}

// Failure is a question that got no value: it is an error that says how it ended.
type Failure struct{ answer evidence.Answer }

func (f *Failure) Error() string { return f.answer.Reason }

// Answer returns how the question ended.
func (f *Failure) Answer() evidence.Answer { return f.answer }

type envelope struct {
	Status    string          `json:"status"`
	Data      json.RawMessage `json:"data"`
	ErrorType string          `json:"errorType"`
	Error     string          `json:"error"`
	Message   string          `json:"message"` // Grafana's
	Warnings  []string        `json:"warnings"`
	Infos     []string        `json:"infos"`
}

// longQuery is the length in bytes above which a query goes as a form: proxies
// commonly cut an address at 8 KB.
const longQuery = 4096

// Get asks for path below the server's address, through the gate of the
// target. An error is always a *Failure.
func (c *Client) Get(ctx context.Context, path string, params url.Values) (Reply, error) {
	leave, err := c.tools.Gate.Enter(ctx)
	if err != nil {
		return Reply{}, c.fail(connector.Failure(c.what(), err))
	}
	defer leave()
	limits := c.tools.Gate.Limits()
	ctx, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	sent := time.Now()
	res, err := c.send(ctx, path, params)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // its text would repeat the whole query
		}
		if strings.Contains(err.Error(), "HTTP response to HTTPS client") { // net/http has no type for it
			return Reply{}, c.fail(evidence.Not(evidence.Unreachable,
				c.what()+": TLS was offered and the server does not speak it here", "write http:// in the address"))
		}
		return Reply{}, c.fail(connector.Failure(c.what(), err))
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, int64(limits.Bytes)+1))
	if err != nil {
		return Reply{}, c.fail(connector.Failure(c.what(), err))
	}
	if len(body) > limits.Bytes {
		return Reply{}, c.fail(evidence.Not(evidence.Refused,
			fmt.Sprintf("%s: the answer is larger than %d bytes; ask for less: sum by (), a longer step, a shorter range", c.what(), limits.Bytes), ""))
	}
	reply, err := c.read(res, path, body)
	if date, dateErr := http.ParseTime(res.Header.Get("Date")); dateErr == nil {
		reply.Timed = true
		reply.Offset = date.Sub(sent.Add(time.Since(sent) / 2).Truncate(time.Second))
	}
	return reply, err
}

func (c *Client) send(ctx context.Context, path string, params url.Values) (*http.Response, error) {
	target := *c.base
	target.Path += path
	query := params.Encode()
	method, body := http.MethodGet, ""
	if len(query) > longQuery {
		method, body = http.MethodPost, query
	} else {
		target.RawQuery = query
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = c.headers.Clone()
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	return c.http.Do(req)
}

func (c *Client) what() string { return "ask " + c.name + " at " + c.base.Host }

func (c *Client) fail(a evidence.Answer) error {
	a.Reason = c.tools.Redact.Text(a.Reason)
	a.Hint = c.tools.Redact.Text(a.Hint)
	return &Failure{a}
}
