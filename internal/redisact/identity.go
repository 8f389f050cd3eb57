package redisact

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisapi"
)

// identity says which server, database and role a target is, so that an
// address that leads elsewhere today is noticed. The run id is given when a
// server starts: one that was restarted has forgotten what was set, and counts
// its clients from one again.
type identity struct {
	at      redisapi.Address
	run     string // empty where only the address is known
	role    string // "master" or "slave"
	mode    string // "standalone", "cluster" or "sentinel"
	loading bool
	here    string
}

func (d doer) identity(ctx context.Context, s *redisapi.Session) (identity, error) {
	who := identity{at: d.t.At}
	if d.change.Here != nil {
		who.here = d.change.Here()
	}
	if d.change.Lenient {
		return who, nil
	}
	replies, err := s.All(ctx, []any{"INFO", "server"}, []any{"INFO", "replication"}, []any{"INFO", "persistence"})
	if err != nil {
		return who, err
	}
	server := redisapi.Fields(replies[0].Val)
	who.run, who.mode = server["run_id"], server["redis_mode"]
	who.role = redisapi.Fields(replies[1].Val)["role"]
	who.loading = redisapi.Fields(replies[2].Val)["loading"] == "1"
	if who.mode == "sentinel" {
		return who, action.Refuse("point the target at the server that the Sentinel watches", "%s is a Sentinel, which holds no data of its own", d.t.At.Addr)
	}
	return who, nil
}

func (i identity) String() string {
	text := "redis at " + i.at.Addr
	if i.run != "" {
		text = fmt.Sprintf("redis %.12s at %s, database %d, %s", i.run, i.at.Addr, i.at.DB, i.role)
	}
	if i.here != "" {
		text += ", " + i.here
	}
	return text
}

// writable refuses servers on which a change of keys would be wrong or lost.
func (i identity) writable() error {
	switch {
	case i.role != "master":
		return action.Refuse("point the target at the master", "%s is a replica: what is changed here its master does not know", i.at.Addr)
	case i.mode == "cluster":
		return action.Refuse("change the keys with the cluster's own tools", "%s is one node of a cluster, and the keys are on all of them", i.at.Addr)
	case i.loading:
		return action.NotYet("%s still loads its data", i.at.Addr)
	}
	return nil
}
