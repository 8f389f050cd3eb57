package auth_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql/auth"
)

// line reads JSON flat, as the engine does, or takes text as it is.
func line(at int64, text string) auth.Line {
	l := auth.Line{At: at, Text: []byte(text), Message: []byte(text)}
	if !strings.HasPrefix(text, "{") {
		return l
	}
	var values map[string]any
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		panic(err)
	}
	for k, v := range values {
		if k == "message" || k == "msg" || k == "event" {
			l.Message = []byte(v.(string))
			continue
		}
		l.Fields = append(l.Fields, auth.Field{Name: []byte(k), Value: []byte(fmt.Sprint(v))})
	}
	return l
}

func TestReasons(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text   string
		out    auth.Outcome
		reason auth.Reason
	}{
		// Tokens.
		{`{"message":"Authentication failed","details_reason":"token expired","user_id":"7"}`, auth.Refused, auth.Expired},
		{`{"message":"jwt.exceptions.ExpiredSignatureError: Signature has expired"}`, auth.Refused, auth.Expired},
		{`WARN JWT expired at 2026-01-01T10:00:00Z. Current time: 2026-01-01T10:05:00Z`, auth.Refused, auth.Expired},
		{`{"message":"request rejected","error_type":"TokenExpiredError","status_code":401,"path":"/me"}`, auth.Refused, auth.Expired},
		{`{"message":"Token rejected","reason":"Signature verification failed"}`, auth.Refused, auth.Signature},
		{`JsonWebTokenError: invalid signature`, auth.Refused, auth.Signature},
		{`{"message":"authentication failed","details_reason":"bad signature"}`, auth.Refused, auth.Signature},
		{`JWT signature does not match locally computed signature`, auth.Refused, auth.Signature},
		{`ERROR token check: unable to find a signing key that matches: "2026-02"`, auth.Refused, auth.Signature},
		{`auth: unknown kid "k2" in token`, auth.Refused, auth.Signature},
		{`jwt.exceptions.ImmatureSignatureError: The token is not yet valid (nbf)`, auth.Refused, auth.Early},
		{`Could not validate credentials`, auth.Refused, auth.Token},
		{`invalid token: malformed`, auth.Refused, auth.Token},
		// Sessions.
		{`{"message":"session not found","session_id":"x","status_code":401}`, auth.Refused, auth.Session},
		{`Session expired for user alice`, auth.Refused, auth.Session},
		{`{"message":"unknown session, redirecting to login"}`, auth.Refused, auth.Session},
		{`Not authenticated: no session cookie`, auth.Refused, auth.Missing},
		{`Authentication credentials were not provided.`, auth.Refused, auth.Missing},
		{`Forbidden (CSRF cookie not set.): /login/`, auth.Refused, auth.Forgery},
		// Logins.
		{`Failed password for invalid user admin from 203.0.113.9 port 4242 ssh2`, auth.Refused, auth.Password},
		{`{"message":"login failed","reason":"wrong password","user":"bob","ip":"203.0.113.9"}`, auth.Refused, auth.Password},
		{`authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.9 user=root`, auth.Refused, auth.Password},
		{`Invalid credentials for user bob`, auth.Refused, auth.Password},
		{`user not found: bob@example.com`, auth.Refused, auth.Password},
		{`login attempt failed user=bob ip=203.0.113.9`, auth.Refused, auth.Login},
		{`Authentication failed`, auth.Refused, auth.Other},
		{`auth service unavailable: connection refused`, auth.Refused, auth.Service},
		{`could not reach identity provider: timeout`, auth.Refused, auth.Service},
		{`failed to fetch JWKS: 503`, auth.Refused, auth.Service},
		{`{"message":"login","path":"/login","method":"POST","status_code":503}`, auth.Refused, auth.Service},
		{`203.0.113.9 - - [28/Nov/2026:23:00:00 +0000] "POST /login HTTP/1.1" 401 12 "-" "curl"`, auth.Refused, auth.Login},
		{`{"msg":"request completed","req_method":"POST","req_url":"/login","res_statusCode":401}`, auth.Refused, auth.Login},
		{`{"message":"","http_request_method":"POST","url_path":"/signin","http_response_status_code":401}`, auth.Refused, auth.Login},
		{`INFO:     203.0.113.9:51000 - "GET /me HTTP/1.1" 401 Unauthorized`, auth.Refused, auth.Other},
		// Let in.
		{`{"message":"Login successful","user_id":"7"}`, auth.In, ""},
		{`user bob logged in from 203.0.113.9`, auth.In, ""},
		{`Accepted password for bob from 203.0.113.9 port 4242 ssh2`, auth.In, ""},
		{`203.0.113.9 - - [28/Nov/2026:23:00:00 +0000] "POST /auth/login HTTP/1.1" 200 12 "-" "curl"`, auth.In, ""},
		{`203.0.113.9 - - [28/Nov/2026:23:00:00 +0000] "GET /products/7 HTTP/1.1" 200 12 "-" "curl"`, auth.Served, ""},
		// Of something else.
		{`FATAL: password authentication failed for user "shop"`, 0, ""},
		{`WRONGPASS invalid username-password pair or user is disabled.`, 0, ""},
		{`webhook rejected: invalid signature`, 0, ""},
		{`x509: certificate has expired or is not yet valid`, 0, ""},
		{`smtplib.SMTPAuthenticationError: (535, b'5.7.8 Error: authentication failed')`, 0, ""},
		{`mail to the customer failed: 535 5.7.8 Username and Password not accepted`, 0, ""},
		{`payment authorization failed: do not honour`, 0, ""},
		{`authorization failed, card was declined`, 0, ""},
		{`MongoServerError: Authentication failed.`, 0, ""},
		{`failed to authenticate with s3: access denied`, 0, ""},
		{`order 17 was signed for by the neighbour`, 0, ""},
		{`user bob logged out`, 0, ""},
		{`token bucket refilled, 100 requests left`, 0, ""},
		{`session pool size is 20`, 0, ""},
		{`GET /products took 12 ms`, 0, ""},
		{`login page rendered in 12 ms`, 0, ""},
		{`cache entry expired, loading product 7 again`, 0, ""},
	} {
		var r auth.Reader
		e, ok := r.Read(line(1, c.text))
		require.Equal(t, c.out != 0, ok, "%s: %+v", c.text, e)
		if ok {
			require.Equal(t, c.out, e.Outcome, c.text)
			require.Equal(t, c.reason, e.Reason, c.text)
		}
	}
}

func TestWhoAndFromWhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, user, ip string }{
		{`Failed password for invalid user admin from 203.0.113.9 port 4242 ssh2`, "admin", "203.0.113.9"},
		{`authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.9 user=root`, "root", "203.0.113.9"},
		{`Invalid credentials for user bob@example.com from [2001:db8::7]`, "bob@example.com", "2001:db8::7"},
		{`{"message":"login failed","user_id":"7","x_forwarded_for":"203.0.113.9, 10.0.0.1","remote_addr":"10.0.0.1"}`, "7", "203.0.113.9"},
		{`{"message":"login failed","details_user":"bob","client":"203.0.113.9:4000"}`, "bob", "203.0.113.9"},
	} {
		var r auth.Reader
		e, ok := r.Read(line(1, c.text))
		require.True(t, ok, c.text)
		require.Equal(t, c.user, e.User, c.text)
		require.Equal(t, c.ip, e.IP, c.text)
	}
}
