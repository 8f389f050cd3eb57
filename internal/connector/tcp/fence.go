package tcp

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// maxLines bounds a fence: a question about ports is not a port scan.
const maxLines = 16

// fence answers "connect" lines: one port of the target's host each.
func (t *target) fence(ctx context.Context, q probe.Question) evidence.Answer {
	text, err := q.Text.Fill(func(_ string, v any) (string, error) {
		s := fmt.Sprint(v)
		if strings.ContainsAny(s, " \t\r\n") {
			return "", fmt.Errorf("a port holds no space")
		}
		return s, nil
	})
	if err != nil {
		return evidence.Not(evidence.Refused, err.Error(), "")
	}
	ports, problem := parseFence(text)
	if problem != nil {
		return evidence.Not(evidence.Refused, problem.Text, "")
	}
	rows := []any{}
	for i, port := range ports {
		address := net.JoinHostPort(t.config.host, port)
		share := t.config.Timeout.Duration
		if deadline, ok := ctx.Deadline(); ok {
			share = min(share, time.Until(deadline)*9/10/time.Duration(len(ports)-i))
		}
		a, err := t.attempt(ctx, address, share)
		if err != nil {
			return connector.Failure("connect to "+address, err)
		}
		rows = append(rows, map[string]any{"port": portNumber(port), "ok": a.kind == "", "error": a.kind, "connect_s": a.took.Seconds()})
	}
	return evidence.Of(rows)
}

func parseFence(text string) ([]string, *connector.Problem) {
	var ports []string
	offset := 0
	for line := range strings.Lines(text) {
		at := offset
		offset += len(line)
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verb, port, _ := strings.Cut(line, " ")
		port = strings.TrimSpace(port)
		if verb != "connect" || port == "" || strings.ContainsAny(port, ": \t") {
			return nil, &connector.Problem{Offset: at, Text: fmt.Sprintf("%q: write connect and a port of this target's host, like connect 8000", line)}
		}
		if !strings.HasPrefix(port, "${") && portNumber(port) == nil {
			return nil, &connector.Problem{Offset: at, Text: fmt.Sprintf("%q is not a port", port)}
		}
		ports = append(ports, port)
	}
	switch {
	case len(ports) == 0:
		return nil, &connector.Problem{Text: "the question is empty: write connect and a port"}
	case len(ports) > maxLines:
		return nil, &connector.Problem{Text: fmt.Sprintf("%d ports: at most %d in one question", len(ports), maxLines)}
	}
	return ports, nil
}

func check(text probe.Template, _ map[string]string) []connector.Problem {
	if _, problem := parseFence(text.Source()); problem != nil {
		return []connector.Problem{*problem}
	}
	return nil
}
