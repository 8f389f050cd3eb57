package tls

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// maxLines bounds a fence.
const maxLines = 16

// fence answers "name HOST" lines: the certificate that this target serves when
// it is asked for that name.
func (t *target) fence(ctx context.Context, q probe.Question) evidence.Answer {
	text, err := q.Text.Fill(func(_ string, v any) (string, error) {
		s := fmt.Sprint(v)
		if strings.ContainsAny(s, " \t\r\n") {
			return "", fmt.Errorf("a name holds no space")
		}
		return s, nil
	})
	if err != nil {
		return evidence.Not(evidence.Refused, err.Error(), "")
	}
	names, problem := parseFence(text)
	if problem != nil {
		return evidence.Not(evidence.Refused, problem.Text, "")
	}
	rows := []any{}
	for i, name := range names {
		share := t.config.Timeout.Duration
		if deadline, ok := ctx.Deadline(); ok {
			share = min(share, time.Until(deadline)*9/10/time.Duration(len(names)-i))
		}
		s, err := t.handshake(ctx, t.address(t.config.host), name, share)
		if err != nil {
			return connector.Failure("shake hands with "+t.address(t.config.host), err)
		}
		row := map[string]any{
			"name": name, "reachable": len(s.certs) > 0, "error": connector.ErrorKind(s.err),
			"problem": "", "subject": "", "days_left": nil, "fingerprint": "", "protocol": "",
		}
		if len(s.certs) > 0 {
			if p := judge(s.certs, name, t.config.roots, t.tools.Now()); len(p) > 0 {
				row["problem"] = p[0]
			}
			v := leafValue(&s, t.tools.Now())
			for _, k := range []string{"subject", "days_left", "fingerprint"} {
				row[k] = v[k]
			}
			row["protocol"] = tls.VersionName(s.protocol)
		}
		rows = append(rows, row)
	}
	return evidence.Of(rows)
}

func parseFence(text string) ([]string, *connector.Problem) {
	var names []string
	offset := 0
	for line := range strings.Lines(text) {
		at := offset
		offset += len(line)
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verb, name, _ := strings.Cut(line, " ")
		name = strings.TrimSpace(name)
		if verb != "name" || name == "" || strings.ContainsAny(name, " \t/:") {
			return nil, &connector.Problem{Offset: at, Text: fmt.Sprintf("%q: write name and the host name to ask for, like name www.example.org", line)}
		}
		names = append(names, name)
	}
	switch {
	case len(names) == 0:
		return nil, &connector.Problem{Text: "the question is empty: write name and a host name"}
	case len(names) > maxLines:
		return nil, &connector.Problem{Text: fmt.Sprintf("%d names: at most %d in one question", len(names), maxLines)}
	}
	return names, nil
}

func check(text probe.Template, _ map[string]string) []connector.Problem {
	if _, problem := parseFence(text.Source()); problem != nil {
		return []connector.Problem{*problem}
	}
	return nil
}
