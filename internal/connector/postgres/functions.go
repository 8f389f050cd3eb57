package postgres

import (
	"fmt"
	"strings"
)

// harmless are functions that the server calls volatile because their result
// changes between calls, and that change nothing themselves. Every other
// volatile function of the system is refused.
var harmless = map[string]bool{
	// clocks and chance
	"clock_timestamp": true, "timeofday": true, "random": true, "gen_random_uuid": true,
	// sizes
	"pg_relation_size": true, "pg_table_size": true, "pg_indexes_size": true, "pg_total_relation_size": true,
	"pg_database_size": true, "pg_tablespace_size": true,
	// locks and sessions
	"pg_blocking_pids": true, "pg_safe_snapshot_blocking_pids": true, "pg_lock_status": true,
	"pg_isolation_test_session_is_blocked": true, "pg_prepared_xact": true, "pg_stat_get_activity": true,
	// position in the log, recovery
	"pg_current_wal_lsn": true, "pg_current_wal_insert_lsn": true, "pg_current_wal_flush_lsn": true,
	"pg_last_wal_receive_lsn": true, "pg_last_wal_replay_lsn": true, "pg_last_xact_replay_timestamp": true,
	"pg_is_in_recovery": true, "pg_is_wal_replay_paused": true, "pg_get_wal_replay_pause_state": true,
	"pg_get_wal_resource_managers": true, "pg_show_replication_origin_status": true, "pg_get_replication_slots": true,
	// lists of files, without their contents
	"pg_ls_waldir": true, "pg_ls_tmpdir": true, "pg_ls_logdir": true, "pg_ls_archive_statusdir": true,
	"pg_ls_replslotdir": true, "pg_ls_logicalmapdir": true, "pg_ls_logicalsnapdir": true,
	// the control file and the configuration
	"pg_control_checkpoint": true, "pg_control_system": true, "pg_control_init": true, "pg_control_recovery": true,
	"pg_show_all_file_settings": true, "pg_hba_file_rules": true, "pg_ident_file_mappings": true, "pg_jit_available": true,
	"pg_config": true, "pg_conf_load_time": true, "pg_current_logfile": true,
	// memory, statistics, sequences
	"pg_get_backend_memory_contexts": true, "pg_get_shmem_allocations": true, "pg_sequence_last_value": true,
	"pg_stat_get_wal": true, "pg_stat_get_archiver": true, "pg_stat_get_slru": true, "pg_stat_get_io": true,
	"pg_collation_actual_version": true, "pg_database_collation_actual_version": true,
	"pg_stat_get_progress_info": true, "pg_stat_have_stats": true,
	// the extension that we lean on
	"pg_stat_statements": true, "pg_stat_statements_info": true,
}

// refusedNames are functions that the server does not call volatile, or that
// may be known before any server is: what lint says of them.
var refusedNames = map[string]string{
	"txid_current": "takes a transaction id", "pg_current_xact_id": "takes a transaction id",
	"nextval": "takes a value from a sequence", "setval": "sets a sequence", "set_config": "changes a setting",
	"setseed": "changes the session", "lastval": "depends on the session", "currval": "depends on the session",
	"pg_terminate_backend": "ends a session: that is an action (postgres.terminate)",
	"pg_cancel_backend":    "cancels a statement: that is an action (postgres.cancel)",
	"pg_reload_conf":       "reloads the configuration", "pg_rotate_logfile": "rotates the log", "pg_promote": "promotes a standby",
	"pg_switch_wal": "switches the log", "pg_notify": "notifies listeners", "pg_export_snapshot": "holds a snapshot",
	"ts_stat": "runs a query that it is given as text", "ts_rewrite": "can run a query that it is given as text",
	"pg_stat_file": "reads files of the server", "pg_ls_dir": "reads directories of the server",
	"pg_prewarm": "reads a whole table", "pgstattuple": "reads a whole table", "pgstatindex": "reads a whole index",
	"crosstab": "runs a query that it is given as text", "connectby": "runs a query that it is given as text",
	"xpath_table": "runs a query that it is given as text", "loread": "reads large objects", "lowrite": "writes large objects",
	"pg_create_restore_point": "writes to the log", "pg_import_system_collations": "changes the catalog",
	"pg_extension_config_dump": "changes the catalog", "gin_clean_pending_list": "changes an index",
	"pg_nextoid": "takes an object id", "pg_stop_making_pinned_objects": "changes the catalog",
}

// refusedFamilies are groups of such functions by the beginning of their names.
var refusedFamilies = []struct{ prefix, does string }{
	{"pg_advisory", "takes or gives a lock"}, {"pg_try_advisory", "takes a lock"}, {"pg_sleep", "sleeps"},
	{"dblink", "talks to another server"}, {"lo_", "works on large objects"}, {"pg_read_", "reads files of the server"},
	{"pg_file_", "works on files of the server"}, {"pg_stat_reset", "resets statistics"}, {"pg_stat_statements_reset", "resets statistics"},
	{"pg_create_", "makes something"}, {"pg_drop_", "drops something"}, {"pg_copy_", "copies something"},
	{"pg_logical_", "moves or reads a slot"}, {"pg_replication_", "changes replication"}, {"pg_wal_replay_", "changes replay"},
	{"pg_backup_", "begins or ends a backup"}, {"pg_start_backup", "begins a backup"}, {"pg_stop_backup", "ends a backup"},
	{"pg_log_", "writes to the server's log"}, {"query_to_xml", "runs a query that it is given as text"},
	{"cursor_to_xml", "reads a cursor"}, {"table_to_xml", "reads a relation that it is given by name"},
	{"schema_to_xml", "reads a whole schema"}, {"database_to_xml", "reads the whole database"},
	{"binary_upgrade_", "is for upgrades"}, {"brin_", "changes an index"}, {"pg_truncate_", "truncates"},
	{"autoprewarm_", "reads whole tables"}, {"crosstab", "runs a query that it is given as text"},
	{"pg_sync_", "changes replication"}, {"pg_restore_", "changes statistics"}, {"pg_clear_", "changes statistics"},
}

// dangerous says why a function may not stand in a probe, by its name alone;
// "" where nothing speaks against the name.
func dangerous(name string) string {
	if does, ok := refusedNames[name]; ok {
		return fmt.Sprintf("%s() %s", name, does)
	}
	if harmless[name] {
		return ""
	}
	for _, f := range refusedFamilies {
		if strings.HasPrefix(name, f.prefix) {
			return fmt.Sprintf("%s() %s", name, f.does)
		}
	}
	return ""
}

// trustedExtensions are extensions whose immutable and stable functions only
// compute. Extensions that are not here may be fine; their functions need a
// line in allow_functions.
var trustedExtensions = map[string]bool{
	"pg_stat_statements": true, "citext": true, "hstore": true, "ltree": true, "pg_trgm": true, "intarray": true,
	"btree_gin": true, "btree_gist": true, "cube": true, "earthdistance": true, "fuzzystrmatch": true, "unaccent": true,
	"uuid-ossp": true, "isn": true, "seg": true, "pgcrypto": true, "postgis": true, "vector": true, "ip4r": true, "pg_freespacemap": true,
	"pg_buffercache": true, "semver": true, "rum": true, "bloom": true,
}
