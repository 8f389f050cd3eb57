package http

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

// maxText is how much of a body is kept as text: enough for an error page or a
// health report, too little to carry data away.
const maxText = 16 << 10

// maxJSON is how long a body may be to be read as JSON.
const maxJSON = 256 << 10

func (t *target) value(r result) map[string]any {
	v := map[string]any{
		"ok": r.ok(), "answered": r.status > 0,
		"phase_failed": r.phase, "error": r.kind, "error_text": "",
		"status": int64(r.status), "address": r.address,
		"dns_s": r.dns.Seconds(), "connect_s": r.connect.Seconds(), "tls_s": r.tls.Seconds(),
		"first_byte_s": r.firstByte.Seconds(), "total_s": r.total.Seconds(),
		"headers": t.headerValue(r.header), "bytes": r.bytes, "truncated": r.cut,
		"body_text": "", "json": nil,
		"redirects": texts(r.redirects), "redirect_elsewhere": r.elsewhere,
		"certificate_days_left": nil, "clock_offset_s": nil,
	}
	if r.err != nil {
		v["error_text"] = t.tools.Redact.Text(r.err.Error())
	}
	if !r.notAfter.IsZero() {
		v["certificate_days_left"] = r.notAfter.Sub(t.tools.Now()).Hours() / 24
	}
	if r.hasDate {
		v["clock_offset_s"] = r.offset
	}
	if text, ok := bodyText(r.body); ok {
		v["body_text"] = t.tools.Redact.Text(text)
	}
	if doc, ok := parseJSON(r.body); ok && !r.cut {
		v["json"] = hide(t.tools.Redact.Value(doc))
	}
	return v
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// headerValue gives headers with lower-case names. Cookies keep their names only.
func (t *target) headerValue(h http.Header) map[string]any {
	out := map[string]any{}
	for name, values := range h {
		key := strings.ToLower(name)
		if key == "set-cookie" {
			var names []string
			for _, v := range values {
				cookie, _, _ := strings.Cut(v, "=")
				names = append(names, cookie+"="+secret.Placeholder)
			}
			sort.Strings(names)
			values = names
		}
		if secretName.MatchString(key) {
			out[key] = secret.Placeholder
			continue
		}
		out[key] = t.tools.Redact.Text(strings.Join(values, ", "))
	}
	return out
}

func bodyText(body []byte) (string, bool) {
	if len(body) > maxText {
		body = body[:maxText]
		for len(body) > 0 && !utf8.Valid(body[max(0, len(body)-4):]) {
			body = body[:len(body)-1]
		}
	}
	if bytes.IndexByte(body, 0) >= 0 {
		return "", false
	}
	return strings.ToValidUTF8(string(body), "�"), true
}

func parseJSON(body []byte) (any, bool) {
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) == 0 || len(trimmed) > maxJSON || trimmed[0] != '{' && trimmed[0] != '[' {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(trimmed))
	dec.UseNumber()
	var doc any
	if dec.Decode(&doc) != nil || dec.More() {
		return nil, false
	}
	return plain(doc), true
}

// plain turns json.Number into int64 or float64.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}

var secretName = regexp.MustCompile(`(?i)(password|passwd|secret|token|api[_-]?key|private[_-]?key|credential|authorization)`)

// hide replaces the values under keys that name a secret. The redactor sees
// texts one by one and cannot know what their key was.
func hide(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = hide(v[i])
		}
	case map[string]any:
		for k := range v {
			if _, isText := v[k].(string); isText && secretName.MatchString(k) {
				v[k] = secret.Placeholder
				continue
			}
			v[k] = hide(v[k])
		}
	}
	return v
}

func fields() []probe.Field {
	return []probe.Field{
		{Name: "ok", Type: "bool", About: "a whole answer came, with a status from 200 to 399"},
		{Name: "answered", Type: "bool", About: "a response line came, whatever its status"},
		{Name: "phase_failed", Type: "text", About: "dns, connect, tls, write, first_byte, body or redirect; empty when none failed"},
		{Name: "error", Type: "text", About: "refused, timeout, reset, closed, unroutable, no_such_host, lookup_failed, tls_name, tls_expired, tls_authority, tls_not_spoken, tls_client_certificate, tls_failed, no_local_port, too_many_files, redirect_loop, other; empty when there is none"},
		{Name: "error_text", Type: "text", About: "the error as the network said it"},
		{Name: "status", Type: "number", About: "status code; 0 when no response line came"},
		{Name: "address", Type: "text", About: "the ip:port that was used last"},
		{Name: "dns_s", Type: "number", About: "seconds to look the name up"},
		{Name: "connect_s", Type: "number", About: "seconds to connect"},
		{Name: "tls_s", Type: "number", About: "seconds for the TLS handshake"},
		{Name: "first_byte_s", Type: "number", About: "seconds from the request sent to the first byte of the answer"},
		{Name: "total_s", Type: "number", About: "seconds in all, of the last request of a redirect chain"},
		{Name: "headers", Type: "object", About: "headers of the answer, names in lower case; secrets and cookie values are hidden"},
		{Name: "bytes", Type: "number", About: "bytes of the body that were read"},
		{Name: "truncated", Type: "bool", About: "the body was longer than what was read"},
		{Name: "body_text", Type: "text", About: "the first 16 KiB of the body when it is text"},
		{Name: "json", Type: "object", About: "the body when it is JSON of up to 256 KiB; null otherwise"},
		{Name: "redirects", Type: "list", About: "addresses that redirects named, in order, without their queries"},
		{Name: "redirect_elsewhere", Type: "text", About: "a redirect to another host, which is not followed"},
		{Name: "certificate_days_left", Type: "number", About: "days until the served certificate expires; null without TLS"},
		{Name: "clock_offset_s", Type: "number", About: "our clock minus the server's, seconds, good to half a second; null without a Date header"},
	}
}
