package http

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// seen is what a check says of a call.
type seen struct {
	state action.State // Made, NotMade or CannotTell
	text  string
}

// look asks the check of a call. The error is an *action.Unavailable.
func (t *target) look(ctx context.Context, f filled) (seen, error) {
	if f.readback == nil {
		text := "the call has no check that would tell"
		if f.repeat == idempotent {
			text += "; it may be sent again without harm"
		}
		return seen{action.CannotTell, text}, nil
	}
	c := f.readback
	r, err := t.do(ctx, c.req)
	if err != nil {
		return seen{}, &action.Unavailable{Text: fmt.Sprintf("check of call %s: %s", f.name, err)}
	}
	if r.status == 0 || r.phase != "" {
		return seen{}, &action.Unavailable{Text: fmt.Sprintf("check of call %s: %s %s", f.name, shown(c.req.url), r.sentence())}
	}
	s := c.judge(r)
	s.text = t.tools.Redact.Text(c.req.url.Path + ": " + s.text)
	return s, nil
}

// judge says what an answer shows.
func (c *filledCheck) judge(r result) seen {
	good := r.status >= 200 && r.status < 300
	switch {
	case c.status != 0 && r.status != c.status:
		// Only an answer about the thing itself tells: that it is there, or that
		// it is not. A server that is ill or lets nobody in says neither.
		text := fmt.Sprintf("status %d, wanted %d", r.status, c.status)
		if good || r.status == 404 || r.status == 410 {
			return seen{action.NotMade, text}
		}
		return seen{action.CannotTell, text}
	case c.status == 0 && !good:
		return seen{action.CannotTell, fmt.Sprintf("status %d", r.status)}
	}
	if c.pointer != "" {
		if s := c.judgeJSON(r); s.state != action.Made || c.contains == "" {
			return s
		}
	}
	switch {
	case c.contains == "":
		return seen{action.Made, fmt.Sprintf("status %d", r.status)}
	case bytes.Contains(r.body, []byte(c.contains)):
		return seen{action.Made, fmt.Sprintf("holds %q", c.contains)}
	case r.cut:
		return seen{action.CannotTell, fmt.Sprintf("the answer is longer than what was read, and %q is not in that", c.contains)}
	}
	return seen{action.NotMade, fmt.Sprintf("does not hold %q", c.contains)}
}

func (c *filledCheck) judgeJSON(r result) seen {
	dec := json.NewDecoder(bytes.NewReader(r.body))
	dec.UseNumber()
	var doc any
	if r.cut || dec.Decode(&doc) != nil {
		return seen{action.CannotTell, "the answer is no JSON, or too long"}
	}
	v, ok := at(doc, c.pointer)
	switch {
	case !ok:
		return seen{action.NotMade, c.pointer + " is not there"}
	case c.equals == "":
		return seen{action.Made, c.pointer + " is there"}
	case scalar(v) == c.equals:
		return seen{action.Made, fmt.Sprintf("%s is %s", c.pointer, c.equals)}
	}
	const longest = 100
	is := scalar(v)
	return seen{action.NotMade, fmt.Sprintf("%s is %s, wanted %s", c.pointer, is[:min(len(is), longest)], c.equals)}
}

// scalar is a value as one writes it: texts without quotes, the rest as JSON.
func scalar(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}

// at follows a JSON pointer (RFC 6901).
func at(doc any, pointer string) (any, bool) {
	for _, token := range strings.Split(pointer, "/")[1:] {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch v := doc.(type) {
		case map[string]any:
			next, ok := v[token]
			if !ok {
				return nil, false
			}
			doc = next
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			doc = v[i]
		default:
			return nil, false
		}
	}
	return doc, true
}
