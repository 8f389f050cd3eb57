package postgres

import "github.com/quellhq/quell/internal/probe"

func tableSpecs() []probe.Spec {
	return []probe.Spec{
		{
			Name:     "postgres.tables",
			Question: "Which tables are scanned, written, bloated or forgotten by vacuum?",
			Why:      "Dead rows and stale statistics slow every statement on a table, and the table's own settings say why vacuum does not come.",
			Cost:     costWindow, Shape: probe.Rows, Params: []probe.Param{limitParam("50")},
			Fields: []probe.Field{
				text("schema", ""), text("table", ""),
				number("rows", "rows the planner believes in"), number("live_rows", "live rows, estimated"), number("dead_rows", "dead rows, estimated"),
				number("dead_share", "dead / (live + dead), 0 to 1; 0 for an empty table"),
				number("trigger_rows", "dead rows at which autovacuum comes to this table, by its own settings"),
				number("times_over_trigger", "dead_rows / trigger_rows"),
				flag("autovacuum", "autovacuum is on for this table and the server"),
				flag("vacuum_running", "a vacuum works on it now"),
				number("last_vacuum_s", "seconds since the last vacuum of either kind ended; null when never"),
				number("last_analyze_s", "seconds since the last analyze; null when never"),
				number("mods_since_analyze", "rows changed since then"), number("analyze_times_over", "the same against its analyze trigger"),
				number("seq_scans_total", ""), number("seq_scans_per_s", "scans of the whole table, in the window"),
				number("seq_rows_per_s", "rows read by them"), number("idx_scans_total", ""), number("idx_scans_per_s", ""),
				number("writes_per_s", "rows inserted, updated and deleted"), number("updates_total", ""),
				number("hot_share", "updates that touched no index, of all; null below 1000 updates"),
				number("size_bytes", "the table itself"), number("total_bytes", "with indexes and TOAST"),
				number("bytes_per_row", "size_bytes / live_rows; null for an empty table"),
				number("window_s", "length of the window in seconds"),
			},
			Outcomes: []probe.Outcome{
				{When: "times_over_trigger is above 2 and autovacuum is false", Means: "vacuum is switched off for this table"},
				{When: "times_over_trigger is above 2 and last_vacuum_s is small", Means: "vacuum comes and cannot remove: something holds the horizon, ask postgres.horizon"},
			},
		},
		{
			Name:     "postgres.indexes",
			Question: "Which indexes are broken, unused or there twice?",
			Why:      "An invalid index costs writes and serves no read; it is what a failed CREATE INDEX CONCURRENTLY leaves behind.",
			Cost:     costCatalog, Shape: probe.Rows, Params: []probe.Param{limitParam("50")},
			Fields: []probe.Field{
				text("problem", "\"invalid\", \"duplicate\" or \"unused\""),
				text("schema", ""), text("table", ""), text("index", ""),
				number("size_bytes", ""), number("table_bytes", "size of the table without its indexes"), number("table_rows", "rows, as the planner estimates"),
				number("scans", "since the statistics were reset"), number("stats_age_s", "seconds since then; null when never"),
				flag("being_built", "someone builds an index on this table now"),
				flag("has_twin", "a valid index with the same columns exists: reads are served"),
				text("duplicate_of", "the index it repeats; \"\" when it is none"),
				text("definition", "the statement that makes it"),
			},
			Outcomes: []probe.Outcome{
				{When: "problem is invalid, being_built and has_twin are false", Means: "the planner cannot use it: statements that relied on it scan the table"},
				{When: "problem is unused", Means: "only worth a thought when stats_age_s is weeks, and no standby uses it"},
			},
		},
		{
			Name:     "postgres.storage",
			Question: "What takes the space?",
			Why:      "Tables, indexes, temporary files and the write-ahead log fill disks for different reasons.",
			Cost:     "file sizes of this database and its 20 largest relations", Shape: probe.Object,
			Fields: []probe.Field{
				number("database_bytes", "this database"), number("all_databases_bytes", "all databases we may connect to"),
				rows("databases", "name, bytes; largest first"),
				rows("tables", "the 20 largest: schema, table, total_bytes, table_bytes, index_bytes, toast_bytes, share (of this database)"),
				number("temp_bytes", "temporary files of running statements now; null without pg_monitor"),
				number("temp_files", "null without pg_monitor"), number("wal_bytes", "write-ahead log directory; null without pg_monitor"),
			},
			Outcomes: []probe.Outcome{{When: "wal_bytes is far above max_wal_size", Means: "something pins the log: ask postgres.wal"}},
		},
	}
}

func vacuumSpecs() []probe.Spec {
	return []probe.Spec{
		{
			Name:     "postgres.autovacuum",
			Question: "Is autovacuum on, and does it keep up?",
			Why:      "Workers that are all busy and all throttled need a higher cost limit; more workers would not help.",
			Cost:     costOne, Shape: probe.Object,
			Fields: []probe.Field{
				flag("enabled", "autovacuum and track_counts are both on"),
				number("workers", "running now"), number("max_workers", ""), number("throttled", "of those, workers in a cost delay"),
				number("wraparound_workers", "of those, workers against wraparound"), number("longest_s", "longest running worker; 0 when none runs"),
				flag("full", "all workers are busy"),
			},
			Outcomes: []probe.Outcome{{When: "full is true and throttled is most of workers", Means: "vacuum is held back by its own cost limit"}},
		},
		{
			Name:     "postgres.horizon",
			Question: "Who keeps old row versions from being removed?",
			Why:      "Vacuum may remove only what nobody can see any more; one forgotten transaction, slot or standby holds it for every table.",
			Cost:     costOne, Shape: probe.Rows, Params: []probe.Param{limitParam("20")},
			Fields: []probe.Field{
				text("kind", "\"idle in transaction\", \"running\", \"prepared transaction\", \"slot\" or \"standby\""),
				text("holder", "process id, transaction name, slot name or standby's application name, as text"),
				number("pid", "null for slots and prepared transactions"),
				number("xmin_age", "transactions that were started since the horizon it holds"),
				number("age_s", "seconds since the transaction began or was prepared; null for slots and standbys"),
				flag("active", "false for an idle session, an inactive slot, a prepared transaction"),
				text("user", "owner; \"\" for slots"), text("database", "\"\" when it belongs to none"),
				text("detail", "statement, slot type, address"),
			},
			Outcomes: []probe.Outcome{
				{When: "kind is prepared transaction and age_s is minutes or more", Means: "a two-phase commit was never finished; it survives restarts"},
				{When: "the first row is far older than the rest", Means: "that one holds the horizon for everyone"},
			},
		},
		{
			Name:     "postgres.wraparound",
			Question: "How near are the databases to running out of transaction ids?",
			Why:      "At the end the server refuses every write until vacuum is done.",
			Cost:     costCatalog, Shape: probe.Object,
			Fields: []probe.Field{
				number("worst_share", "share of the way to the stop, the worst database, 0 to 1"), text("worst_database", ""),
				number("forced_share", "age / autovacuum_freeze_max_age of the worst; above 1 a forced vacuum is due"),
				number("left", "transaction ids that the worst database has left"),
				rows("databases", "name, xid_age, multixact_age, share; oldest first"),
				rows("tables", "the ten oldest of this database: table, xid_age, bytes"),
			},
			Outcomes: []probe.Outcome{{When: "worst_share is above 0.5", Means: "freezing does not happen: find the horizon holder, then vacuum the oldest tables"}},
		},
		{
			Name:     "postgres.progress",
			Question: "Which vacuum, index build, analyze, cluster, copy or base backup runs now, and how far is it?",
			Why:      "Maintenance explains load and locks, and how far it is decides whether to wait.",
			Cost:     costOne, Shape: probe.Rows,
			Fields: []probe.Field{
				text("operation", "vacuum, create index, analyze, cluster, copy, base backup"), number("pid", ""),
				text("relation", "\"\" when it belongs to none"), text("phase", ""), number("share", "done so far, 0 to 1; null when unknown"),
				number("running_s", ""), flag("automatic", "an autovacuum worker does it"), flag("waiting", "it waits for a lock now"),
				text("query", "the statement, cut at 300 characters"),
			},
			Outcomes: []probe.Outcome{{When: "no rows", Means: "no such work is under way"}},
		},
	}
}
