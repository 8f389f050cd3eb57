package postgres

import "github.com/quellhq/quell/internal/probe"

func lockSpecs() []probe.Spec {
	return []probe.Spec{
		{
			Name:     "postgres.lock_roots",
			Question: "Which sessions hold up the others, and wait for nobody themselves?",
			Why:      "Most sessions that block someone are themselves blocked. Ending one of those hurts a victim and frees nobody; only the roots matter.",
			Cost:     "one statement that asks the lock manager once per waiting session", Shape: probe.Rows,
			Fields: fields([]probe.Field{number("pid", "process id on the server; 0 for a prepared transaction")}, who(), []probe.Field{
				text("backend_type", "client backend, autovacuum worker, walsender, …; \"prepared transaction\" for pid 0"),
				text("state", "active, idle in transaction, …; null when our role may not see it"),
				text("wait_type", "\"\" when it waits for nothing"), text("wait_event", "\"\" when it waits for nothing"),
				text("query", "its statement, or the last one when idle, cut at 300 characters"),
				number("xact_s", "seconds since its transaction began"), number("state_s", "seconds since its state changed"),
				number("query_s", "seconds since its statement began"),
				number("victims", "sessions that wait for it, directly or behind others"),
				number("direct", "sessions that wait directly for it"),
				number("depth", "length of the longest chain behind it"),
				number("longest_wait_s", "seconds that its longest waiting victim has waited"),
				flag("is_ddl", "it changes the schema or is maintenance"),
				flag("is_wraparound_vacuum", "an autovacuum against wraparound, which lock requests do not cancel"),
				text("wait_kind", "what most of its victims wait for: relation, tuple, transactionid, advisory, …"),
				list("wait_kinds", "all kinds its victims wait for"),
				text("mode", "lock mode that its longest waiting direct victim wants"),
				text("relation", "table that its victims stand before; \"\" when the lock is of another kind"),
				list("victim_pids", "process ids of its victims, the longest waiting first, at most 50"),
				number("victim_queries", "different statements among its victims"),
				number("same_query_share", "share of its victims that run the most frequent statement, 0 to 1"),
				text("victim_query", "that statement, cut at 300 characters"),
				flag("ddl_queued", "a schema change waits behind it, and others may queue behind that"),
				number("ddl_pid", "process id of that schema change; null when there is none"),
				text("ddl_query", "its statement; \"\" when there is none"),
				number("ddl_queued_behind", "sessions that wait behind that schema change"),
			}),
			Outcomes: []probe.Outcome{
				{When: "no rows", Means: "nobody waits for a lock at this moment"},
				{When: "state is idle in transaction", Means: "the session does nothing and keeps its locks: cancel has no effect on it, ending it has"},
				{When: "ddl_queued is true", Means: "a schema change waits behind a long reader and everyone queues behind the change: cancelling the change frees the queue at once"},
				{When: "wait_kind is tuple or transactionid, and same_query_share is high", Means: "many sessions update the same row"},
				{When: "wait_kind is advisory", Means: "a lock that the application made for itself: two migration runners, a job mutex"},
			},
		},
		{
			Name:     "postgres.lock_waits",
			Question: "Who waits for whom, for which lock, and since when?",
			Why:      "The edges behind postgres.lock_roots, for a person who wants to see the queue itself.",
			Cost:     "one statement that asks the lock manager once per waiting session", Shape: probe.Rows,
			Params: []probe.Param{limitParam("100")},
			Fields: fields([]probe.Field{number("pid", "process id of the session that waits")}, who(), []probe.Field{
				list("blocked_by", "process ids it waits for directly"), list("roots", "process ids at the head of its queue"),
				text("kind", "relation, tuple, transactionid, advisory, …"), text("mode", "lock mode it wants"),
				text("relation", "table; \"\" when the lock is of another kind"),
				number("wait_s", "seconds it has waited"), number("queued_behind", "sessions that wait for it, directly or behind others"),
				flag("is_ddl", "it changes the schema or is maintenance"),
				text("query", "its statement, cut at 300 characters"),
			}),
			Outcomes: []probe.Outcome{{When: "no rows", Means: "nobody waits for a lock at this moment"}},
		},
		{
			Name:     "postgres.locks",
			Question: "How much waiting for locks is there, and how full is the lock table?",
			Why:      "The totals: cheap to read in a sign, and the only place where a full lock table shows.",
			Cost:     "two statements", Shape: probe.Object,
			Fields: []probe.Field{
				number("waiting", "sessions that wait for a lock"), number("longest_wait_s", "0 when nobody waits"),
				number("roots", "sessions at the head of a queue"), number("deepest", "length of the longest chain; 0 when nobody waits"),
				number("relation", "sessions that wait for a table"), number("row", "sessions that wait for a row (tuple or transactionid)"),
				number("advisory", "sessions that wait for an advisory lock"), number("other", "sessions that wait for any other lock"),
				number("ddl_waiting", "schema changes that wait for a lock"), number("queued_behind_ddl", "sessions that wait behind those"),
				number("held", "entries in the shared lock table"), number("slots", "entries it was made for"),
				number("fill_share", "held / slots, 0 to 1"),
			},
			Outcomes: []probe.Outcome{{When: "fill_share is above 0.2", Means: "a transaction touches very many tables or partitions; at 1 statements fail with \"out of shared memory\""}},
		},
	}
}
