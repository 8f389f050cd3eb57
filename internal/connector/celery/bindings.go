package celery

import (
	"context"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/redisapi"
)

// The bounds of the walk for bindings: kombu keeps one set for each exchange.
const (
	bindingSteps = 20
	bindingStep  = 250
	mostOthers   = 50
)

// otherQueues finds queues that the broker has bindings of, and that the
// settings do not name, with how much waits there.
func (b broker) otherQueues(ctx context.Context, s *redisapi.Session) (rows []any, waiting int64, err error) {
	names, err := b.bound(ctx, s)
	if err != nil || len(names) == 0 {
		return []any{}, 0, err
	}
	other := b
	other.queues = names
	rows, waiting, err = other.queueRows(ctx, s)
	for _, r := range rows {
		delete(r.(map[string]any), "later")
	}
	return rows, waiting, err
}

func (b broker) bound(ctx context.Context, s *redisapi.Session) ([]string, error) {
	prefix := b.prefix + "_kombu.binding."
	var exchanges [][]any
	cursor := "0"
	for range bindingSteps {
		v, err := s.One(ctx, "SCAN", cursor, "MATCH", globbed(prefix)+"*", "COUNT", bindingStep)
		if err != nil {
			return nil, err
		}
		pair, _ := v.([]any)
		if len(pair) != 2 {
			return nil, nil
		}
		cursor, _ = pair[0].(string)
		for _, key := range redisapi.Texts(pair[1]) {
			if !strings.HasSuffix(key, ".pidbox") && !strings.HasSuffix(key, "celeryev") && len(exchanges) < mostOthers {
				exchanges = append(exchanges, []any{"SSCAN", key, 0, "COUNT", mostOthers})
			}
		}
		if cursor == "0" {
			break
		}
	}
	replies, err := s.All(ctx, exchanges...)
	var names []string
	for _, r := range replies {
		pair, _ := r.Val.([]any)
		if len(pair) != 2 {
			continue
		}
		for _, bound := range redisapi.Texts(pair[1]) {
			f := strings.Split(bound, separator)
			if len(f) != 3 || !isQueue(f[2]) || slices.Contains(b.queues, f[2]) || slices.Contains(names, f[2]) {
				continue
			}
			// Mailboxes, and queues for replies and events, are no queues of tasks.
			if !strings.HasSuffix(f[2], ".pidbox") && !strings.HasPrefix(f[2], "celeryev.") {
				names = append(names, f[2])
			}
		}
	}
	slices.Sort(names)
	return names[:min(len(names), mostOthers)], err
}

// globbed is a text as a pattern that matches it alone.
func globbed(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(text)
}
