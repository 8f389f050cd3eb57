package celery

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/quellhq/quell/internal/redisapi"
)

// message is one task on its way, as kombu writes it. Its body and the texts of
// its arguments are never shown: they may be anything.
type message struct {
	text    string // as it stands in Redis
	id      string
	task    string
	eta     string // not before; "" at once
	expires string // not behind; "" never
	retries int64
	again   bool // it was given back before
	limit   any  // of its time, in seconds; nil without
}

// envelope is as much of a message as is read.
type envelope struct {
	Headers struct {
		ID          string `json:"id"`
		Task        string `json:"task"`
		ETA         string `json:"eta"`
		Expires     any    `json:"expires"`
		Retries     any    `json:"retries"`
		Redelivered any    `json:"redelivered"`
		Timelimit   []any  `json:"timelimit"`
	} `json:"headers"`
	Properties struct {
		CorrelationID string `json:"correlation_id"`
	} `json:"properties"`
}

// readMessage reads a message. One that is none has no id and no task.
func readMessage(text string) message {
	m := message{text: text}
	var e envelope
	if json.Unmarshal([]byte(text), &e) != nil {
		return m
	}
	m.id, m.task, m.eta = e.Headers.ID, e.Headers.Task, e.Headers.ETA
	m.expires, _ = e.Headers.Expires.(string)
	retries, _ := e.Headers.Retries.(float64)
	m.retries = int64(retries)
	m.again = e.Headers.Redelivered == true
	for _, l := range e.Headers.Timelimit { // hard, soft
		if s, ok := l.(float64); ok && m.limit == nil {
			m.limit = s
		}
	}
	if m.id == "" {
		m.id = e.Properties.CorrelationID // protocol 1 has the rest in its body
	}
	return m
}

// digest names a text exactly; Redis' scripts can make the same.
func digest(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// name is the message for people, and as an item.
func (m message) name() string {
	if m.id == "" {
		return "message " + digest(m.text)[:12]
	}
	return redisapi.Clip(m.id)
}

func (m message) calls() string {
	if m.task == "" {
		return "a task"
	}
	return redisapi.Clip(m.task)
}

// redelivered is a message that was given back, as kombu marks it: the parts
// that it does not touch stay byte for byte what they were.
func redelivered(text json.RawMessage) (string, error) {
	return withIn(text, func(m map[string]json.RawMessage) error {
		headers, err := withIn(m["headers"], func(h map[string]json.RawMessage) error {
			h["redelivered"] = json.RawMessage("true")
			return nil
		})
		if err != nil {
			return err
		}
		m["headers"] = json.RawMessage(headers)
		properties, err := withIn(m["properties"], func(p map[string]json.RawMessage) error {
			info, err := withIn(p["delivery_info"], func(i map[string]json.RawMessage) error {
				i["redelivered"] = json.RawMessage("true")
				return nil
			})
			p["delivery_info"] = json.RawMessage(info)
			return err
		})
		m["properties"] = json.RawMessage(properties)
		return err
	})
}

// withIn changes fields of a JSON object.
func withIn(text json.RawMessage, change func(map[string]json.RawMessage) error) (string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return "null", err
	}
	if fields == nil {
		fields = map[string]json.RawMessage{}
	}
	if err := change(fields); err != nil {
		return "null", err
	}
	out, err := json.Marshal(fields)
	return string(out), err
}

// moment reads a time of Celery: ISO 8601, of UTC where no zone is written.
func moment(text string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05.999999Z07:00", "2006-01-02T15:04:05.999999"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// later reports a message that is not to be run before a time to come.
func (m message) later(now time.Time) bool {
	at, ok := moment(m.eta)
	return ok && at.After(now)
}

// over reports a message whose time has ended: whoever takes it drops it.
func (m message) over(now time.Time) bool {
	at, ok := moment(m.expires)
	return ok && at.Before(now)
}
