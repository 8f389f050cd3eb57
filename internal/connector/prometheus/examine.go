package prometheus

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// clockTolerance is how far two clocks may differ, in seconds, before the order
// of events from both is doubtful (own value; the Date header is precise to one).
const clockTolerance = 5.0

// Examine says what this server may be asked, for the doctor.
func (t *Target) Examine(ctx context.Context) []connector.Check {
	health := t.redacted(t.health(ctx))
	if !health.Known() {
		return []connector.Check{{Name: "may be queried", Detail: health.Reason, Fix: health.Hint, Needed: true}}
	}
	h := health.Value.(map[string]any)
	checks := []connector.Check{{Name: "may be queried", OK: true, Needed: true, Detail: fmt.Sprintf("Prometheus %s at %s", orUnknown(h["version"]), t.client.Host())}}

	scrapes := connector.Check{Name: "scrapes", OK: h["scraping"] == true, Detail: "a target was scraped within the last minutes"}
	if !scrapes.OK {
		scrapes.Detail, scrapes.Fix = "nothing was scraped within the last minutes", "look at the Targets page of this Prometheus"
	}
	checks = append(checks, scrapes)

	if offset, ok := h["clock_offset_s"].(float64); ok {
		c := connector.Check{Name: "its clock agrees with ours", OK: offset <= clockTolerance && offset >= -clockTolerance, Detail: fmt.Sprintf("differs by %.0f s", offset)}
		if !c.OK {
			c.Fix = "start time synchronisation (chrony, systemd-timesyncd) on both hosts"
		}
		checks = append(checks, c)
	}
	if targets := t.redacted(t.targets(ctx)); targets.Known() {
		v := targets.Value.(map[string]any)
		checks = append(checks, connector.Check{
			Name: "may list targets", OK: true,
			Detail: fmt.Sprintf("%d active, %d down", v["active"], v["down"]),
		})
	} else {
		checks = append(checks, connector.Check{Name: "may list targets", Detail: targets.Reason, Fix: hintOf(targets)})
	}
	return checks
}

func hintOf(a evidence.Answer) string {
	if a.Hint != "" {
		return a.Hint
	}
	return "promql fences work without it; prometheus.targets does not"
}

func orUnknown(v any) string {
	if s, ok := v.(string); ok && s != "" {
		return s
	}
	return "of unknown version"
}
