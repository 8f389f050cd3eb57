package http

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/declared"
	"github.com/quellhq/quell/internal/probe"
)

// writtenCall is a call as the operator declares it in settings.
type writtenCall struct {
	Request   string             `json:"request"`
	About     string             `json:"about"`
	Body      string             `json:"body"`
	Headers   map[string]string  `json:"headers"`
	Repeat    string             `json:"repeat"`
	KeyHeader string             `json:"key_header"`
	Check     *writtenCheck      `json:"check"`
	Undo      string             `json:"undo"`
	Values    map[string]string  `json:"values"`
	Timeout   connector.Duration `json:"timeout"`
	Risk      string             `json:"risk"`
}

type writtenCheck struct {
	Get      string `json:"get"`
	Status   string `json:"status"`
	Pointer  string `json:"pointer"`
	Equals   string `json:"equals"`
	Contains string `json:"contains"`
}

// What a server makes of a call that comes twice.
const (
	once       = "once"       // it would do it twice: a call whose fate is unknown is for a person
	idempotent = "idempotent" // it does it once, as PUT and DELETE promise
	keyHeader  = "key-header" // it remembers the key in a header
)

// call is a declared call that was checked.
type call struct {
	name, about, undo string
	request           probe.Template // method and path
	body              probe.Template
	form              form
	headers           map[string]probe.Template
	repeat, keyHeader string
	check             *readback
	values            declared.Values
	timeout           time.Duration
	risk              action.Risk
}

// readback is the question that shows whether a call was made.
type readback struct {
	get      probe.Template // the path
	status   int            // 0: any from 200 to 299
	pointer  string
	equals   probe.Template
	contains probe.Template
}

var methodName = regexp.MustCompile(`^[A-Z]{2,20}$`)

// checkCalls checks what is declared.
func checkCalls(all map[string]writtenCall, timeout time.Duration) (map[string]call, error) {
	calls := map[string]call{}
	for name, w := range all {
		c, err := w.checked(name, timeout)
		if err != nil {
			return nil, fmt.Errorf("call %s: %w", name, err)
		}
		calls[name] = c
	}
	for _, name := range callNames(calls) {
		c := calls[name]
		if c.undo == "" {
			continue
		}
		back, ok := calls[c.undo]
		if !ok {
			return nil, fmt.Errorf("call %s: its undo, %s, is not declared", name, c.undo)
		}
		if hole := back.values.Within(c.values); hole != "" {
			return nil, fmt.Errorf("call %s: its undo, %s, has the hole ${%s}, which %s has not", name, c.undo, hole, name)
		}
	}
	return calls, nil
}

func callNames(calls map[string]call) []string {
	var names []string
	for name := range calls {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (w writtenCall) checked(name string, timeout time.Duration) (call, error) {
	c := call{name: name, about: w.About, undo: w.Undo, timeout: timeout, repeat: w.Repeat, keyHeader: w.KeyHeader, headers: map[string]probe.Template{}}
	if w.Timeout.Duration > 0 {
		c.timeout = w.Timeout.Duration
	}
	if c.repeat == "" {
		c.repeat = once
	}
	if c.keyHeader == "" {
		c.keyHeader = "Idempotency-Key"
	}
	if !slices.Contains([]string{once, idempotent, keyHeader}, c.repeat) {
		return c, fmt.Errorf("repeat is %s, %s or %s, not %q", once, idempotent, keyHeader, c.repeat)
	}
	var err error
	if c.request, err = requestLine(w.Request); err != nil {
		return c, err
	}
	holes := c.request.Holes()
	for header, text := range w.Headers {
		t, err := probe.ParseTemplate(text)
		switch {
		case err != nil:
			return c, fmt.Errorf("header %s: %w", header, err)
		case !headerName.MatchString(header) || forbidden[strings.ToLower(header)]:
			return c, fmt.Errorf("the header %q may not be set", header)
		}
		c.headers[http.CanonicalHeaderKey(header)] = t
		holes = append(holes, t.Holes()...)
	}
	if err := c.readBody(w.Body); err != nil {
		return c, err
	}
	holes = append(holes, c.body.Holes()...)
	if c.values, err = declared.NewValues(holes, w.Values); err != nil {
		return c, err
	}
	if c.check, err = w.Check.checked(c.values); err != nil {
		return c, fmt.Errorf("check: %w", err)
	}
	c.risk, err = declared.Risk(w.Risk, action.R2, action.R2)
	return c, err
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// requestLine reads "PUT /flags/${flag}". The method and the beginning of the
// path are no values.
func requestLine(text string) (probe.Template, error) {
	t, err := probe.ParseTemplate(strings.TrimSpace(text))
	if err != nil {
		return t, fmt.Errorf("request: %w", err)
	}
	example := "write it like PUT /api/flags/checkout"
	if len(t.Parts) == 0 || t.Parts[0].Hole != "" {
		return t, errors.New("request is missing: " + example)
	}
	method, path, ok := strings.Cut(t.Parts[0].Literal, " ")
	switch {
	case !ok || !methodName.MatchString(method) || method == "CONNECT" || method == "TRACE":
		return t, fmt.Errorf("request %q has no method that can be called: %s", text, example)
	case !strings.HasPrefix(path, "/"):
		return t, fmt.Errorf("request %q has no path: %s", text, example)
	}
	return t, plainPath(t, method+" ")
}

// plainPath refuses a path that would not be what it looks like.
func plainPath(t probe.Template, prefix string) error {
	sample, err := sampled(t, pathHole)
	if err != nil {
		return err
	}
	u, err := url.Parse(strings.TrimPrefix(sample, prefix))
	if err != nil || u.Host != "" || u.Fragment != "" || strings.ContainsAny(sample[len(prefix):], " \t\r\n") {
		return fmt.Errorf("the path of %q cannot be read", t.Source())
	}
	return noDots(u.EscapedPath())
}

// sampled is a template with a harmless text in every hole.
func sampled(t probe.Template, escape func(before string, value any) (string, error)) (string, error) {
	values := map[string]any{}
	for _, name := range t.Holes() {
		values[name] = "x"
	}
	filled, err := t.WithValues(values)
	if err != nil {
		return "", err
	}
	return filled.Fill(escape)
}

// form is how values are written into a body.
type form int

const (
	plainBody form = iota // no values
	jsonBody
	formBody
)

// readBody reads the body's template and the form that its type asks for.
func (c *call) readBody(text string) error {
	var err error
	if c.body, err = probe.ParseTemplate(text); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if text == "" {
		return nil
	}
	declaredType, ok := c.headers["Content-Type"]
	kind := declaredType.Source()
	if !ok {
		kind = "text/plain; charset=utf-8"
		if start := strings.TrimSpace(text); start[:min(1, len(start))] == "{" || start[:min(1, len(start))] == "[" {
			kind = "application/json"
		}
		c.headers["Content-Type"] = probe.Literal(kind)
	}
	switch {
	case strings.Contains(kind, "json"):
		c.form = jsonBody
		sample, err := sampled(c.body, jsonHole)
		if err != nil || !json.Valid([]byte(sample)) {
			return errors.New("body is no JSON: check quotes, commas and brackets")
		}
	case strings.Contains(kind, "x-www-form-urlencoded"):
		c.form = formBody
	case len(c.body.Holes()) > 0:
		return fmt.Errorf("body of type %s has holes: only JSON and forms have a known way to write a value", kind)
	}
	return nil
}

func (w *writtenCheck) checked(values declared.Values) (*readback, error) {
	if w == nil {
		return nil, nil
	}
	r := &readback{pointer: w.Pointer}
	var err error
	if r.get, err = probe.ParseTemplate(strings.TrimSpace(w.Get)); err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	if !strings.HasPrefix(w.Get, "/") {
		return nil, errors.New("get is the path to read, like /api/flags/checkout")
	}
	if err := plainPath(r.get, ""); err != nil {
		return nil, err
	}
	if r.equals, err = probe.ParseTemplate(w.Equals); err != nil {
		return nil, fmt.Errorf("equals: %w", err)
	}
	if r.contains, err = probe.ParseTemplate(w.Contains); err != nil {
		return nil, fmt.Errorf("contains: %w", err)
	}
	if w.Status != "" {
		if r.status, err = strconv.Atoi(w.Status); err != nil || r.status < 200 || r.status > 599 {
			return nil, fmt.Errorf("status is one like 404, not %q", w.Status)
		}
	}
	switch {
	case w.Pointer != "" && w.Pointer[0] != '/':
		return nil, fmt.Errorf("pointer is a JSON pointer like /enabled, not %q", w.Pointer)
	case w.Equals != "" && w.Pointer == "":
		return nil, errors.New("equals needs a pointer: where in the JSON the value is")
	case w.Status == "" && w.Pointer == "" && w.Contains == "":
		return nil, errors.New("say what shows it: status, pointer (with equals), or contains")
	}
	for _, hole := range slices.Concat(r.get.Holes(), r.equals.Holes(), r.contains.Holes()) {
		if !values.Has(hole) {
			return nil, fmt.Errorf("the hole ${%s} is none of the call's", hole)
		}
	}
	return r, nil
}
