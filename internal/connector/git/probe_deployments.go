package git

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func deploymentsSpec() probe.Spec {
	return probe.Spec{
		Name:     "git.deployments",
		Question: "What does the CI say that it has deployed, and when was it done?",
		Why:      "Where code is not checked out on the machine (images, functions, another host), the pipeline alone knows when it changed.",
		Cost:     "one GET of deployments_url",
		Shape:    probe.Rows,
		Fields: probe.ChangeFields(
			probe.Field{Name: "status", Type: "text", About: "what the CI calls its outcome: success, failure; empty where it says none"},
			probe.Field{Name: "commit", Type: "text", About: "short; empty where it says none"},
			probe.Field{Name: "ref", Type: "text", About: "branch or tag; empty"},
			probe.Field{Name: "environment", Type: "text", About: "where to; empty"},
			probe.Field{Name: "started", Type: "number", About: "when it was begun, seconds since 1970; null"},
		),
		Outcomes: []probe.Outcome{
			{When: "a row shortly before the onset", Means: "look at that deployment first"},
			{When: "kind is none", Means: "it failed, was cancelled or has not run: other code did not get there by it, or only in part"},
		},
		Changes: probe.ChangeRows(probe.Deploy), Timeline: true,
	}
}

// notDone are outcomes after which no other code runs.
var notDone = map[string]bool{
	"failure": true, "failed": true, "error": true, "cancelled": true, "canceled": true, "skipped": true, "timed_out": true,
	"queued": true, "pending": true, "waiting": true, "created": true, "blocked": true, "action_required": true, "startup_failure": true,
}

func (t *target) deployments(ctx context.Context) evidence.Answer {
	if t.config.url == nil {
		return evidence.Not(evidence.NotApplicable, "no deployments_url is set", "set deployments_url to the address of the CI's deployments")
	}
	what := "ask " + t.config.url.Host + " for deployments"
	leave, err := t.tools.Gate.Enter(ctx)
	if err != nil {
		return connector.Failure(what, err)
	}
	defer leave()
	ctx, cancel := connector.Within(ctx, t.tools.Gate.Limits().Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.config.url.String(), nil)
	if err != nil {
		return evidence.Not(evidence.Invalid, what+": the address cannot be asked", "check deployments_url")
	}
	for name, values := range t.config.headers {
		req.Header[name] = values
	}
	req.Header.Set("Accept", "application/json")
	res, err := t.config.http.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // its text would repeat the query
		}
		return connector.Failure(what, err)
	}
	defer res.Body.Close()
	most := int64(t.tools.Gate.Limits().Bytes)
	data, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	switch {
	case err != nil:
		return connector.Failure(what, err)
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		return evidence.Not(evidence.Denied, fmt.Sprintf("%s: status %d", what, res.StatusCode), "give it a bearer or headers with a token that may read deployments")
	case res.StatusCode == http.StatusNotFound:
		return evidence.Not(evidence.Invalid, what+": status 404", "check deployments_url; some servers say 404 where a token may not read")
	case res.StatusCode != http.StatusOK:
		return evidence.Not(evidence.Unreachable, fmt.Sprintf("%s: status %d", what, res.StatusCode), "")
	case int64(len(data)) > most:
		return evidence.Not(evidence.Invalid, what+": the answer is too long", "ask for fewer: ?per_page=30")
	}
	var parsed any
	if err := json.Unmarshal(data, &parsed); err != nil {
		return evidence.Not(evidence.Invalid, what+": the answer is not JSON", "check deployments_url")
	}
	list, ok := listed(parsed)
	if !ok {
		return evidence.Not(evidence.Invalid, what+": the answer holds no list of deployments", "check deployments_url")
	}
	rows := []any{}
	for _, item := range list {
		if m, ok := item.(map[string]any); ok && len(rows) < t.tools.Gate.Limits().Rows {
			if row := deployment(m, t.config.Name); row != nil {
				rows = append(rows, row)
			}
		}
	}
	return evidence.Of(rows)
}

// listed finds the list: the answer itself, or the only one in it.
func listed(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case map[string]any:
		for _, key := range []string{"workflow_runs", "deployments", "items", "values", "data", "results", "builds"} {
			if list, ok := v[key].([]any); ok {
				return list, true
			}
		}
	}
	return nil, false
}

// deployment reads one entry, in the words of several servers.
func deployment(m map[string]any, name string) map[string]any {
	deployable, _ := m["deployable"].(map[string]any)
	at := first(moment(m, "finished_at", "deployed_at", "completed_at", "ended_at"), moment(deployable, "finished_at"),
		moment(m, "updated_at", "updated", "created_at", "created_on", "started_at", "timestamp"))
	if at == 0 {
		return nil
	}
	status := strings.ToLower(word(m, "conclusion", "status", "state", "result"))
	kind := probe.Deploy
	if notDone[status] {
		kind = "none"
	}
	environment := word(m, "environment")
	if e, ok := m["environment"].(map[string]any); ok {
		environment = word(e, "name")
	}
	ref := word(m, "ref", "head_branch", "branch", "tag", "version")
	sha := short(word(m, "sha", "head_sha", "commit", "revision"))
	what := name
	if what == "" {
		what = first(environment, word(m, "name", "task", "display_title"), "deployment")
	}
	var said []string
	for _, s := range []string{ref, sha, environment, status, word(m, "display_title", "description")} {
		if s != "" && s != what {
			said = append(said, s)
		}
	}
	row := map[string]any{
		"at": at, "kind": kind, "what": what, "detail": strings.Join(said, ", "), "status": status, "commit": sha, "ref": ref,
		"environment": environment, "started": nil,
	}
	if begun := moment(m, "run_started_at", "started_at", "created_at", "created_on"); begun > 0 {
		row["started"] = begun
	}
	return row
}

func first[T comparable](list ...T) T {
	var zero T
	for _, v := range list {
		if v != zero {
			return v
		}
	}
	return zero
}

func word(m map[string]any, keys ...string) string {
	for _, key := range keys {
		if s, ok := m[key].(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// moment is a time as text, or as seconds or milliseconds since 1970.
func moment(m map[string]any, keys ...string) float64 {
	for _, key := range keys {
		switch v := m[key].(type) {
		case string:
			if at, err := time.Parse(time.RFC3339, v); err == nil {
				return float64(at.UnixMilli()) / 1000
			}
		case float64:
			if v > 1e12 {
				return v / 1000
			}
			if v > 1e9 {
				return v
			}
		}
	}
	return 0
}
