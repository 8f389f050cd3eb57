package promapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
)

// read turns a response into a reply, or says how the question ended. The
// error types are those of the documented HTTP API of Prometheus.
func (c *Client) read(res *http.Response, path string, body []byte) (Reply, error) {
	var e envelope
	jsonErr := json.Unmarshal(body, &e)
	if res.StatusCode == http.StatusOK && jsonErr == nil && (e.Status == "success" || e.Status == "") && e.ErrorType == "" {
		if e.Data == nil {
			e.Data = body // Loki's /ready and Grafana's health have no envelope
		}
		return Reply{Data: e.Data, Notes: append(e.Warnings, e.Infos...)}, nil
	}
	text := e.Error
	if text == "" {
		text = e.Message
	}
	if text == "" {
		text = firstLine(body)
	}
	say := func(status evidence.Status, reason, hint string) (Reply, error) {
		return Reply{}, c.fail(evidence.Not(status, c.what()+": "+reason, hint))
	}
	code := res.StatusCode
	switch {
	case strings.Contains(text, "no org id"):
		return say(evidence.Denied, "it serves several tenants and was not told which", "set tenant for this target")
	case code == http.StatusUnauthorized:
		return say(evidence.Denied, "not let in (HTTP 401)", "set user and password, or bearer, for this target")
	case code == http.StatusForbidden:
		return say(evidence.Denied, "let in, and not allowed to ask (HTTP 403): "+text, "give this user or token the right to query (in Grafana: the role Viewer with datasources:query)")
	case e.ErrorType == "bad_data" || code == http.StatusBadRequest:
		return say(evidence.Invalid, "the query is wrong: "+text, "")
	case e.ErrorType == "timeout" || code == http.StatusGatewayTimeout:
		return say(evidence.TimedOut, "the server gave up on the query: "+text, "")
	case e.ErrorType == "execution" || code == http.StatusUnprocessableEntity:
		return say(evidence.Invalid, "the server could not evaluate the query: "+text, "")
	case code == http.StatusNotFound:
		return say(evidence.Unreachable, fmt.Sprintf("there is no API at %s (HTTP 404): the path in the address is wrong, or this is another server", c.base.Path+path),
			"the address ends before "+firstPart(path)+"; behind Grafana it ends in /api/datasources/proxy/uid/UID")
	case code == http.StatusTooManyRequests:
		return say(evidence.NotAsked, "the server limits how often it may be asked (HTTP 429): "+text, "")
	case code >= 300 && code < 400:
		return say(evidence.Denied, "sent on to another address (HTTP "+res.Status+"), as to a login page", "set user and password, or bearer, for this target")
	case code >= 500:
		return say(evidence.Unreachable, fmt.Sprintf("it answers HTTP %d: %s", code, text), "")
	case code == http.StatusOK && jsonErr != nil:
		if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
			return say(evidence.Denied, "it answers with a web page and not with data: a login page, or another server", "set user and password, or bearer; check the path of the address")
		}
		return say(evidence.Unreachable, "the answer is cut off or is not JSON", "")
	}
	return say(evidence.Unreachable, fmt.Sprintf("it answers HTTP %d: %s", code, text), "")
}

// firstLine is the beginning of a body that is not the API's own, for a reason.
func firstLine(body []byte) string {
	const longest = 160
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if strings.HasPrefix(line, "<") {
		return "a web page"
	}
	if len(line) > longest {
		line = line[:longest] + "…"
	}
	if line == "" {
		return "without a word"
	}
	return line
}

// firstPart is /api or /loki: what the address must not hold yet.
func firstPart(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return "/" + first
}
