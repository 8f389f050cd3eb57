package postgres

import "github.com/quellhq/quell/internal/action"

// grave says what more a parameter may do than others.
type grave struct {
	risk action.Risk
	why  string
	two  bool // needs two people
}

const (
	runsCode  = "it names a program or a library that the server runs"
	losesData = "it can lose or damage data"
	opensDoor = "it decides who may log in"
)

// graveParameters are those whose harm goes beyond the type's own risk.
var graveParameters = map[string]grave{
	"archive_command": {action.R4, runsCode, true}, "restore_command": {action.R4, runsCode, true}, "archive_library": {action.R4, runsCode, true},
	"archive_cleanup_command": {action.R4, runsCode, true}, "recovery_end_command": {action.R4, runsCode, true},
	"ssl_passphrase_command": {action.R4, runsCode, true}, "shared_preload_libraries": {action.R4, runsCode, true},
	"session_preload_libraries": {action.R4, runsCode, true}, "local_preload_libraries": {action.R4, runsCode, true},
	"dynamic_library_path": {action.R4, runsCode, true}, "jit_provider": {action.R4, runsCode, true},

	"fsync": {action.R4, losesData, true}, "full_page_writes": {action.R4, losesData, true}, "zero_damaged_pages": {action.R4, losesData, true},
	"ignore_checksum_failure": {action.R4, losesData, true}, "ignore_invalid_pages": {action.R4, losesData, true},
	"ignore_system_indexes": {action.R4, losesData, true}, "allow_system_table_mods": {action.R4, losesData, true},
	"data_sync_retry": {action.R4, losesData, true}, "session_replication_role": {action.R4, losesData, true},

	"listen_addresses": {action.R3, opensDoor, true}, "password_encryption": {action.R3, opensDoor, true}, "ssl": {action.R3, opensDoor, true},
	"unix_socket_permissions": {action.R3, opensDoor, true}, "row_security": {action.R3, "it decides who sees which rows", true},

	"synchronous_commit":        {action.R3, "commits may be reported that a crash takes back", false},
	"synchronous_standby_names": {action.R3, "commits may stop to wait for a standby, or begin to", false},
	"max_slot_wal_keep_size":    {action.R3, "a consumer that lags further behind than that loses its place", false},
	"wal_keep_size":             {action.R3, "a standby without a slot that lags further behind than that is set up anew", false},
	"max_connections":           {action.R3, "a standby with fewer stops", false},
	"temp_file_limit":           {action.R2, "statements that need more end with an error", false},
}

// untouchable are parameters that no ALTER SYSTEM takes, or that hold a secret.
var untouchable = map[string]string{
	"primary_conninfo": "it may hold a password", "data_directory": "it says where the server's files are",
	"config_file": "it is given on the server's command line", "hba_file": "it says where the rules for logins are",
	"ident_file": "it says where the rules for logins are", "external_pid_file": "it is given on the server's command line",
	"role": "it belongs to a session", "session_authorization": "it belongs to a session", "is_superuser": "it belongs to a session", "seed": "it belongs to a session",
	"transaction_isolation": "it belongs to a transaction", "transaction_read_only": "it belongs to a transaction", "transaction_deferrable": "it belongs to a transaction",
}
