package series

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/connector"
)

// Examine reads each endpoint once and says what came, for the doctor.
func (t *Target) Examine(ctx context.Context) []connector.Check {
	if answer, ok := t.ready(ctx, 1); !ok {
		return []connector.Check{{Name: "endpoints answer", Detail: answer.Reason, Needed: true}}
	}
	var checks []connector.Check
	for i, s := range t.scraper.States() {
		c := connector.Check{Name: "reads " + t.urls[i], OK: s.Err == nil && s.Scrapes > 0, Needed: true}
		switch {
		case s.Scrapes == 0:
			c.Detail = "no answer within the time allowed"
		case s.Err != nil:
			why := scrapeFailure(s)
			c.Detail, c.Fix = t.tools.Redact.Text(why.Reason), why.Hint
		default:
			c.Detail = fmt.Sprintf("read in %s", s.Took.Round(1e5))
		}
		checks = append(checks, c)
	}
	size := t.store.Size()
	room := connector.Check{Name: "room for all series", OK: size.Refused == 0, Detail: fmt.Sprintf("%d series, %d samples", size.Series, size.Samples)}
	if !room.OK {
		room.Fix = "raise max_series, or leave out the endpoint with too many labels"
	}
	return append(checks, room)
}
