package redis

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisapi"
)

// noteBegins takes an order for an owner. It answers over, held, or go and base.
const noteBegins = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local h = redis.call('HMGET', KEYS[1], 'owner', 'at', 'over')
if h[3] then return {'over'} end
if h[1] and h[1] ~= '' and h[1] ~= ARGV[1] and now - tonumber(h[2]) < tonumber(ARGV[3]) then return {'held'} end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'at', string.format('%.0f', now))
redis.call('HSETNX', KEYS[1], 'base', string.format('%.0f', now))
redis.call('EXPIRE', KEYS[1], ARGV[2])
return {'go', redis.call('HGET', KEYS[1], 'base')}`

// noteStep opens the script of each step: it ends it where the order has
// another owner by now, and gives the function that counts what was changed.
const noteStep = `
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return -1 end
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], 'at', string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)))
local function counted(n) redis.call('HINCRBY', KEYS[1], 'n', n) return n end
`

// noteEnds gives an order back: over, or to whoever goes on.
const noteEnds = `
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'owner', '')
if ARGV[2] == 'over' then redis.call('HSET', KEYS[1], 'over', 1) end
return 1`

// roomy lets a script write on a server whose memory is full, which is when
// keys have to go. Servers before 7.0 do not know it.
const roomy = "#!lua flags=allow-oom\n"

// noter keeps the note of one order.
type noter struct {
	s     *redisapi.Session
	key   string // of the note
	owner string // this one carrying-out
	roomy bool   // the server knows the flag
}

func newNoter(ctx context.Context, s *redisapi.Session, order string) (noter, error) {
	v, err := s.One(ctx, "INFO", "server")
	if err != nil {
		return noter{}, err
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	return noter{s: s, key: notePrefix + order, owner: hex.EncodeToString(id[:]), roomy: major(redisapi.Fields(v)["redis_version"]) >= 7}, nil
}

// major is the first number of a version: 7 of "7.0.15".
func major(version string) int {
	first, _, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(first)
	return n
}

func (n noter) run(ctx context.Context, script string, keys []string, args ...any) (any, error) {
	if n.roomy {
		script = roomy + script
	}
	return n.s.Run(ctx, script, append([]string{n.key}, keys...), append([]any{n.owner}, args...)...)
}

// begin takes the order. over says that it was carried out before; base is when
// it was begun, the first time, in ms by the server's clock.
func (n noter) begin(ctx context.Context) (base int64, over bool, err error) {
	v, err := n.run(ctx, noteBegins, nil, int64(noteTTL.Seconds()), noteHeld.Milliseconds())
	if err != nil {
		return 0, false, err
	}
	said := append(redisapi.Texts(v), "", "")
	switch said[0] {
	case "over":
		return 0, true, nil
	case "go":
		base, err = strconv.ParseInt(said[1], 10, 64)
		return base, false, err
	}
	return 0, false, action.NotYet("another process works on this order")
}

// step runs one script with the effect and the note in it.
func (n noter) step(ctx context.Context, script string, keys []string, args ...any) (int64, error) {
	v, err := n.run(ctx, noteStep+script, keys, args...)
	if err != nil {
		return 0, err
	}
	changed, _ := v.(int64)
	if changed < 0 {
		return 0, action.NotYet("another process has taken this order over")
	}
	return changed, nil
}

// end gives the order back: "over", or anything else for who goes on.
func (n noter) end(ctx context.Context, how string) error {
	_, err := n.run(ctx, noteEnds, nil, how)
	return err
}
