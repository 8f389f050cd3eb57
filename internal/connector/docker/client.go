package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// client asks one engine. It may be used by several goroutines.
type client struct {
	base     string // "http://docker" over a socket
	where    string // for a person, without user and password
	local    bool   // the engine is on this machine
	headers  http.Header
	http     *http.Client
	timeout  time.Duration
	tools    connector.Tools
	proc     string
	services map[string]string

	mu      sync.Mutex
	version string // "/v1.41" once the engine has said it
	pinged  bool
}

// readOnly refuses what is no GET of a path that we know to read only: the
// engine's socket gives whoever may write to it the whole machine.
type readOnly struct{ http.RoundTripper }

var reads = regexp.MustCompile(`(?:^|/)(?:_ping|version|info|events|system/df|services|tasks|nodes|` +
	`containers/json|containers/[a-zA-Z0-9_.-]+/(?:json|stats)|images/[^?]+/json)$`)

func (r readOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet || !reads.MatchString(req.URL.Path) {
		return nil, fmt.Errorf("%s %s is no question", req.Method, req.URL.Path)
	}
	return r.RoundTripper.RoundTrip(req)
}

// fault is a question without a value.
type fault struct {
	evidence.Answer
	status int // of HTTP; 0: no response came
}

func (f *fault) Error() string { return f.Reason }

// newest is the highest version of the API that we have read; engines speak
// older ones too. Without a version an engine answers in its own, which may
// be one whose fields we do not know.
const newest = 1.44

// get reads the JSON answer of path into out. The error is a *fault.
func (c *client) get(ctx context.Context, path string, query url.Values, out any) error {
	if err := c.agree(ctx); err != nil {
		return err
	}
	_, data, err := c.fetch(ctx, c.version+path, query)
	if err != nil {
		return err
	}
	if json.Unmarshal(data, out) != nil {
		return c.strange()
	}
	return nil
}

func (c *client) strange() error {
	return &fault{Answer: evidence.Not(evidence.NotApplicable, c.what()+": the answer is not that of a Docker engine", "check the url")}
}

// agree asks the engine once which version of the API it speaks.
func (c *client) agree(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pinged {
		return nil
	}
	header, _, err := c.fetch(ctx, "/_ping", nil)
	if err != nil {
		return err
	}
	if v, err := strconv.ParseFloat(header.Get("Api-Version"), 64); err == nil {
		c.version = "/v" + strconv.FormatFloat(min(v, newest), 'f', 2, 64)
	}
	c.pinged = true
	return nil
}

// fetch sends one request and returns its answer.
func (c *client) fetch(ctx context.Context, path string, query url.Values) (http.Header, []byte, error) {
	fail := func(err error) (http.Header, []byte, error) { return nil, nil, &fault{Answer: c.failure(err)} }
	leave, err := c.tools.Gate.Enter(ctx)
	if err != nil {
		return fail(err)
	}
	defer leave()
	ctx, cancel := connector.Within(ctx, c.timeout)
	defer cancel()
	address := c.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fail(err)
	}
	req.Header = c.headers.Clone()
	res, err := c.http.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // its text would repeat the whole query
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
		return nil, nil, &fault{Answer: c.refusal(res.StatusCode, data), status: res.StatusCode}
	}
	if len(data) > limit {
		return nil, nil, &fault{Answer: evidence.Not(evidence.Refused, fmt.Sprintf("%s: the answer is larger than %d bytes", c.what(), limit), "raise limits.bytes of the target")}
	}
	return res.Header, data, nil
}

func (c *client) what() string { return "ask the Docker engine at " + c.where }

func (c *client) failure(err error) evidence.Answer {
	a := connector.Failure(c.what(), err)
	switch {
	case a.Status == evidence.Denied:
		a.Hint = "let the user that quell runs as read the socket (group docker), or put a read-only proxy before it"
	case a.Status == evidence.Unreachable && c.local:
		a.Hint = "is dockerd running, and is this its socket? systemctl status docker"
	}
	return a
}

// refusal is a status other than 200 as an answer.
func (c *client) refusal(status int, body []byte) evidence.Answer {
	var said struct{ Message string }
	_ = json.Unmarshal(body, &said)
	text := fmt.Sprintf("%s: HTTP %d", c.what(), status)
	if line, _, _ := strings.Cut(said.Message, "\n"); line != "" {
		text += ": " + cut(line, 300)
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return evidence.Not(evidence.Denied, text, "a proxy before the engine must allow GET of containers, images, events, info, system, services, tasks")
	case status == http.StatusNotFound, status >= 300 && status < 400:
		return evidence.Not(evidence.NotApplicable, text, "")
	case status == http.StatusServiceUnavailable && strings.Contains(said.Message, "swarm"):
		return evidence.Not(evidence.NotApplicable, text, "ask a manager of the swarm")
	case status >= 500:
		return evidence.Not(evidence.Unreachable, text, "")
	}
	return evidence.Not(evidence.Invalid, text, "")
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
