package redis

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

func killChange() redisact.Change {
	return redisact.Change{
		Spec: action.Spec{
			Name: "redis.client_kill", Risk: action.R2,
			Does:     "Closes client connections by id, after checking that each is still the one of the evidence. Replicas, the master and Quell's own connections are refused.",
			Tells:    "no client has that id any more; ids are not given twice",
			Destroys: "what these connections waited for: transactions, subscriptions, answers in their buffers",
			Captures: []string{"redis.clients"},
			Params: []probe.Param{
				need("ids", probe.List, "ids, or rows of a question that have an id: redis.clients"),
				optional("idle", probe.Duration, "0s", "leave alone who has sent a command within so long"),
			},
		},
		Look: lookKill, Stands: standsKill, Make: makeKill,
	}
}

// mostClients bounds one order, and with it the answer of CLIENT LIST.
const mostClients = 1000

// clientGuard is what makes a client the one that was approved. The server
// counts ids up for as long as it runs, so that an id is one connection.
type clientGuard struct {
	ID   int64  `json:"id"`
	Addr string `json:"addr"`
	Name string `json:"name,omitempty"`
	User string `json:"user,omitempty"`
}

// killCommand closes that client and no other: the server compares all of it
// at once. TYPE keeps replicas and the master out.
func (g clientGuard) killCommand(class string) []any {
	return []any{"CLIENT", "KILL", "ID", g.ID, "ADDR", g.Addr, "TYPE", class, "SKIPME", "yes"}
}

func wantedClients(list []any) ([]int64, error) {
	var ids []int64
	for _, v := range list {
		a := action.Args{"id": v}
		if row, ok := v.(map[string]any); ok {
			a = row
		}
		n := int64(a.Number("id"))
		if n <= 0 {
			return nil, action.Refuse("take ids from redis.clients", "%v is no id of a client", v)
		}
		ids = append(ids, n)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) > mostClients {
		return nil, action.Refuse(fmt.Sprintf("at most %d", mostClients), "%d clients are too many for one order", len(ids))
	}
	return ids, nil
}

func lookKill(ctx context.Context, s *redisapi.Session, a action.Args) (action.Preview, error) {
	ids, err := wantedClients(a.List("ids"))
	if err != nil {
		return action.Preview{}, err
	}
	there, err := clientsByID(ctx, s, ids)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{MayShrink: true}
	places := map[string]int64{}
	var refused []string
	for _, id := range ids {
		c, ok := there[id]
		switch why := guarded(c); {
		case !ok:
			p.Warnings = append(p.Warnings, fmt.Sprintf("client %d is gone", id))
		case why != "":
			refused = append(refused, fmt.Sprintf("client %d is %s", id, why))
			p.Warnings = append(p.Warnings, refused[len(refused)-1]+": it is left alone")
		case active(c, a):
			p.Warnings = append(p.Warnings, fmt.Sprintf("client %d has been active within %s: it is left alone", id, a.Text("idle")))
		default:
			p.Items = append(p.Items, clientItem(c))
			p.Warnings = append(p.Warnings, killAdvice(c)...)
			places[c.host()]++
		}
	}
	switch {
	case len(p.Items) == 0 && len(refused) > 0:
		return p, action.Refuse("", "%s", redisact.Few(refused, 5))
	case len(p.Items) == 0:
		p.Already, p.Summary = true, "none of these clients is there, or idle that long, any more"
	default:
		hosts := byCount(places)
		sort.Strings(hosts)
		p.Summary = fmt.Sprintf("closes %s from %s", redisact.Count(len(p.Items), "connection"), redisact.Few(hosts, 3))
	}
	return p, nil
}

// active reports a client that has sent something too recently.
func active(c clientLine, a action.Args) bool { return c.num("idle") < a.Duration("idle").Seconds() }

// clientsByID asks for the given clients alone.
func clientsByID(ctx context.Context, s *redisapi.Session, ids []int64) (map[int64]clientLine, error) {
	there := map[int64]clientLine{}
	if len(ids) == 0 {
		return there, ctx.Err()
	}
	cmd := []any{"CLIENT", "LIST", "ID"}
	for _, id := range ids {
		cmd = append(cmd, id)
	}
	v, err := s.One(ctx, cmd...)
	if err != nil {
		return nil, err
	}
	text, _ := v.(string)
	for _, c := range readClients(text) {
		there[int64(c.num("id"))] = c
	}
	return there, nil
}

// guarded says why a client must not be closed; "" where it may.
func guarded(c clientLine) string {
	switch {
	case c["name"] == redisapi.OwnName:
		return "Quell's own"
	case c.has("M"):
		return "the master of this server"
	case c.has("S") && !c.has("O"): // the server flags who runs MONITOR as a replica too
		return "a replica of this server"
	}
	return ""
}

func clientItem(c clientLine) action.Item {
	g := clientGuard{ID: int64(c.num("id")), Addr: c["addr"], Name: c["name"], User: c["user"]}
	now := c["addr"]
	if c["name"] != "" {
		now += " (" + redisapi.Clip(c["name"]) + ")"
	}
	return action.Item{ID: fmt.Sprintf("client %d", g.ID), Now: now + ", last command " + c["cmd"], Then: "closed", Guard: redisact.Guard(g)}
}

func killAdvice(c clientLine) []string {
	what := ""
	switch {
	case c.has("x"):
		what = "is in a transaction, which is dropped"
	case c.has("b"):
		what = "waits in a blocking command, as workers do: it will connect again"
	case c.has("O"):
		what = "runs MONITOR: somebody watches, or has forgotten it"
	case c.has("P"):
		what = "is subscribed: it misses what is published until it is back"
	default:
		return nil
	}
	return []string{"client " + strings.TrimSpace(c["id"]) + " " + what}
}
