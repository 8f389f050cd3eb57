package http

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// readMethods are the methods that HTTP defines as safe and that make sense as
// a question. TRACE echoes credentials and is left out.
var readMethods = map[string]bool{"GET": true, "HEAD": true, "OPTIONS": true}

// forbidden headers are those that we set ourselves, or that would make a
// question something else.
var forbidden = map[string]bool{
	"content-length": true, "transfer-encoding": true, "connection": true, "upgrade": true,
	"host": true, "x-http-method-override": true, "x-method-override": true, "x-http-method": true, "expect": true,
}

func (t *target) fence(ctx context.Context, q probe.Question) evidence.Answer {
	text, err := q.Text.Fill(escape)
	if err != nil {
		return evidence.Not(evidence.Refused, err.Error(), "")
	}
	p, problem := parseFence(text)
	if problem != nil {
		return evidence.Not(evidence.Refused, problem.Text, "")
	}
	req, err := t.get(p.path)
	if err != nil {
		return evidence.Not(evidence.Refused, err.Error(), "")
	}
	req.method = p.method
	for k, vs := range p.headers {
		req.headers[k] = vs
	}
	if v := q.Options["follow"]; v == "false" {
		req.follow = false
	}
	if v := q.Options["timeout"]; v != "" {
		d, err := time.ParseDuration(v)
		if err != nil || d <= 0 {
			return evidence.Not(evidence.Invalid, fmt.Sprintf("timeout=%s is not a duration", v), "write it like timeout=5s")
		}
		req.timeout = d
	}
	req.leaves = true
	r, err := t.do(ctx, req)
	if err != nil {
		return connector.Failure("ask "+shown(req.url), err)
	}
	return evidence.Of(t.value(r), remarks(r)...)
}

// get is a GET of a path on the target, with the configured headers.
func (t *target) get(path string) (request, error) {
	ref, err := url.Parse(path)
	if err != nil {
		return request{}, fmt.Errorf("the path %q cannot be read", path)
	}
	u := t.config.base.ResolveReference(ref)
	if path == "" {
		c := *t.config.base
		u = &c
	}
	if u.Host != t.config.base.Host || u.Scheme != t.config.base.Scheme {
		return request{}, fmt.Errorf("%s is not on this target (%s): a question stays on its target", u.Host, t.config.base.Host)
	}
	u.User, u.Fragment = nil, ""
	if u.Path == "" {
		u.Path = "/"
	}
	h := http.Header{"User-Agent": {userAgent}, "Accept": {"*/*"}}
	for k, v := range t.config.Headers {
		h.Set(k, v.Reveal())
	}
	if user := t.config.base.User; user != nil && h.Get("Authorization") == "" {
		pass, _ := user.Password()
		r := http.Request{Header: h}
		r.SetBasicAuth(user.Username(), pass)
	}
	return request{method: "GET", url: u, headers: h, follow: true, timeout: t.config.Timeout.Duration}, nil
}

func remarks(r result) []string {
	var notes []string
	if r.cut {
		notes = append(notes, fmt.Sprintf("the body was cut at %d bytes", r.bytes))
	}
	if r.elsewhere != "" {
		notes = append(notes, "redirects to "+r.elsewhere+", another host, which was not followed")
	}
	return notes
}

type fence struct {
	method, path string
	headers      http.Header
}

// parseFence reads "GET /path" and header lines. Empty lines end it; a body is
// a problem, since a question has none.
func parseFence(text string) (fence, *connector.Problem) {
	f := fence{headers: http.Header{}}
	offset := 0
	seen, ended := false, false
	for line := range strings.Lines(text) {
		at := offset
		offset += len(line)
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			ended = seen
		case strings.HasPrefix(line, "#") && !seen:
		case ended:
			return f, &connector.Problem{Offset: at, Text: "a question has no body: only a request line and header lines"}
		case !seen:
			seen = true
			method, path, ok := strings.Cut(line, " ")
			path = strings.TrimSpace(path)
			switch {
			case !ok || path == "":
				return f, &connector.Problem{Offset: at, Text: fmt.Sprintf("%q is not a request line: write it like GET /health", line)}
			case !readMethods[method] && readMethods[strings.ToUpper(method)]:
				return f, &connector.Problem{Offset: at, Text: "write the method in capitals: " + strings.ToUpper(method)}
			case !readMethods[method]:
				return f, &connector.Problem{Offset: at, Text: fmt.Sprintf("%s can change things: a question may use GET, HEAD or OPTIONS", method)}
			case strings.ContainsAny(path, " \t"):
				return f, &connector.Problem{Offset: at, Text: "the path holds a space: write %20, and leave HTTP/1.1 away"}
			}
			f.method, f.path = method, path
		default:
			name, value, ok := strings.Cut(line, ":")
			name = strings.TrimSpace(name)
			switch {
			case !ok || name == "" || strings.ContainsAny(name, " \t"):
				return f, &connector.Problem{Offset: at, Text: fmt.Sprintf("%q is not a header line: write Name: value", line)}
			case forbidden[strings.ToLower(name)]:
				return f, &connector.Problem{Offset: at, Text: "the header " + name + " may not be set in a question"}
			}
			f.headers.Add(name, strings.TrimSpace(value))
		}
	}
	if !seen {
		return f, &connector.Problem{Text: "the question is empty: write a request line like GET /health"}
	}
	return f, nil
}

// check reads a fence without its holes filled; a hole stands for "x".
func check(text probe.Template, _ map[string]string) []connector.Problem {
	_, problem := parseFence(text.Source())
	if problem == nil {
		return nil
	}
	return []connector.Problem{*problem}
}

// escape writes a hole's value: on the request line it is one path segment or
// query value, in a header it may not hold a line break.
func escape(before string, value any) (string, error) {
	text := fmt.Sprint(value)
	if strings.ContainsAny(text, "\r\n") {
		return "", fmt.Errorf("a value with a line break cannot stand in a request")
	}
	line := before[strings.LastIndexByte(before, '\n')+1:]
	if !strings.Contains(line, " ") || strings.Contains(line, ": ") {
		return text, nil
	}
	first := strings.TrimSpace(line)
	if strings.HasSuffix(first, "GET") || strings.HasSuffix(first, "HEAD") || strings.HasSuffix(first, "OPTIONS") {
		// the whole path is a hole: a configured path such as ${service.health}, kept as it is
		return strings.ReplaceAll(text, " ", "%20"), nil
	}
	if strings.Contains(line, "?") {
		return url.QueryEscape(text), nil
	}
	return url.PathEscape(text), nil
}
