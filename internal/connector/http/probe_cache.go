package http

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func cacheSpec() probe.Spec {
	return probe.Spec{
		Name:     "http.cache",
		Question: "Does a cache on the way give something else than the service itself would?",
		Why:      "A wrong or an old answer that a CDN keeps looks like a fault of the service, and no restart of the service helps.",
		Cost:     "three GET requests: one as users send it, two past the cache; where no origin is named those leave two entries in the cache under a name of their own",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "path", Type: probe.Text, Default: `""`, About: "path to ask for; empty: the path of the target's url"},
			{Name: "origin", Type: probe.Text, Default: `""`, About: "host:port of the service behind the cache, asked with the same Host and TLS name; empty: past the cache by a query that nobody else sends"},
		},
		Fields: []probe.Field{
			{Name: "cached", Type: "bool", About: "the answer was kept by a cache; null where nothing in it tells"},
			{Name: "sign", Type: "text", About: "the headers that tell"},
			{Name: "status", Type: "number", About: "as users get it; 0 when none came"},
			{Name: "origin_status", Type: "number", About: "past the cache; 0 when none came"},
			{Name: "same", Type: "bool", About: "the body is the same as past the cache; null where the service's own answers differ from one to the next, or one did not come"},
			{Name: "stable", Type: "bool", About: "two answers past the cache were the same"},
			{Name: "bypassed", Type: "bool", About: "the two answers past the cache were not kept by one; null where nothing tells"},
			{Name: "bytes", Type: "number", About: "of the body as users get it"},
			{Name: "origin_bytes", Type: "number", About: "of the body past the cache"},
			{Name: "type", Type: "text", About: "content type as users get it, without parameters"},
			{Name: "origin_type", Type: "text", About: "content type past the cache"},
			{Name: "same_etag", Type: "bool", About: "the ETag is the same; null where one has none"},
			{Name: "age_s", Type: "number", About: "how long the answer was kept; null without Age"},
			{Name: "max_age_s", Type: "number", About: "how long it may be kept by a shared cache; null where it is not said"},
			{Name: "stale", Type: "bool", About: "it was kept longer than it may be; null where one of the two is not said"},
			{Name: "private", Type: "bool", About: "the answer was kept although it sets a cookie or says private or no-store"},
			{Name: "broken", Type: "bool", About: "the body as users get it is not what its type says: JSON that is none, text with zero bytes, or shorter than announced; null for types that cannot be judged"},
			{Name: "text", Type: "text", About: "the beginning of the body as users get it"},
			{Name: "origin_text", Type: "text", About: "the beginning of the body past the cache"},
			{Name: "path", Type: "text", About: "what was asked for"},
		},
		Outcomes: []probe.Outcome{
			{When: "cached, and status or body differ from the origin's", Means: "the cache holds something wrong or old: clear that path"},
			{When: "cached and private", Means: "what is meant for one person is kept for all: clear it now, and mend the headers"},
			{When: "not cached and different", Means: "not the cache's doing"},
			{When: "same is null and stable is false", Means: "the page is different each time: ask for a path that is not"},
		},
	}
}

func (t *target) cacheCheck(ctx context.Context, q probe.Question) evidence.Answer {
	path, _ := q.Args["path"].(string)
	if path == "" {
		path = t.config.base.Path
	}
	req, err := t.get(path)
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "write a path, like /app.css")
	}
	req.more = true
	past := req
	origin, _ := q.Args["origin"].(string)
	if origin != "" {
		if _, _, err := net.SplitHostPort(origin); err != nil {
			return evidence.Not(evidence.Invalid, "origin is written host:port", "")
		}
		past.address = origin
	}
	var got [3]result // as users do, and twice past the cache
	for i, r := range []request{req, past, past} {
		if i > 0 && origin == "" {
			r = aside(r)
		}
		if got[i], err = t.do(ctx, r); err != nil {
			return failed(req, err)
		}
	}
	return evidence.Of(t.compared(path, got))
}

// aside is the same request under a name that no cache can know.
func aside(r request) request {
	var random [8]byte
	_, _ = rand.Read(random[:])
	u := *r.url
	query := u.Query()
	query.Set("quell", hex.EncodeToString(random[:]))
	u.RawQuery = query.Encode()
	r.url = &u
	r.headers = r.headers.Clone()
	if r.headers == nil {
		r.headers = http.Header{}
	}
	r.headers.Set("Cache-Control", "no-cache")
	return r
}

func (t *target) compared(path string, got [3]result) map[string]any {
	user, one, two := got[0], got[1], got[2]
	v := map[string]any{
		"cached": temperatureValue(user), "sign": signText(user), "path": path,
		"status": int64(user.status), "origin_status": int64(one.status),
		"same": nil, "stable": bodyDigest(one) == bodyDigest(two) && one.status == two.status, "bypassed": nil,
		"bytes": user.bytes, "origin_bytes": one.bytes, "type": kindOf(user), "origin_type": kindOf(one),
		"broken": broken(user), "same_etag": nil, "age_s": nil, "max_age_s": nil, "stale": nil,
		"private": sign(user) == warm && forOne(user.header), "text": "", "origin_text": "",
	}
	if a, b := temperatureValue(one), temperatureValue(two); a != nil && b != nil {
		v["bypassed"] = a == false && b == false
	}
	if user.status > 0 && one.status > 0 && v["stable"] == true && user.phase == "" && one.phase == "" && !user.cut && !one.cut {
		v["same"] = bodyDigest(user) == bodyDigest(one)
	}
	if a, b := etag(user), etag(one); a != "" && b != "" {
		v["same_etag"] = a == b
	}
	age, hasAge := seconds(user.header.Get("Age"))
	most, hasMost := maxAge(user.header)
	if hasAge {
		v["age_s"] = age
	}
	if hasMost {
		v["max_age_s"] = most
	}
	if hasAge && hasMost {
		v["stale"] = age > most
	}
	for name, r := range map[string]result{"text": user, "origin_text": one} {
		const most = 300
		if text, ok := bodyText(r.body[:min(len(r.body), most)]); ok {
			v[name] = t.tools.Redact.Text(text)
		}
	}
	return v
}

func temperatureValue(r result) any {
	switch sign(r) {
	case warm:
		return true
	case cold:
		return false
	}
	return nil
}

func signText(r result) string {
	var parts []string
	for _, name := range append([]string{"Age"}, signHeaders...) {
		for _, value := range r.header.Values(name) {
			parts = append(parts, strings.ToLower(name)+": "+value)
		}
	}
	return strings.Join(parts, ", ")
}

func bodyDigest(r result) [sha256.Size]byte { return sha256.Sum256(r.body) }

func kindOf(r result) string {
	kind, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
	return strings.TrimSpace(kind)
}

// broken reports whether a body is not what its type says; nil where that
// cannot be told.
func broken(r result) any {
	kind := kindOf(r)
	switch {
	case r.status == 0 || r.cut:
		return nil
	case r.phase == "body":
		return true
	case strings.HasSuffix(kind, "json"):
		return len(bytes.TrimSpace(r.body)) > 0 && !json.Valid(r.body)
	case strings.HasPrefix(kind, "text/"), strings.HasSuffix(kind, "javascript"), strings.HasSuffix(kind, "xml"):
		return bytes.IndexByte(r.body, 0) >= 0
	}
	return nil
}

// etag without the mark of a weak one, which compressing adds.
func etag(r result) string { return strings.TrimPrefix(r.header.Get("Etag"), "W/") }

// forOne reports whether an answer is meant for one person only.
func forOne(h http.Header) bool {
	control := strings.ToLower(h.Get("Cache-Control"))
	return h.Get("Set-Cookie") != "" || strings.Contains(control, "private") || strings.Contains(control, "no-store")
}

// maxAge is how long a shared cache may keep an answer.
func maxAge(h http.Header) (float64, bool) {
	control := map[string]string{}
	for _, d := range strings.Split(strings.ToLower(h.Get("Cache-Control")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(d), "=")
		control[name] = strings.Trim(value, `"`)
	}
	if s, ok := seconds(control["s-maxage"]); ok {
		return s, true
	}
	return seconds(control["max-age"])
}

func seconds(s string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return n, err == nil && n >= 0
}
