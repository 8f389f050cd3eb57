package dns

import (
	"context"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// maxLines bounds a fence.
const maxLines = 16

type line struct{ name, kind, server string }

// fence answers lines "name TYPE [@server]", one row each.
func (t *target) fence(ctx context.Context, q probe.Question) evidence.Answer {
	text, err := q.Text.Fill(func(_ string, v any) (string, error) {
		s := fmt.Sprint(v)
		if strings.ContainsAny(s, " \t\r\n@") {
			return "", fmt.Errorf("a name holds no space and no @")
		}
		return s, nil
	})
	if err != nil {
		return evidence.Not(evidence.Refused, err.Error(), "")
	}
	lines, problem := parseFence(text)
	if problem != nil {
		return evidence.Not(evidence.Invalid, problem.Text, "")
	}
	servers, err := t.resolvers()
	if err != nil {
		return evidence.Not(evidence.NotApplicable, err.Error(), "name resolvers in quell.yaml")
	}
	rows := []any{}
	for i, l := range lines {
		if l.server == "" {
			l.server = servers[0]
		}
		share, cancel := fair(ctx, len(lines)-i)
		r, err := t.ask(share, l.server, dns.Fqdn(l.name), typeNames[l.kind], recursive)
		cancel()
		if err != nil {
			return connector.Failure("ask "+l.server, err)
		}
		row := map[string]any{
			"name": l.name, "type": l.kind, "resolver": l.server, "outcome": r.outcome, "rcode": r.rcode,
			"values": []any{}, "ttl_s": nil, "took_s": r.took.Seconds(),
		}
		if r.msg != nil {
			records := recordsOf(r.msg.Answer)
			var values []string
			for _, rec := range records {
				if rec.kind == l.kind {
					values = append(values, rec.value)
				}
			}
			row["values"], row["ttl_s"] = texts(values), minTTL(records)
		}
		rows = append(rows, row)
	}
	return evidence.Of(rows)
}

func parseFence(text string) ([]line, *connector.Problem) {
	var lines []line
	offset := 0
	for raw := range strings.Lines(text) {
		at := offset
		offset += len(raw)
		words := strings.Fields(raw)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if len(words) < 2 || len(words) > 3 {
			return nil, &connector.Problem{Offset: at, Text: fmt.Sprintf("%q: write a name, a type and, if need be, @server, like www.example.org A @10.0.0.2", strings.TrimSpace(raw))}
		}
		l := line{name: words[0], kind: strings.ToUpper(words[1])}
		if typeNames[l.kind] == 0 {
			return nil, &connector.Problem{Offset: at, Text: words[1] + " is not a type that can be asked for: use A, AAAA, CNAME, NS, MX, TXT, SOA, CAA, SRV or PTR"}
		}
		if _, ok := dns.IsDomainName(l.name); !ok && !strings.Contains(l.name, "${") {
			return nil, &connector.Problem{Offset: at, Text: fmt.Sprintf("%q is not a domain name", l.name)}
		}
		if len(words) == 3 {
			host, found := strings.CutPrefix(words[2], "@")
			if !found {
				return nil, &connector.Problem{Offset: at, Text: "the server is written with an @ before it: @10.0.0.2"}
			}
			l.server = host
			if !strings.Contains(host, "${") {
				full, err := server(host, 53)
				if err != nil {
					return nil, &connector.Problem{Offset: at, Text: err.Error()}
				}
				l.server = full
			}
		}
		lines = append(lines, l)
	}
	switch {
	case len(lines) == 0:
		return nil, &connector.Problem{Text: "the question is empty: write a name and a type, like www.example.org A"}
	case len(lines) > maxLines:
		return nil, &connector.Problem{Text: fmt.Sprintf("%d lines: at most %d in one question", len(lines), maxLines)}
	}
	return lines, nil
}

func check(text probe.Template, _ map[string]string) []connector.Problem {
	if _, problem := parseFence(text.Source()); problem != nil {
		return []connector.Problem{*problem}
	}
	return nil
}
