package http

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func cookiesSpec() probe.Spec {
	return probe.Spec{
		Name:     "http.cookies",
		Question: "Which cookies does a page set, would a browser keep them, and does the service know them again?",
		Why:      "A session that does not last is often a cookie that the browser throws away or never sends back: one attribute is enough. Values are never shown.",
		Cost:     "a GET of the page with its redirects, and a second one with the cookies sent back",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "path", Type: probe.Text, Default: `""`, About: "page that sets the cookie, such as /login; empty: the path of the target's url"},
		},
		Fields: []probe.Field{
			{Name: "path", Type: "text", About: "the path that was asked for"},
			{Name: "status", Type: "number", About: "status of the last answer; 0 when none came"},
			{Name: "scheme", Type: "text", About: "http or https, of the last address"},
			{Name: "count", Type: "number", About: "cookies that were set"},
			{Name: "cookies", Type: "rows", About: "name, session (its name is one of a session or a token), secure, http_only, same_site (lax, strict, none or empty), path, domain (empty where none is named), life_s (seconds it lives; null: until the browser ends), bytes, kept (a browser keeps it and sends it to the whole service), faults (secure_on_http, wrong_domain, narrow_path, expired, short_lived: under a minute, none_not_secure, prefix, too_big)"},
			{Name: "sessions", Type: "number", About: "cookies of a session among them"},
			{Name: "lost", Type: "list", About: "names of those cookies of a session that a browser would not keep"},
			{Name: "faults", Type: "list", About: "the faults of the cookies of a session, each once"},
			{Name: "renewed", Type: "bool", About: "asked again with the cookies, the service set another session: it did not know its own; null where no cookie of a session is kept"},
		},
		Outcomes: []probe.Outcome{
			{When: "lost is not empty", Means: "the browser throws the session away: faults says why"},
			{When: "faults has secure_on_http", Means: "the cookie is for https only and the page came over http; where users come through https and this target is behind it, that is right"},
			{When: "renewed is true", Means: "the cookie comes back and is not understood: another key, another store, or another process"},
			{When: "sessions is 0", Means: "this page sets no session; ask one that does, such as the login page"},
		},
	}
}

func (t *target) cookies(ctx context.Context, q probe.Question) evidence.Answer {
	page, _ := q.Args["path"].(string)
	req, err := t.get(page)
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "write a path, like /login")
	}
	first, last, err := t.collect(ctx, req, nil)
	if err != nil {
		return failed(req, err)
	}
	if last.status == 0 {
		return evidence.Not(evidence.Unreachable, "no answer came: "+last.sentence(), "")
	}
	v := map[string]any{"path": req.url.Path, "status": int64(last.status), "scheme": last.url.Scheme, "count": int64(len(first)), "renewed": nil}
	rows, lost, faults := []any{}, []any{}, []any{}
	sessions, back := 0, map[string]string{}
	for _, c := range first {
		session := sessionName.MatchString(c.Name) && !forgeryName.MatchString(c.Name)
		wrong := faultsOf(c.Cookie, c.raw, c.from, t.config.base, t.tools.Now())
		life, ends := lifeOf(c.Cookie, t.tools.Now())
		row := map[string]any{
			"name": c.Name, "session": session, "secure": c.Secure, "http_only": c.HttpOnly, "same_site": sameSite(c.SameSite),
			"path": pathOf(c.Cookie, c.from), "domain": c.Domain, "life_s": nil, "bytes": int64(len(c.raw)), "kept": kept(wrong), "faults": texts(wrong),
		}
		if ends {
			row["life_s"] = life.Seconds()
		}
		rows = append(rows, row)
		if kept(wrong) {
			back[c.Name] = c.Value
		}
		if !session {
			continue
		}
		sessions++
		if !kept(wrong) {
			lost = append(lost, c.Name)
		}
		for _, f := range wrong {
			if !slices.Contains(faults, any(f)) {
				faults = append(faults, f)
			}
		}
	}
	v["cookies"], v["sessions"], v["lost"], v["faults"] = rows, int64(sessions), lost, faults
	if sessions > len(lost) && len(back) > 0 {
		again, last, err := t.collect(ctx, req, back)
		if err == nil && last.status != 0 {
			v["renewed"] = renewed(again, back)
		}
	}
	return evidence.Of(v)
}

// renewed reports whether a session was begun anew though one was sent.
func renewed(again []cookie, back map[string]string) bool {
	for _, c := range again {
		value, sent := back[c.Name]
		// What only ends differently, or is signed anew, begins alike.
		if sent && sessionName.MatchString(c.Name) && !forgeryName.MatchString(c.Name) && value != c.Value && stem(value) != stem(c.Value) {
			return true
		}
	}
	return false
}

// stem is the part of a signed value before its signature.
func stem(value string) string {
	if i := strings.IndexAny(value, ".:|"); i > 8 {
		return value[:i]
	}
	return value
}

type cookie struct {
	*http.Cookie
	raw  string
	from *url.URL
}

type lastAnswer struct {
	result
	url *url.URL
}

// maxCookies bounds what one page may set.
const maxCookies = 50

// collect follows the redirects of a page on its host, as a browser that keeps
// cookies would, and gives the cookies that were set on the way; of those with
// one name the last.
func (t *target) collect(ctx context.Context, req request, send map[string]string) ([]cookie, lastAnswer, error) {
	jar := map[string]string{}
	for k, v := range send {
		jar[k] = v
	}
	var found []cookie
	for hop := 0; ; hop++ {
		one := req
		one.follow, one.more = false, true
		one.headers = req.headers.Clone()
		// A browser asks for a page; some services set their cookies on pages alone.
		one.headers.Set("Accept", "text/html,*/*;q=0.8")
		// In order, so that the same question is the same request.
		for _, name := range sortedKeys(jar) {
			one.headers.Add("Cookie", (&http.Cookie{Name: name, Value: jar[name]}).String())
		}
		if list := one.headers.Values("Cookie"); len(list) > 1 {
			one.headers.Set("Cookie", strings.Join(list, "; "))
		}
		r, err := t.do(ctx, one)
		if err != nil {
			return nil, lastAnswer{}, err
		}
		for _, raw := range r.header.Values("Set-Cookie") {
			c, err := http.ParseSetCookie(raw)
			if err != nil || len(found) >= maxCookies {
				continue
			}
			found = slices.DeleteFunc(found, func(o cookie) bool { return o.Name == c.Name })
			found = append(found, cookie{Cookie: c, raw: raw, from: one.url})
			if kept(faultsOf(c, raw, one.url, t.config.base, t.tools.Now())) {
				jar[c.Name] = c.Value
			}
		}
		next := r.header.Get("Location")
		if r.status < 300 || r.status > 399 || next == "" || hop == maxRedirects {
			return found, lastAnswer{r, one.url}, nil
		}
		to, err := one.url.Parse(next)
		if err != nil || to.Host != req.url.Host || to.Scheme != req.url.Scheme {
			return found, lastAnswer{r, one.url}, nil
		}
		req.url = to
	}
}

func sortedKeys(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

func sameSite(s http.SameSite) string {
	switch s {
	case http.SameSiteLaxMode:
		return "lax"
	case http.SameSiteStrictMode:
		return "strict"
	case http.SameSiteNoneMode:
		return "none"
	}
	return ""
}
