package alertmanager

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// silence is one as the API has it.
type silence struct {
	ID        string    `json:"id,omitempty"`
	Matchers  []matcher `json:"matchers"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt"`
	UpdatedAt time.Time `json:"updatedAt,omitzero"`
	CreatedBy string    `json:"createdBy"`
	Comment   string    `json:"comment"`
	Status    *struct {
		State string `json:"state"`
	} `json:"status,omitempty"`
}

// state is active, pending or expired.
func (s silence) state() string {
	if s.Status == nil {
		return ""
	}
	return s.Status.State
}

// over reports whether it mutes nothing any more.
func (s silence) over() bool { return s.state() == "expired" }

func (s silence) matchersText() string { return join(s.Matchers) }

type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	Fingerprint string            `json:"fingerprint"`
	Receivers   []struct {
		Name string `json:"name"`
	} `json:"receivers"`
	Status struct {
		State      string   `json:"state"`
		SilencedBy []string `json:"silencedBy"`
		Inhibited  []string `json:"inhibitedBy"`
	} `json:"status"`
}

type serverStatus struct {
	Uptime      time.Time `json:"uptime"`
	VersionInfo struct {
		Version string `json:"version"`
	} `json:"versionInfo"`
	Cluster struct {
		Status string     `json:"status"`
		Peers  []struct{} `json:"peers"`
	} `json:"cluster"`
}

func (c *client) status(ctx context.Context) (serverStatus, error) {
	var s serverStatus
	err := c.ask(ctx, http.MethodGet, "/status", nil, nil, &s)
	return s, err
}

// list returns all silences, those that are over included, as long as the
// server remembers them (its data.retention, 120 hours by default).
func (c *client) list(ctx context.Context) ([]silence, error) {
	var all []silence
	err := c.ask(ctx, http.MethodGet, "/silences", nil, nil, &all)
	return all, err
}

// firing returns the alerts that all matchers match; the server matches.
func (c *client) firing(ctx context.Context, matchers []matcher, silenced bool) ([]alert, error) {
	query := url.Values{"active": {"true"}, "inhibited": {"true"}, "unprocessed": {"true"}, "silenced": {"false"}}
	if silenced {
		query.Set("silenced", "true")
	}
	for _, m := range matchers {
		query.Add("filter", m.String())
	}
	var all []alert
	err := c.ask(ctx, http.MethodGet, "/alerts", query, nil, &all)
	return all, err
}

// create makes a silence and returns its id.
func (c *client) create(ctx context.Context, s silence) (string, error) {
	var made struct {
		ID string `json:"silenceID"`
	}
	err := c.ask(ctx, http.MethodPost, "/silences", nil, s, &made)
	return made.ID, err
}

func (c *client) get(ctx context.Context, id string) (silence, error) {
	var s silence
	err := c.ask(ctx, http.MethodGet, "/silence/"+id, nil, nil, &s)
	return s, err
}

func (c *client) expire(ctx context.Context, id string) error {
	return c.ask(ctx, http.MethodDelete, "/silence/"+id, nil, nil, nil)
}

// mark is what tells our silence from others: the key of the order in its comment.
func mark(key string) string { return "[quell " + key + "]" }

// marked finds the silence of an order: one that still mutes before one that is over.
func marked(all []silence, key string) (silence, bool) {
	var found silence
	ok := false
	for _, s := range all {
		if strings.Contains(s.Comment, mark(key)) && (!ok || found.over()) {
			found, ok = s, true
		}
	}
	return found, ok
}
