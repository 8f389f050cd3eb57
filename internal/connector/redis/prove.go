package redis

import (
	"context"
	"strings"
	"sync"

	"github.com/quellhq/quell/internal/evidence"
)

// table is what the server's own COMMAND INFO says of commands, asked once
// for each. An entry without flags means that the server knows no such command.
type table struct {
	mu     sync.Mutex
	flags  map[string][]string
	closed bool // COMMAND is not permitted: our own table is all we have
}

// prove returns nil where a command is read-only and bounded by our table and
// by the server's; otherwise the answer to give instead.
func (t *target) prove(ctx context.Context, args []argText) *evidence.Answer {
	name, rest, ok := splitName(args)
	if !ok {
		return not(evidence.Refused, "a command without a name")
	}
	r, known := ruleFor(name)
	if r.refuse != "" {
		return not(evidence.Refused, r.refuse)
	}
	if r.bound != nil {
		if why := r.bound(rest); why != "" {
			return not(evidence.Refused, strings.ToUpper(name)+": "+why)
		}
	}
	flags, err := t.flagsOf(ctx, name)
	if err != nil {
		a := t.client.answer("COMMAND INFO", err)
		return &a
	}
	switch {
	case flags == nil && !known:
		return not(evidence.Refused, strings.ToUpper(name)+" is not proved read-only: it is not in our table, and the server does not tell")
	case flags != nil && !allowed(flags, known, r.admin):
		return not(evidence.Refused, strings.ToUpper(name)+" is not read-only: the server flags it "+strings.Join(flags, ", "))
	}
	if r.size != "" && len(rest) > 0 {
		return t.proveSize(ctx, name, r.size, rest[0].text)
	}
	return nil
}

// allowed reads the server's flags. "readonly" is what we ask for; a few reads
// of the server's state are not flagged so, and stand in our own table instead.
func allowed(flags []string, known, admin bool) bool {
	readonly := false
	for _, f := range flags {
		switch f {
		case "write", "blocking", "may_replicate", "denyoom":
			return false
		case "noscript", "admin", "pubsub":
			if !known {
				return false
			}
		case "readonly":
			readonly = true
		}
	}
	return readonly || known && admin
}

// flagsOf asks the server for the flags of a command; nil where it has none to
// tell. Servers before 7.0 know no subcommands here: the container answers.
func (t *target) flagsOf(ctx context.Context, name string) ([]string, error) {
	t.table.mu.Lock()
	defer t.table.mu.Unlock()
	if flags, ok := t.table.flags[name]; ok || t.table.closed {
		return flags, nil
	}
	asked := strings.ReplaceAll(name, " ", "|")
	head, _, _ := strings.Cut(name, " ")
	replies, err := t.client.do(ctx, []any{"COMMAND", "INFO", asked, head})
	if err != nil {
		return nil, err
	}
	if replies[0].Err != "" {
		t.table.closed = true
		return nil, nil
	}
	list, _ := replies[0].Val.([]any)
	flags := []string(nil)
	for _, entry := range list {
		if fields, ok := entry.([]any); ok && len(fields) > 2 {
			flags = []string{}
			words, _ := fields[2].([]any)
			for _, w := range words {
				if s, ok := w.(string); ok {
					flags = append(flags, s)
				}
			}
			break
		}
	}
	t.table.flags[name] = flags
	return flags, nil
}

// proveSize looks at a value's size before it is asked for.
func (t *target) proveSize(ctx context.Context, name, size, key string) *evidence.Answer {
	replies, err := t.client.do(ctx, []any{strings.ToUpper(size), key})
	if err != nil {
		a := t.client.answer(strings.ToUpper(size), err)
		return &a
	}
	if n, ok := replies[0].Val.(int64); ok && n > maxString {
		return not(evidence.Refused, strings.ToUpper(name)+": the value is larger than 64 KiB: use GETRANGE key 0 1023")
	}
	return nil
}

func not(status evidence.Status, reason string) *evidence.Answer {
	a := evidence.Not(status, reason, "")
	return &a
}
