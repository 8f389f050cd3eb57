package process

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/quellhq/quell/internal/secret"
)

// rpc calls methods over XML-RPC, the one language that supervisord speaks.
type rpc struct {
	address            string // for people, without credentials
	here               bool   // it is on this machine
	endpoint           string
	username, password string
	client             *http.Client
}

// fault is a method's refusal.
type fault struct {
	code int64
	text string
}

func (f *fault) Error() string { return f.text }

// newRPC reads unix:///path or http://host:port.
func newRPC(address, username string, password secret.String) (*rpc, error) {
	c := &rpc{address: address, username: username, password: password.Reveal()}
	transport := &http.Transport{DisableKeepAlives: true}
	if path, ok := strings.CutPrefix(address, "unix://"); ok && strings.HasPrefix(path, "/") {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}
		c.endpoint, c.here = "http://supervisor/RPC2", true
	} else {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			return nil, fmt.Errorf("url %q is none of supervisor: write unix:///path or http://host:port, and credentials as username and password", address)
		}
		ip, err := netip.ParseAddr(u.Hostname())
		c.endpoint, c.here = u.JoinPath("RPC2").String(), u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	}
	c.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c, nil
}

// mostAnswer bounds one answer, in bytes.
const mostAnswer = 4 << 20

// call calls a method with texts and truths. Its errors: a *fault where the
// method has refused; anything else where it may not have been reached.
func (c *rpc) call(ctx context.Context, method string, params ...any) (any, error) {
	body, err := encodeCall(method, params)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", method, err)
	}
	r.Header.Set("Content-Type", "text/xml")
	if c.username != "" {
		r.SetBasicAuth(c.username, c.password)
	}
	resp, err := c.client.Do(r)
	if err != nil {
		var address *url.Error
		if errors.As(err, &address) {
			err = address.Err
		}
		return nil, fmt.Errorf("ask supervisor at %s: %w", c.address, err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, fmt.Errorf("supervisor at %s wants another username or password", c.address)
	default:
		return nil, fmt.Errorf("supervisor at %s answers %s", c.address, resp.Status)
	}
	return decodeAnswer(io.LimitReader(resp.Body, mostAnswer))
}

func encodeCall(method string, params []any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header + "<methodCall><methodName>" + method + "</methodName><params>")
	for _, p := range params {
		b.WriteString("<param><value>")
		switch p := p.(type) {
		case bool:
			n := 0
			if p {
				n = 1
			}
			fmt.Fprintf(&b, "<boolean>%d</boolean>", n)
		case string:
			b.WriteString("<string>")
			if err := xml.EscapeText(&b, []byte(p)); err != nil {
				return nil, fmt.Errorf("call %s: %w", method, err)
			}
			b.WriteString("</string>")
		default:
			return nil, fmt.Errorf("call %s: %T is no parameter", method, p)
		}
		b.WriteString("</value></param>")
	}
	b.WriteString("</params></methodCall>")
	return b.Bytes(), nil
}

// answer is a methodResponse.
type answer struct {
	Value *value `xml:"params>param>value"`
	Fault *value `xml:"fault>value"`
}

// value is one of XML-RPC's values; a text may stand bare.
type value struct {
	Bare    string   `xml:",chardata"`
	Text    *string  `xml:"string"`
	Int     *int64   `xml:"int"`
	I4      *int64   `xml:"i4"`
	Truth   *int64   `xml:"boolean"`
	Array   *array   `xml:"array"`
	Members []member `xml:"struct>member"`
}

type array struct {
	Values []value `xml:"data>value"`
}

type member struct {
	Name  string `xml:"name"`
	Value value  `xml:"value"`
}

func decodeAnswer(body io.Reader) (any, error) {
	var a answer
	if err := xml.NewDecoder(body).Decode(&a); err != nil {
		return nil, fmt.Errorf("read supervisor's answer: %w", err)
	}
	if a.Fault != nil {
		m, _ := a.Fault.plain().(map[string]any)
		code, _ := m["faultCode"].(int64)
		text, _ := m["faultString"].(string)
		return nil, &fault{code: code, text: text}
	}
	if a.Value == nil {
		return nil, errors.New("read supervisor's answer: it holds no value")
	}
	return a.Value.plain(), nil
}

// plain turns a value into a text, a whole number, a truth, a list or a map.
func (v value) plain() any {
	switch {
	case v.Text != nil:
		return *v.Text
	case v.Int != nil:
		return *v.Int
	case v.I4 != nil:
		return *v.I4
	case v.Truth != nil:
		return *v.Truth != 0
	case v.Array != nil:
		out := make([]any, len(v.Array.Values))
		for n, e := range v.Array.Values {
			out[n] = e.plain()
		}
		return out
	case v.Members != nil:
		out := map[string]any{}
		for _, m := range v.Members {
			out[m.Name] = m.Value.plain()
		}
		return out
	}
	return strings.TrimSpace(v.Bare)
}
