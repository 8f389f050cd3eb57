package celery

import (
	"context"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/crew"
	"github.com/quellhq/quell/internal/redisapi"
)

func (b broker) crew() crew.Crew {
	return crew.Crew{
		Queue: "celery", Daemon: b.daemon, Members: b.members, Alive: b.connected,
		Closed: func(context.Context, *redisapi.Session) (string, error) { return "", nil },
	}
}

// mostWorkers bounds the names that are looked at.
const mostWorkers = 1000

// known lists the names of workers whose mailbox is bound, with their hosts.
// One that was killed stays in the list.
func (b broker) known(ctx context.Context, s *redisapi.Session) ([]string, error) {
	v, err := s.One(ctx, "SSCAN", b.control(), 0, "COUNT", mostWorkers)
	if err != nil {
		return nil, err
	}
	var names []string
	if pair, _ := v.([]any); len(pair) == 2 {
		for _, bound := range redisapi.Texts(pair[1]) {
			queue := bound[strings.LastIndex(bound, separator)+len(separator):]
			if name, ok := strings.CutSuffix(queue, ".celery.pidbox"); ok {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// members finds workers by the first part of their names; Celery adds the host.
// What they work on only they know.
func (b broker) members(ctx context.Context, s *redisapi.Session, names []string) (map[string]crew.Member, error) {
	known, err := b.known(ctx, s)
	out := map[string]crew.Member{}
	for _, k := range known {
		for _, n := range names {
			if strings.HasPrefix(k, n+"@") {
				out[n] = crew.Member{}
			}
		}
	}
	return out, err
}

// listeners counts connections of this database that are subscribed to
// something. Every worker has at least one, for its mailbox: where there is
// none, no worker lives.
func (b broker) listeners(ctx context.Context, s *redisapi.Session) (int64, error) {
	n, _, err := b.subscribed(ctx, s)
	return n, err
}

// subscribed is listeners, with how long the oldest of them is connected, in
// seconds.
func (b broker) subscribed(ctx context.Context, s *redisapi.Session) (n int64, oldest float64, err error) {
	v, err := s.One(ctx, "CLIENT", "LIST", "TYPE", "pubsub")
	if err != nil {
		return 0, 0, err
	}
	text, _ := v.(string)
	for _, line := range strings.Split(text, "\n") {
		f := map[string]string{}
		for _, field := range strings.Fields(line) {
			name, value, _ := strings.Cut(field, "=")
			f[name] = value
		}
		if f["db"] == b.database() {
			n++
			age, _ := strconv.ParseFloat(f["age"], 64)
			oldest = max(oldest, age)
		}
	}
	return n, oldest, nil
}

// consumers counts connections of this database that wait for messages.
func (b broker) consumers(ctx context.Context, s *redisapi.Session) (int64, error) {
	v, err := s.One(ctx, "CLIENT", "LIST")
	if err != nil {
		return 0, err
	}
	text, _ := v.(string)
	var n int64
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, " db="+b.database()+" ") && strings.Contains(line, " cmd=brpop") {
			n++
		}
	}
	return n, nil
}

// connected counts the workers that may live: those with a mailbox, or none
// where nobody listens.
func (b broker) connected(ctx context.Context, s *redisapi.Session) (int64, error) {
	n, err := b.listeners(ctx, s)
	if err != nil || n == 0 {
		return 0, err
	}
	names, err := b.known(ctx, s)
	return int64(len(names)), err
}
