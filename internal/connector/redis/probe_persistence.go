package redis

import (
	"context"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func persistenceQuestion() builtin {
	number := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "number", About: about} }
	text := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "text", About: about} }
	yes := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "bool", About: about} }
	return builtin{ask: askPersistence, spec: probe.Spec{
		Name:     "redis.persistence",
		Question: "Does saving to disk work, and what does it cost?",
		Why:      "A save that fails stops all writes (MISCONF) while reads go on; a slow disk or a long fork makes everyone wait.",
		Cost:     "one INFO, six CONFIG GET; where the server is on this machine, one statfs of its directory",
		Shape:    probe.Object,
		Fields: []probe.Field{
			yes("rdb_ok", "the last snapshot succeeded"), yes("aof_ok", "the last write of the append-only file succeeded; true when it is off"), yes("rewrite_ok", "the last rewrite of it succeeded; true when it is off"),
			yes("writes_stopped", "writes are refused with MISCONF: a failed snapshot with stop-writes-on-bgsave-error, or a failed append"),
			yes("loading", "the data is being read after a start"), number("loading_eta_s", "seconds left; null when not loading"),
			yes("aof", "the append-only file is on"), text("appendfsync", "always, everysec or no; null when CONFIG GET is not permitted"),
			text("save", "when snapshots are written, empty is never; null when CONFIG GET is not permitted"), text("dir", "directory; null as above"),
			text("stop_writes", "stop-writes-on-bgsave-error; null as above"), text("no_fsync_on_rewrite", "no-appendfsync-on-rewrite; null as above"),
			number("changes_unsaved", "writes since the last snapshot"), number("last_save_age_s", "age of the last good snapshot"),
			yes("saving", "a snapshot is being written"), yes("rewriting", "the append-only file is being rewritten"),
			number("fork_usec", "microseconds of the last fork"), number("fork_gb_s", "gigabytes forked per second; null before a fork, or below 64 MB used"), number("cow_bytes", "copied during the last snapshot"),
			number("delayed_fsync", "writes that waited for a slow fsync, since the start"),
			number("aof_bytes", "size of the append-only file; null when off"), number("aof_growth", "size ÷ size after the last rewrite; null when off"),
			number("dir_free_bytes", "bytes free in the directory, where the server is on this machine; else null"),
			number("used_bytes", "used_memory: a snapshot needs up to so much disk"),
			yes("off", "neither snapshots nor the append-only file: a restart starts empty; null when CONFIG GET is not permitted"),
		},
		Outcomes: []probe.Outcome{
			{When: "writes_stopped", Means: "clients get MISCONF on writes and on PING; reads work"},
			{When: "fork_usec above 1,000,000", Means: "the server stands still for over a second at each save"},
			{When: `appendfsync is "always"`, Means: "each write waits for the disk"},
		},
	}}
}

func askPersistence(ctx context.Context, t *target, _ arguments) evidence.Answer {
	names := []string{"appendfsync", "save", "dir", "stop-writes-on-bgsave-error", "no-appendfsync-on-rewrite"}
	cmds := [][]any{{"TIME"}}
	for _, n := range names {
		cmds = append(cmds, []any{"CONFIG", "GET", n})
	}
	in, more, failed := t.askInfo(ctx, cmds...)
	if failed != nil {
		return *failed
	}
	get := func(name string) float64 { n, _ := in.num(name); return n }
	out := map[string]any{}
	for i, key := range []string{"appendfsync", "save", "dir", "stop_writes", "no_fsync_on_rewrite"} {
		out[key] = nil
		if s, ok := configText(more[i+1]); ok {
			out[key] = s
		}
	}
	aof := get("aof_enabled") == 1
	rdbOK, aofOK := in.text("rdb_last_bgsave_status") != "err", !aof || in.text("aof_last_write_status") != "err"
	// With snapshots switched off a failed one stops nothing; the server's
	// default is to stop, so an unknown setting counts as that.
	stopsOnRDB := out["stop_writes"] != "no" && out["save"] != ""
	out["rdb_ok"], out["aof_ok"] = rdbOK, aofOK
	out["rewrite_ok"] = !aof || in.text("aof_last_bgrewrite_status") != "err"
	out["writes_stopped"] = !aofOK || !rdbOK && stopsOnRDB
	out["loading"], out["loading_eta_s"] = get("loading") == 1, in.fields["loading_eta_seconds"]
	out["aof"], out["saving"], out["rewriting"] = aof, get("rdb_bgsave_in_progress") == 1, get("aof_rewrite_in_progress") == 1
	out["changes_unsaved"] = get("rdb_changes_since_last_save")
	out["last_save_age_s"] = max(0, serverTime(more[0], t.tools.Now())-get("rdb_last_save_time"))
	out["fork_usec"], out["cow_bytes"], out["delayed_fsync"] = get("latest_fork_usec"), get("rdb_last_cow_size"), get("aof_delayed_fsync")
	out["fork_gb_s"] = nil
	const minForkUsed = 64 << 20
	if used, usec := get("used_memory"), get("latest_fork_usec"); usec > 0 && used >= minForkUsed {
		out["fork_gb_s"] = finite(used / (1 << 30) / (usec / 1e6))
	}
	out["aof_bytes"], out["aof_growth"] = in.fields["aof_current_size"], share(get("aof_current_size"), get("aof_base_size"))
	out["used_bytes"], out["dir_free_bytes"] = get("used_memory"), nil
	if free, ok := t.freeDisk(ctx, in); ok {
		out["dir_free_bytes"] = free
	}
	out["off"] = nil
	if save, ok := out["save"].(string); ok {
		out["off"] = save == "" && !aof
	}
	a := evidence.Of(out)
	if note := configNote("appendfsync", more[1], t.client.at); note != "" {
		a.Notes = append(a.Notes, note)
	}
	return a
}
