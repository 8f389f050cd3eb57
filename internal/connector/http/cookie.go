package http

import (
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"
)

// maxCookie is how long a cookie may be for browsers to keep it (RFC 6265, 6.1).
const maxCookie = 4096

// brief is a life too short for anybody to get from the login to the next page
// and read it.
const brief = time.Minute

// sessionName knows cookies that say who somebody is by the names that
// frameworks give them.
var sessionName = regexp.MustCompile(`(?i)sess|\bsid\b|_sid|sid$|auth|token|jwt|login|remember|identity|aspxauth|^connect\.`)

// forgeryName are cookies against forged forms, which are no sessions.
var forgeryName = regexp.MustCompile(`(?i)csrf|xsrf|antiforgery|requestverification`)

// faultsOf says why a browser would not keep a cookie, or not send it to the
// other pages of the service. From is the address that it came with, base where
// the service begins.
func faultsOf(c *http.Cookie, raw string, from, base *url.URL, now time.Time) []string {
	var faults []string
	add := func(wrong bool, word string) {
		if wrong {
			faults = append(faults, word)
		}
	}
	plain := from.Scheme == "http"
	add(c.Secure && plain, "secure_on_http")
	add(c.Domain != "" && !within(from.Hostname(), c.Domain), "wrong_domain")
	add(!below(base.Path, pathOf(c, from)), "narrow_path")
	life, ends := lifeOf(c, now)
	add(ends && life <= 0, "expired")
	add(ends && life > 0 && life < brief, "short_lived")
	add(c.SameSite == http.SameSiteNoneMode && !c.Secure, "none_not_secure")
	add(strings.HasPrefix(c.Name, "__Secure-") && !c.Secure, "prefix")
	add(strings.HasPrefix(c.Name, "__Host-") && (!c.Secure || c.Domain != "" || c.Path != "/"), "prefix")
	add(len(raw) > maxCookie, "too_big")
	return faults
}

// kept reports whether a browser sends a cookie with these faults back.
func kept(faults []string) bool {
	for _, f := range faults {
		if f != "short_lived" {
			return false
		}
	}
	return true
}

// lifeOf is how long a cookie lives; false where it ends with the browser.
func lifeOf(c *http.Cookie, now time.Time) (time.Duration, bool) {
	switch {
	case c.MaxAge < 0:
		return 0, true
	case c.MaxAge > 0:
		return time.Duration(min(c.MaxAge, 1<<32)) * time.Second, true
	case !c.Expires.IsZero():
		return c.Expires.Sub(now), true
	}
	return 0, false
}

// within reports whether a host belongs to the domain of a cookie.
func within(host, domain string) bool {
	host, domain = strings.ToLower(host), strings.ToLower(strings.TrimPrefix(domain, "."))
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// pathOf is the path of a cookie: its own, or the directory of the page.
func pathOf(c *http.Cookie, from *url.URL) string {
	if strings.HasPrefix(c.Path, "/") {
		return c.Path
	}
	dir := path.Dir("/" + strings.TrimPrefix(from.Path, "/"))
	if strings.HasSuffix(from.Path, "/") {
		dir = strings.TrimSuffix(from.Path, "/")
	}
	if dir == "" || dir == "." {
		return "/"
	}
	return dir
}

// below reports whether a page lies where a cookie's path reaches.
func below(page, cookie string) bool {
	page, cookie = "/"+strings.Trim(page, "/")+"/", "/"+strings.Trim(cookie, "/")+"/"
	if cookie == "//" {
		return true
	}
	return strings.HasPrefix(page, cookie)
}
