package postgres

import "github.com/quellhq/quell/internal/probe"

// Refusals are the values of postgres.connect's field "refusal".
const (
	RefusalTooManyClients = "too many clients" // 53300: every slot of the server is taken
	RefusalReservedSlots  = "reserved slots"   // 53300: only slots for superusers are left
	RefusalRoleLimit      = "role limit"       // 53300: ALTER ROLE … CONNECTION LIMIT
	RefusalDatabaseLimit  = "database limit"   // 53300: ALTER DATABASE … CONNECTION LIMIT
	RefusalPoolerFull     = "pooler full"      // a pooler in between takes no more clients
	RefusalPassword       = "wrong password"   // 28P01
	RefusalNoRole         = "no such role"     // 28000
	RefusalHBA            = "pg_hba"           // 28000: no line of pg_hba.conf lets this client in
	RefusalAuth           = "authentication"   // 28xxx, others: login not allowed, certificate, unsupported method
	RefusalNoDatabase     = "no such database" // 3D000
	RefusalNotAllowed     = "not allowed"      // 42501: no CONNECT privilege; or the system refused the socket
	RefusalStarting       = "starting up"      // 57P03
	RefusalStopping       = "shutting down"    // 57P03, 57P01
	RefusalRecovery       = "in recovery"      // 57P03: crash recovery, or a standby that is not consistent yet
	RefusalOutOfResources = "out of resources" // 53xxx, others: memory, disk
	RefusalRefused        = "refused"          // TCP: nothing listens
	RefusalNoHost         = "no such host"     // DNS
	RefusalNoRoute        = "no route"         // network
	RefusalNoSocket       = "no such socket"   // unix socket file is missing
	RefusalTimeout        = "timeout"          // no answer in time: frozen, dropped packets, overloaded
	RefusalTLS            = "tls"              // one side wants TLS and the other does not, or the certificate is not accepted
	RefusalBroken         = "broken"           // connected, and the connection broke before the login was over
	RefusalStranger       = "not postgres"     // something else than Postgres answers there
	RefusalOther          = "other"            // see message
)

func reachSpecs() []probe.Spec {
	return []probe.Spec{
		{
			Name:     "postgres.connect",
			Question: "Does the server let a new session in, and if not, what exactly does it say?",
			Why:      "Each refusal has its own cause, and several call for opposite cures. The refusal itself is the evidence, so this question is answered even when the server is down.",
			Cost:     "one new connection and one statement",
			Shape:    probe.Object,
			Fields: []probe.Field{
				flag("ok", "a new session was opened and answered a statement"),
				text("refusal", "why not: \"\" when ok, else one of: too many clients, reserved slots, role limit, database limit, pooler full, wrong password, no such role, pg_hba, authentication, no such database, not allowed, starting up, shutting down, in recovery, out of resources, refused, no such host, no route, no such socket, timeout, tls, broken, not postgres, other"),
				flag("spoke", "a Postgres server (or pooler) answered in its own protocol, be it with a refusal"),
				text("sqlstate", "the server's code for the refusal; \"\" when there is none"),
				text("message", "the server's or the network's words, without secrets; \"\" when ok"),
				number("connect_s", "seconds from dialling to the first answer or the refusal"),
				text("host", "host name, address or socket directory that was dialled"),
				number("port", "port that was dialled"),
				text("database", "database that was asked for"),
				text("user", "role that logged in"),
				flag("tls", "the session is encrypted; null when there is none"),
				text("version", "server version, \"15.18\"; null when there is no session"),
				number("version_num", "server version as a number, 150018; null when there is no session"),
				flag("in_recovery", "the server is a standby; null when there is no session"),
				flag("read_only", "writes are refused: a standby, or default_transaction_read_only; null when there is no session"),
				flag("is_superuser", "our role is a superuser; null when there is no session"),
				flag("has_monitor", "our role may read all statistics (pg_monitor); null when there is no session"),
				flag("pooler", "a pooler such as pgbouncer stands in between; null when it cannot be told"),
			},
			Outcomes: []probe.Outcome{
				{When: "ok is true", Means: "the server lets sessions in with this address, role and database"},
				{When: `refusal is "too many clients" or "reserved slots"`, Means: "max_connections is used up: find who holds the sessions before raising it"},
				{When: `refusal is "role limit"`, Means: "the role's own CONNECTION LIMIT is reached; max_connections does not matter here"},
				{When: `refusal is "refused"`, Means: "nothing listens there: the server is down, or the address is wrong"},
				{When: `refusal is "timeout"`, Means: "the server is frozen or overloaded, or packets are dropped on the way"},
				{When: `refusal is "starting up" or "in recovery"`, Means: "a restart is under way: wait, another restart makes it longer"},
			},
		},
		{
			Name:     "postgres.uptime",
			Question: "When did the server start, and did it restart itself after a crash since?",
			Why:      "After a backend crash the postmaster keeps its age while every session is reset, so a plain uptime hides it.",
			Cost:     costOne, Shape: probe.Object,
			Fields: []probe.Field{
				number("postmaster_s", "seconds since the postmaster started"),
				number("shared_memory_s", "seconds since shared memory was last set up; null when it cannot be seen"),
				flag("crash_restarted", "shared memory is younger than the postmaster by more than 5 s: a backend crashed or was killed"),
				number("restarted_s", "seconds since the last start of either kind"),
				number("conf_load_s", "seconds since the configuration was last loaded"),
				number("reloaded_s", "the same, where that was after the start: null otherwise"),
				flag("in_recovery", "the server is a standby or recovers"),
				text("version", "server version"),
			},
			Outcomes: []probe.Outcome{
				{When: "crash_restarted is true", Means: "a server process was killed (out of memory, kill -9) or crashed; every session was cut at that moment"},
				{When: "restarted_s is small and crash_restarted is false", Means: "the whole server was restarted: on purpose, or with its host or container"},
			},
			Changes: []probe.Moment{
				{Kind: probe.Restart, Ago: "restarted_s", What: "postgres {version}"},
				{Kind: probe.Reload, Ago: "reloaded_s", What: "settings of postgres"},
			},
			Timeline: true,
		},
		{
			Name:     "postgres.settings",
			Question: "Which settings matter in an incident, which wait for a restart, and which differ from their default?",
			Why:      "Missing brakes (timeouts), unsafe switches and changes that were never applied explain many incidents.",
			Cost:     costOne, Shape: probe.Object,
			Fields: []probe.Field{
				number("max_connections", "sessions the server allows"),
				number("reserved_connections", "slots kept for superusers and for pg_use_reserved_connections"),
				number("shared_buffers_bytes", ""), number("work_mem_bytes", "memory per sort or hash, in bytes"),
				number("maintenance_work_mem_bytes", ""), number("effective_cache_size_bytes", ""),
				number("max_wal_size_bytes", ""), number("max_slot_wal_keep_size_bytes", "null when unlimited"),
				number("temp_file_limit_bytes", "null when unlimited"),
				number("statement_timeout_s", "server's default for new sessions; 0 is none"),
				number("lock_timeout_s", "0 is none"), number("idle_in_transaction_session_timeout_s", "0 is none"),
				number("idle_session_timeout_s", "0 is none; null before version 14"),
				number("deadlock_timeout_s", ""), number("checkpoint_timeout_s", ""),
				number("random_page_cost", "4 is the default, meant for spinning disks"),
				number("autovacuum_max_workers", ""), number("max_locks_per_transaction", ""),
				flag("autovacuum", ""), flag("track_counts", "without it autovacuum is blind"), flag("track_io_timing", ""),
				flag("track_activities", ""), flag("fsync", "false loses data in a crash"), flag("full_page_writes", ""),
				flag("log_lock_waits", ""), flag("hot_standby_feedback", ""), flag("default_transaction_read_only", ""),
				text("archive_mode", "off, on or always"), text("synchronous_standby_names", ""), text("synchronous_commit", ""),
				list("pending_restart", "names of settings that were changed and wait for a restart"),
				rows("changed", "settings that differ from their built-in default: name, value, unit, source"),
			},
			Outcomes: []probe.Outcome{
				{When: "pending_restart is not empty", Means: "someone changed a setting that only a restart applies: the server still runs with the old value"},
				{When: "fsync or full_page_writes is false", Means: "a crash can corrupt data"},
			},
		},
	}
}
