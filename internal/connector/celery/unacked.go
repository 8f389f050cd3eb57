package celery

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// delivery is a message that a worker has taken and not acknowledged: kombu
// keeps it as [message, exchange, routing key].
type delivery struct {
	message
	tag           string
	score         string // when it was taken, as the server writes it
	whole         string // as it stands in Redis
	exchange, key string
	raw           json.RawMessage
}

// deliveryGuard is what makes it the one that was approved: a message that was
// given back and taken again has another time.
type deliveryGuard struct {
	Tag    string `json:"tag"`
	Digest string `json:"digest"`
	Score  string `json:"taken"`
	Queue  string `json:"queue"`
}

// readDelivery reads what kombu wrote; ok is false where it is none.
func readDelivery(tag, score, text string) (d delivery, ok bool) {
	var parts []json.RawMessage
	if json.Unmarshal([]byte(text), &parts) != nil || len(parts) != 3 {
		return d, false
	}
	d = delivery{message: readMessage(string(parts[0])), tag: tag, score: score, whole: text, raw: parts[0]}
	if json.Unmarshal(parts[1], &d.exchange) != nil || json.Unmarshal(parts[2], &d.key) != nil {
		return d, false
	}
	return d, true
}

func (d delivery) taken() time.Time {
	seconds, _ := strconv.ParseFloat(d.score, 64)
	return time.UnixMilli(int64(seconds * 1000)).UTC()
}

// deliveries reads the oldest that were taken before a moment.
func (b broker) deliveries(ctx context.Context, s *redisapi.Session, before time.Time, most int) ([]delivery, error) {
	hash, index := b.unacked()
	latest := strconv.FormatFloat(float64(before.UnixMilli())/1000, 'f', 3, 64)
	v, err := s.One(ctx, "ZRANGEBYSCORE", index, "-inf", latest, "WITHSCORES", "LIMIT", 0, most)
	if err != nil {
		return nil, err
	}
	pairs := redisapi.Texts(v)
	var out []delivery
	for i := 0; i+1 < len(pairs); i += 2 * chunk {
		part := pairs[i:min(i+2*chunk, len(pairs))]
		cmd := []any{"HMGET", hash}
		for j := 0; j+1 < len(part); j += 2 {
			cmd = append(cmd, part[j])
		}
		v, err := s.One(ctx, cmd...)
		if err != nil {
			return nil, tooBig(err)
		}
		list, _ := v.([]any)
		for j, text := range list {
			text, ok := text.(string)
			if d, read := readDelivery(part[2*j], part[2*j+1], text); ok && read {
				out = append(out, d)
			}
		}
	}
	return out, nil
}

// lookUnacked shows what would be given back.
func (b broker) lookUnacked(ctx context.Context, s *redisapi.Session, w wanted, a action.Args) (action.Preview, error) {
	now, err := s.Time(ctx)
	if err != nil {
		return action.Preview{}, err
	}
	all, err := b.deliveries(ctx, s, now.Add(-a.Duration("older")), 10*w.most)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{MayShrink: true}
	for _, d := range all {
		if !w.has(d.message) || len(p.Items) == w.most {
			continue
		}
		queue, err := b.queueFor(ctx, s, d.exchange, d.key)
		if err != nil {
			return p, err
		}
		if queue == "" {
			p.Warnings = append(p.Warnings, fmt.Sprintf("task %s was sent to exchange %s with key %s, which leads to no one queue: it is left alone", d.name(), redisapi.Clip(d.exchange), redisapi.Clip(d.key)))
			continue
		}
		g := deliveryGuard{d.tag, digest(d.whole), d.score, queue}
		p.Items = append(p.Items, action.Item{
			ID: d.name() + " of delivery " + redisapi.Clip(d.tag), Now: d.calls() + ", taken at " + d.taken().Format(time.RFC3339),
			Then: "waits in " + queue, Guard: redisact.Guard(g),
		})
	}
	if len(p.Items) == 0 {
		return action.Preview{Already: true, Summary: "nothing was taken that long ago and not acknowledged", Warnings: p.Warnings}, nil
	}
	p.Summary = fmt.Sprintf("gives %s back that a worker took and did not finish", redisact.Count(len(p.Items), "task"))
	listeners, err := b.listeners(ctx, s)
	if err != nil {
		return p, err
	}
	if listeners > 0 {
		p.TwoPeople = "workers are connected, and one that still works on such a task, or waits for its time (eta), does not stop for that: it would run twice"
		p.Risk = action.R3
	}
	return p, nil
}

// giveBack does for each what kombu's restore_by_tag does, if it is still the
// same delivery.
//
// KEYS: unacked, unacked_index. ARGV: for each tag, digest, score, list, message.
const giveBack = `
local given = 0
for i = 1, #ARGV, 5 do
  local text = redis.call('HGET', KEYS[1], ARGV[i])
  if text and redis.sha1hex(text) == ARGV[i + 1] and redis.call('ZSCORE', KEYS[2], ARGV[i]) == ARGV[i + 2] then
    redis.call('ZREM', KEYS[2], ARGV[i])
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('RPUSH', ARGV[i + 3], ARGV[i + 4])
    given = given + 1
  end
end
return given`

func (b broker) makeUnacked(ctx context.Context, s *redisapi.Session, _ action.Order, approved []action.Item) error {
	guards, err := redisact.ReadGuards[deliveryGuard](approved)
	if err != nil {
		return err
	}
	hash, index := b.unacked()
	for i := 0; i < len(guards); i += chunk {
		args, err := b.givingBack(ctx, s, guards[i:min(i+chunk, len(guards))])
		if err == nil && len(args) > 0 {
			_, err = s.Run(ctx, giveBack, []string{hash, index}, args...)
		}
		if err != nil {
			if i > 0 {
				err = redisact.Plainly(err) // those before it were given back
			}
			return err
		}
	}
	return nil
}

// givingBack reads deliveries again and marks their messages as redelivered.
func (b broker) givingBack(ctx context.Context, s *redisapi.Session, guards []deliveryGuard) ([]any, error) {
	hash, _ := b.unacked()
	cmd := []any{"HMGET", hash}
	for _, g := range guards {
		cmd = append(cmd, g.Tag)
	}
	v, err := s.One(ctx, cmd...)
	if err != nil {
		return nil, tooBig(err)
	}
	list, _ := v.([]any)
	var args []any
	for i, g := range guards {
		text, _ := list[i].(string)
		d, ok := readDelivery(g.Tag, g.Score, text)
		if !ok || digest(text) != g.Digest {
			continue // acknowledged, or another by now
		}
		again, err := redelivered(d.raw)
		if err != nil {
			return nil, action.Not("task %s cannot be read", d.name())
		}
		args = append(args, g.Tag, g.Digest, g.Score, b.prefix+g.Queue, again)
	}
	return args, nil
}

// givenBack reports which deliveries of an order are no longer there.
func (b broker) givenBack(ctx context.Context, s *redisapi.Session, o action.Order) ([]bool, error) {
	guards, err := redisact.ReadGuards[deliveryGuard](o.Preview.Items)
	if err != nil {
		return nil, err
	}
	_, index := b.unacked()
	var cmds [][]any
	for _, g := range guards {
		cmds = append(cmds, []any{"ZSCORE", index, g.Tag})
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return nil, err
	}
	out := make([]bool, len(guards))
	for i, g := range guards {
		out[i] = replies[i].Val != g.Score
	}
	return out, nil
}
