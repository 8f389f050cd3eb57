package loki

import (
	"context"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/connector"
)

// Examine says whether this server may be asked and holds anything recent.
func (t *Target) Examine(ctx context.Context) []connector.Check {
	now := t.tools.Now()
	list, err := t.labels(ctx, window{now.Add(-time.Hour), now})
	if err != nil {
		a := answer(err)
		return []connector.Check{{Name: "may be queried", Detail: t.tools.Redact.Text(a.Reason), Fix: a.Hint, Needed: true}}
	}
	checks := []connector.Check{{Name: "may be queried", OK: true, Needed: true, Detail: "Loki at " + t.client.Host()}}
	c := connector.Check{Name: "holds logs of the last hour", OK: len(list) > 0, Detail: fmt.Sprintf("labels: %s", few(list))}
	if !c.OK {
		c.Detail, c.Fix = "no stream has a line of the last hour", "look at the agent that ships the logs (Alloy, promtail, the Docker driver), and at the tenant"
	}
	return append(checks, c)
}
