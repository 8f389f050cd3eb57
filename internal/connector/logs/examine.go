package logs

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/logql/logfile"
	"github.com/quellhq/quell/internal/probe"
)

// A log is taken for silent when its newest line is older than this. Own value:
// a service with any traffic writes more often.
const staleAfter = 15 * time.Minute

// Examine says of each file whether it can be read and understood.
func (t *Target) Examine(ctx context.Context) []connector.Check {
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return []connector.Check{{Name: "readable", Detail: err.Error(), Needed: true}}
	}
	defer leave()
	now := t.tools.Now()
	files, err := t.files(probe.Question{Now: now})
	if err != nil {
		return []connector.Check{{Name: "readable", Detail: err.Error(), Needed: true}}
	}
	reports, err := files.Inspect(ctx, 20)
	if err != nil {
		return []connector.Check{{Name: "readable", Detail: t.failure(err).Reason, Needed: true}}
	}
	var checks []connector.Check
	readable, newest, timed := 0, time.Time{}, 0
	for _, r := range reports {
		if r.Trouble.Kind != 0 {
			c := connector.Check{Name: "may read " + r.Path, Detail: r.Trouble.Reason}
			if r.Trouble.Kind == logfile.Denied {
				c.Fix = grant(r.Path)
			}
			checks = append(checks, c)
			continue
		}
		readable++
		timed += r.Timed
		if r.Newest.After(newest) {
			newest = r.Newest
		}
		detail := fmt.Sprintf("%s, %d of %d lines understood", r.Format, r.Parsed, r.Lines)
		if r.Lines == 0 {
			detail = "empty"
		}
		checks = append(checks, connector.Check{Name: "may read " + r.Path, OK: true, Detail: detail})
	}
	checks = append([]connector.Check{{Name: "readable", OK: readable > 0, Needed: true,
		Detail: fmt.Sprintf("%d files can be read", readable)}}, checks...)
	if readable == 0 {
		return checks
	}
	c := connector.Check{Name: "lines bear times", OK: timed > 0, Detail: fmt.Sprintf("%d lines of the sample do", timed)}
	if !c.OK {
		c.Fix = "let the logger write a timestamp at the start of each line"
	}
	checks = append(checks, c)
	if !newest.IsZero() {
		age := now.Sub(newest).Round(time.Second)
		c := connector.Check{Name: "written lately", OK: age <= staleAfter, Detail: fmt.Sprintf("the newest line is %s old", age)}
		if !c.OK {
			c.Fix = "check that the service still logs to these files, and timezone if times name no zone"
		}
		checks = append(checks, c)
	}
	return checks
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}
