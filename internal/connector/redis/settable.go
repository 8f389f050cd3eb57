package redis

import (
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// settable are the settings that may be changed while the server runs: those
// that a fault calls for, that a running server takes, and that open nothing.
// Every other is refused: the list decides, and not a pattern.
var settable = map[string]kind{
	"maxmemory": memory, "maxmemory-clients": memoryOrShare, "repl-backlog-size": memory, "client-query-buffer-limit": memory,
	"active-defrag-ignore-bytes": memory, "auto-aof-rewrite-min-size": memory, "proto-max-bulk-len": memory,

	"maxclients": upTo(1_000_000), "timeout": integer, "tcp-keepalive": integer, "hz": integer,
	"slowlog-log-slower-than": integer, "slowlog-max-len": integer, "latency-monitor-threshold": integer, "acllog-max-len": integer,
	"busy-reply-threshold": integer, "lua-time-limit": integer, "tracking-table-max-keys": integer,
	"maxmemory-samples": integer, "maxmemory-eviction-tenacity": integer, "lfu-log-factor": integer, "lfu-decay-time": integer, "active-expire-effort": integer,
	"active-defrag-threshold-lower": integer, "active-defrag-threshold-upper": integer, "active-defrag-cycle-min": integer,
	"active-defrag-cycle-max": integer, "active-defrag-max-scan-fields": integer,
	"min-replicas-to-write": integer, "min-replicas-max-lag": integer, "repl-timeout": integer, "repl-backlog-ttl": integer,
	"repl-diskless-sync-delay": integer, "repl-ping-replica-period": integer, "replica-priority": integer,
	"auto-aof-rewrite-percentage": integer,

	"activedefrag": yesNo, "activerehashing": yesNo, "dynamic-hz": yesNo, "latency-tracking": yesNo,
	"lazyfree-lazy-eviction": yesNo, "lazyfree-lazy-expire": yesNo, "lazyfree-lazy-server-del": yesNo,
	"lazyfree-lazy-user-del": yesNo, "lazyfree-lazy-user-flush": yesNo, "replica-lazy-flush": yesNo,
	"appendonly": yesNo, "no-appendfsync-on-rewrite": yesNo, "aof-rewrite-incremental-fsync": yesNo, "rdb-save-incremental-fsync": yesNo,
	"stop-writes-on-bgsave-error": yesNo, "replica-serve-stale-data": yesNo, "repl-diskless-sync": yesNo, "repl-disable-tcp-nodelay": yesNo,

	"maxmemory-policy": oneOf(policies...), "appendfsync": oneOf("always", "everysec", "no"),
	"loglevel": oneOf("debug", "verbose", "notice", "warning"),
	"save":     saves, "client-output-buffer-limit": outputLimits,
}

// policies are the values of maxmemory-policy.
var policies = []string{"noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"}

// Why settings that people ask for stay closed.
const (
	writesFiles = "with it the server can be made to write files anywhere it may"
	letsIn      = "it decides who is let in"
	isSecret    = "it is a secret"
	atStart     = "it is read when the server starts"
	isReplica   = "it changes what the server is"
)

// closed are such settings, by how their names begin.
var closed = []struct{ prefix, why string }{
	{"dir", writesFiles}, {"dbfilename", writesFiles}, {"append", writesFiles}, {"logfile", writesFiles}, {"pidfile", writesFiles}, {"crash-", writesFiles},
	{"requirepass", isSecret}, {"masterauth", isSecret}, {"masteruser", isSecret}, {"tls-key-file-pass", isSecret}, {"sentinel", isSecret},
	{"user", letsIn}, {"acl", letsIn}, {"tls", letsIn}, {"protected-mode", letsIn}, {"bind", letsIn}, {"port", letsIn}, {"unixsocket", letsIn},
	{"enable-", "it opens commands that read and write files"}, {"rename-command", "it hides or opens commands"}, {"loadmodule", "it runs code in the server"},
	{"slaveof", isReplica}, {"replicaof", isReplica}, {"slave-read-only", isReplica}, {"replica-read-only", isReplica}, {"cluster", isReplica},
	{"databases", atStart}, {"io-threads", atStart},
}

// settableKind finds how the value of a setting is read, or why it is closed.
func settableKind(name string) (kind, error) {
	if k, ok := settable[name]; ok {
		return k, nil
	}
	for _, c := range closed {
		if strings.HasPrefix(name, c.prefix) {
			return nil, action.Refuse("change it by hand", "%s is not changed from here: %s", brief(name), c.why)
		}
	}
	return nil, action.Refuse("the page of the redis connector lists them", "%q is not among the settings that are changed from here", brief(name))
}
