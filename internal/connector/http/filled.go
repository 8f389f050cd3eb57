package http

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

// actionAgent names us in access logs where we change something.
const actionAgent = "quell"

// filled is a declared call with its values: what is sent, and what is read to
// see whether it was made.
type filled struct {
	call
	given    map[string]any
	req      request
	readback *filledCheck
}

type filledCheck struct {
	readback
	req              request
	equals, contains string
}

// read finds and fills the call of a change. The errors are refusals.
func (t *target) read(c action.Change) (filled, error) {
	name := c.Args.Text("call")
	known, ok := t.config.calls[name]
	if !ok {
		hint := "declare it under calls of the target"
		if names := callNames(t.config.calls); len(names) > 0 {
			hint = "declared are: " + strings.Join(names, ", ")
		}
		return filled{}, action.Undeclared(hint, "no call %q is declared", name)
	}
	f := filled{call: known}
	var err error
	if f.given, err = known.values.Read(c.Args.List("values")); err != nil {
		return f, err
	}
	if err := t.fill(&f); err != nil {
		return f, action.Refuse("", "call %s: %s", name, err)
	}
	return f, nil
}

func (t *target) fill(f *filled) error {
	line, err := write(f.request, f.given, pathHole)
	if err != nil {
		return err
	}
	method, path, _ := strings.Cut(line, " ")
	if f.req, err = t.to(path); err != nil {
		return err
	}
	f.req.method, f.req.follow, f.req.timeout = method, false, f.timeout
	f.req.headers.Set("User-Agent", actionAgent)
	for name, value := range f.headers {
		text, err := write(value, f.given, plainHole)
		if err != nil {
			return err
		}
		f.req.headers.Set(name, text)
	}
	escape := map[form]func(string, any) (string, error){plainBody: plainHole, jsonBody: jsonHole, formBody: formHole}[f.form]
	body, err := write(f.body, f.given, escape)
	if err != nil {
		return err
	}
	if body != "" {
		f.req.body = []byte(body)
	}
	if f.check == nil {
		return nil
	}
	r := &filledCheck{readback: *f.check}
	if path, err = write(r.get, f.given, pathHole); err != nil {
		return err
	}
	if r.req, err = t.to(path); err != nil {
		return err
	}
	r.req.timeout = f.timeout
	r.req.headers.Set("Cache-Control", "no-cache") // the world, not what a cache remembers of it
	if r.equals, err = write(r.readback.equals, f.given, plainHole); err != nil {
		return err
	}
	r.contains, err = write(r.readback.contains, f.given, plainHole)
	f.readback = r
	return err
}

func write(t probe.Template, values map[string]any, escape func(string, any) (string, error)) (string, error) {
	with, err := t.WithValues(values)
	if err != nil {
		return "", err
	}
	return with.Fill(escape)
}

// to is a GET of a path that is exactly what it says.
func (t *target) to(path string) (request, error) {
	ref, err := url.Parse(path)
	if err != nil {
		return request{}, fmt.Errorf("the path %q cannot be read", path)
	}
	if err := noDots(ref.EscapedPath()); err != nil {
		return request{}, err
	}
	return t.get(path)
}

// text is the request for a person: method, address, and the start of its body.
func (t *target) text(r request) string {
	const longest = 300
	u := *r.url
	u.User = nil
	text := r.method + " " + u.String()
	if len(r.body) > 0 {
		body := string(r.body[:min(len(r.body), longest)])
		text += " with " + strings.ToValidUTF8(body, "")
		if len(r.body) > longest {
			text += "…"
		}
	}
	return t.tools.Redact.Text(text)
}

// digestOf names a request byte for byte.
func digestOf(r request) string {
	h := http.Header{}
	for k, v := range r.headers {
		h[k] = v
	}
	return action.Digest([]any{r.method, r.url.String(), h, string(r.body)})
}
