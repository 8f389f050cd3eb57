package postgres

import "github.com/quellhq/quell/internal/probe"

func serverSpecs() []probe.Spec {
	return []probe.Spec{
		{
			Name:     "postgres.replication",
			Question: "Is this a primary or a standby, who follows it, how far behind, and at which stage?",
			Why:      "Unsent, unflushed and unreplayed log each has its own cause; a paused replay or a dead receiver has yet another.",
			Cost:     "up to four statements on the statistics views", Shape: probe.Object,
			Fields: []probe.Field{
				text("role", "\"primary\" or \"standby\""),
				rows("senders", "on the server that sends: application, client, state, sync_state, unsent_bytes, unflushed_bytes, unreplayed_bytes, replay_lag_s, stage (the largest of: network, disk, replay, none)"),
				rows("slots", "name, type, database, active, retained_bytes, wal_status, safe_bytes (null: no bound), xmin_age"),
				number("inactive_slots", "slots that nobody reads"), number("retained_bytes", "log kept for the slot furthest behind; 0 without slots"),
				number("worst_lag_s", "of all senders, or of this standby; null when unknown"),
				number("worst_behind_bytes", "the same in bytes"),
				flag("receiver_up", "standby only: the log is being received; null on a primary"),
				flag("replay_paused", "standby only: someone paused replay; null on a primary"),
				number("replay_lag_s", "standby only: age of the last replayed transaction, 0 when all that was received is replayed"),
				number("replay_behind_bytes", "standby only: received and not yet replayed"),
				number("conflicts_total", "standby only: statements cancelled by replay since the statistics were reset"),
				text("synchronous_standby_names", ""), number("sync_standbys", "standbys that count as synchronous"),
				number("waiting_for_sync", "sessions whose commit waits for a standby"),
			},
			Outcomes: []probe.Outcome{
				{When: "replay_paused is true", Means: "someone called pg_wal_replay_pause(): this standby shows old data until it is resumed"},
				{When: "an inactive slot has large retained_bytes", Means: "its reader is gone and the log piles up until the disk is full"},
				{When: "waiting_for_sync is above 0 and sync_standbys is 0", Means: "commits wait for a synchronous standby that is not there"},
			},
		},
	}
}

func walSpecs() []probe.Spec {
	return []probe.Spec{
		{
			Name:     "postgres.wal",
			Question: "Does the write-ahead log pile up, and who pins it?",
			Why:      "A failing archiver or a dead slot keeps every segment; the disk fills and the server stops.",
			Cost:     "one statement twice, and one look at the log directory", Shape: probe.Object,
			Fields: []probe.Field{
				text("archive_mode", "off, on or always"),
				flag("archiving_failing", "the last attempt to archive failed"),
				number("archive_failed_total", ""), number("archived_total", ""),
				number("last_failure_s", "seconds since archiving last failed; null when never"),
				number("last_success_s", "seconds since archiving last worked; null when never"),
				text("last_failed_wal", "\"\" when none failed"),
				number("waiting_segments", "segments that are ready and not archived; null when our role may not see it"),
				number("wal_bytes", "size of the log directory; null without pg_monitor"), number("wal_files", "null without pg_monitor"),
				number("max_wal_size_bytes", ""), number("over_share", "wal_bytes / (max_wal_size + wal_keep_size); null without pg_monitor"),
				number("bytes_per_s", "log written per second in the window; null on a standby"),
				rows("slots", "as in postgres.replication"),
				number("inactive_slots", ""), number("retained_bytes", "log kept for the slot furthest behind; 0 without slots"),
				number("inactive_retained_bytes", "the same for slots that nobody reads"),
			},
			Outcomes: []probe.Outcome{
				{When: "archiving_failing is true", Means: "the archive command fails: the log stays until it works again"},
				{When: "inactive_retained_bytes is large", Means: "a slot without a reader pins the log"},
			},
		},
		{
			Name:     "postgres.checkpoints",
			Question: "Do checkpoints come on time, or because the log is full?",
			Why:      "Checkpoints on demand write in bursts that slow everything.",
			Cost:     costWindow, Shape: probe.Object,
			Fields: []probe.Field{
				number("window_s", ""), number("timed", "within the window"), number("requested", "within the window"),
				number("timed_total", ""), number("requested_total", ""),
				number("requested_share", "requested / all since the statistics were reset; null below 5"),
				number("since_s", "seconds since the last checkpoint; null when it cannot be told"), number("timeout_s", "checkpoint_timeout"),
				number("write_s_per_checkpoint", "mean; null without checkpoints"), number("sync_s_per_checkpoint", "mean; null without checkpoints"),
				number("backend_fsyncs_total", "backends had to flush files themselves; null from version 17"),
				number("buffers_per_s", "buffers written by checkpoints per second, in the window"),
				number("stats_age_s", "seconds since the statistics were reset"),
			},
			Outcomes: []probe.Outcome{{When: "requested_share is above 0.5", Means: "max_wal_size is too small for this write rate"}},
		},
	}
}

func schemaSpecs() []probe.Spec {
	return []probe.Spec{
		{
			Name:     "postgres.sequences",
			Question: "Which sequences or integer keys are about to run out?",
			Why:      "When an integer key ends, every insert fails, at once and for good.",
			Cost:     costCatalog, Shape: probe.Rows, Params: []probe.Param{limitParam("20")},
			Fields: []probe.Field{
				text("schema", ""), text("sequence", ""), text("table", "\"\" when no column owns it"), text("column", "\"\" when no column owns it"),
				text("column_type", "\"\" when no column owns it"),
				number("last_value", ""), number("max_value", "the lower of the sequence's own end and the column's type"),
				number("used_share", "last_value / max_value, 0 to 1"), number("left", "values that are left"),
			},
			Outcomes: []probe.Outcome{{When: "used_share is above 0.9", Means: "inserts will soon fail: move the column to bigint before that"}},
		},
		{
			Name:     "postgres.schema_version",
			Question: "Which migration is the schema at?",
			Why:      "Code that is ahead of the schema, or behind it, fails on the first column it does not find.",
			Cost:     "one look at the catalogs, and one row of each migration table found", Shape: probe.Object,
			Fields: []probe.Field{
				text("tool", "alembic, django, rails or golang-migrate, goose, flyway, prisma, knex, sequelize, typeorm, liquibase, ecto, diesel; \"\" when no migration table is found"),
				text("table", "its table with schema; \"\" when none is found"),
				text("version", "the last migration applied, as text; \"\" when the table is empty or not readable"),
				list("versions", "all heads, or the last ten migrations, newest first"),
				flag("dirty", "the tool says that a migration failed half way; null when the tool does not say"),
				number("applied_s", "seconds since the last migration; null when the tool does not say"),
				rows("tools", "all that were found: tool, table, version, dirty, applied_s"),
				number("tables", "tables that are not the system's own"),
			},
			Outcomes: []probe.Outcome{
				{When: "version differs from what the code expects", Means: "a migration is missing, or was rolled back without the code"},
				{When: "dirty is true", Means: "a migration stopped half way: the next one will refuse to run"},
				{When: "tables is 0", Means: "an empty database: the wrong one, or never migrated"},
			},
		},
	}
}
