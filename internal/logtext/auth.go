package logtext

import (
	"context"
	"fmt"
	"math"
	"sort"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/auth"
	"github.com/quellhq/quell/internal/logql/pattern"
	"github.com/quellhq/quell/internal/logql/request"
	"github.com/quellhq/quell/internal/logql/spike"
	"github.com/quellhq/quell/internal/probe"
)

func authSpec() probe.Spec {
	number := func(name, about string) probe.Field { return probe.Field{Name: name, Type: "number", About: about} }
	return probe.Spec{
		Name:     "logs.auth",
		Question: "Who is turned away, why, and from where?",
		Why:      "An attack, a forgotten password, an expired token, another signing key and a login service that is down all show as failed logins; the reasons, the spread over users, addresses and processes, and the time from login to refusal tell them apart.",
		Cost:     "reads the lines of window and before together, up to max_read of the target",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "query", Type: probe.Text, Default: "-", About: "a log query that takes the lines; \"-\" takes all lines of the service"},
			{Name: "window", Type: probe.Duration, Default: "10m", About: "the recent time"},
			{Name: "before", Type: probe.Duration, Default: "50m", About: "the time before it, to compare with"},
		},
		Fields: []probe.Field{
			number("lines", "lines looked at, in both times"),
			number("failures", "attempts that were turned away in the recent time: logins, and requests with a token or a session; an attempt that several lines tell counts once"),
			number("failures_usual", "the same before, for a time as long and as many requests; missing where nothing was written before"),
			number("logins", "logins that succeeded in the recent time"),
			number("logins_usual", "the same before, for a time as long"),
			number("failed_logins", "logins that failed in the recent time: password and login below"),
			number("failed_share", "failed_logins ÷ (failed_logins + logins), 0 to 1; missing below 10 of both"),
			number("failed_share_usual", "the same before; missing as above"),
			number("onset", "when refusals began to come at least twice as often, in seconds since 1970; missing where they did not"),
			{Name: "now", Type: "object", About: "refusals in the recent time by reason: expired, signature (another key), early (not valid yet), token (bad, without a reason), session (not there, or no longer), missing (no token, cookie or session came), forgery (the token against forged forms did not come back), password, key (an API key), service (what checks logins did not answer), login (failed, no reason said), other (401 and nothing more)"},
			{Name: "usual", Type: "object", About: "the same before, for a time as long as the recent one; missing where nothing was written before"},
			{Name: "reasons", Type: "rows", About: "reason, count, usual, users, ips, instances (distinct), first, last (seconds since 1970), samples (up to 3); most first"},
			number("users", "distinct users who failed to log in"),
			number("ips", "distinct addresses that failed to log in"),
			number("top_ip_share", "share of the failed logins that came from one address, 0 to 1; missing below 10 with an address"),
			number("top_user_share", "share of the failed logins that were of one user; missing below 10 with a user"),
			{Name: "sources", Type: "rows", About: "addresses with failed logins, most first, at most 20: ip, failures, users (distinct), logins (that succeeded), served (other requests that were let through), most_5m (failures within five minutes), failed_share, first, last"},
			{Name: "accounts", Type: "rows", About: "users with failed logins, most first, at most 20: user, failures, ips (distinct), logins, most_5m"},
			{Name: "instances", Type: "rows", About: "processes or hosts, where lines name them: instance, refused, tokens (refused for their signature, or bad), sessions (refused for want of the session), served (requests let through), logins, refused_share"},
			number("relogins", "logins in the recent time of users who had logged in or been let through before, within the time that was read"),
			number("relogins_usual", "the same before, for a time as long"),
			number("relogin_s", "median of the seconds between the two logins; missing below 5"),
			number("lived_s", "median of the seconds from a user's login to the refusal of the same user; missing below 5"),
			number("lived_low_s", "the tenth percentile of the same"),
			number("lived_high_s", "the ninetieth percentile of the same"),
			number("lived_count", "how many it rests on"),
			number("flipped", "sessions or users that were turned away and let through again, at least twice in the recent time, with no login in between; missing where no line names one that is let through"),
			number("missed_at_home", "sessions that were missed by the process that had let them in last; this and the next rest on lines that name session and process, and are missing without any"),
			number("missed_abroad", "sessions that were missed by another process than the one that had let them in last"),
			number("known_share", "share of the users refused with a token or session who had logged in or been let through before, within the time that was read; missing where no user is named"),
			{Name: "broke_in", Type: "rows", About: "logins that succeeded after at least ten failed for the same user, or from an address from which hardly anybody gets in: user, ip, at, failures"},
		},
		Outcomes: []probe.Outcome{
			{When: "now.expired is far above usual and lived_low_s is near lived_high_s", Means: "tokens end after a fixed time and are not renewed"},
			{When: "now.signature begins at one moment for everyone", Means: "tokens are checked with another key than they were signed with"},
			{When: "one row of instances has a refused_share far above the others", Means: "that process has another key, an old setting, or state of its own"},
			{When: "a row of sources has a large most_5m, many users and hardly any logins", Means: "somebody guesses passwords from there"},
			{When: "missed_at_home is 0 and missed_abroad is large", Means: "each process knows only its own sessions"},
			{When: "relogin_s is a few seconds", Means: "a login does not last: the cookie is not kept, or the next process does not know the session"},
			{When: "logins is 0 and failures is not", Means: "the log tells only of refusals, or nobody gets in: logins_usual says which"},
		},
	}
}

func (t Asker) auth(ctx context.Context, q probe.Question) evidence.Answer {
	tally, v, failed := tallied(ctx, t, q, "50m", auth.NewTally, func(tally *auth.Tally, l request.Line, _ string) { tally.Add(l) })
	if failed != nil {
		return *failed
	}
	notes := v.notes
	r := tally.Report(v.window.Start.UnixNano(), v.window.End.UnixNano())
	if !r.Told {
		return evidence.Not(evidence.NoData, fmt.Sprintf("none of %d lines tells of a login, or of a request and its status", r.Lines), "give this target the access log, or let the service log who logs in and who is refused, and why")
	}
	if r.Lost > 0 {
		notes = append(notes, fmt.Sprintf("%d further attempts were not counted", r.Lost))
	}
	value := authValue(&r)
	if at, ok := began(r.Times, v.window); ok {
		value["onset"] = at
	}
	return evidence.Of(value, notes...)
}

// began is when events began to come more often.
func began(times []int64, w logql.Window) (float64, bool) {
	var events, all pattern.Series
	for _, at := range times {
		events.Add(at)
	}
	// The log itself is taken as never silent: refusals are rare beside what else
	// it says.
	for at := w.Start; at.Before(w.End); at = at.Add(10 * time.Second) {
		all.Add(at.UnixNano())
	}
	at, _, ok := spike.Began(&events, &all, w.Start.UnixNano(), w.End.UnixNano())
	return seconds(at), ok
}

func authValue(r *auth.Report) map[string]any {
	now, usual := map[string]any{}, map[string]any{}
	for _, reason := range auth.Reasons {
		now[string(reason)], usual[string(reason)] = int64(r.Now[reason]), r.Usual[reason]
	}
	failed := r.Now[auth.Password] + r.Now[auth.Login]
	failedUsual := r.Usual[auth.Password] + r.Usual[auth.Login]
	v := map[string]any{
		"lines": int64(r.Lines), "failures": int64(r.Failures), "logins": int64(r.Logins), "failed_logins": int64(failed),
		"now": now, "users": int64(r.Users), "ips": int64(r.IPs), "relogins": int64(len(r.Relogins)), "lived_count": int64(len(r.Lived)),
	}
	if r.Comparable {
		v["usual"], v["failures_usual"], v["logins_usual"], v["relogins_usual"] = usual, r.FailuresUsual, r.LoginsUsual, r.ReloginsUsual
		setShare(v, "failed_share_usual", failedUsual, failedUsual+r.LoginsUsual)
	}
	setShare(v, "failed_share", float64(failed), float64(failed+r.Logins))
	if r.AtHome+r.Abroad > 0 {
		v["missed_at_home"], v["missed_abroad"] = int64(r.AtHome), int64(r.Abroad)
	}
	if r.Named {
		v["flipped"] = int64(r.Flipped)
	}
	if !math.IsNaN(r.KnownShare) {
		v["known_share"] = r.KnownShare
	}
	if len(r.Relogins) >= 5 {
		v["relogin_s"] = quantile(r.Relogins, 0.5)
	}
	if len(r.Lived) >= 5 {
		v["lived_s"], v["lived_low_s"], v["lived_high_s"] = quantile(r.Lived, 0.5), quantile(r.Lived, 0.1), quantile(r.Lived, 0.9)
	}
	authRows(v, r)
	return v
}

// setShare leaves a share out where it would rest on too little.
func setShare(v map[string]any, name string, part, whole float64) {
	if whole >= 10 {
		v[name] = part / whole
	}
}

func quantile(sorted []float64, q float64) float64 {
	return sorted[int(math.Round(q*float64(len(sorted)-1)))]
}

func authRows(v map[string]any, r *auth.Report) {
	reasons, sources, accounts, instances, broke := []any{}, []any{}, []any{}, []any{}, []any{}
	for _, row := range r.Rows {
		out := map[string]any{"reason": string(row.Reason), "count": int64(row.Count), "users": int64(row.Users), "ips": int64(row.IPs),
			"instances": int64(row.Instances), "samples": texts(row.Samples)}
		if r.Comparable {
			out["usual"] = row.Usual
		}
		if row.First != 0 {
			out["first"], out["last"] = seconds(row.First), seconds(row.Last)
		}
		reasons = append(reasons, out)
	}
	total, top := 0, 0
	for _, s := range r.Sources {
		total += s.Failures
		top = max(top, s.Failures)
		sources = append(sources, map[string]any{"ip": s.IP, "failures": int64(s.Failures), "users": int64(s.Users), "logins": int64(s.Logins),
			"served": int64(s.Served), "most_5m": int64(s.Most), "failed_share": float64(s.Failures) / float64(s.Failures+s.Logins), "first": seconds(s.First), "last": seconds(s.Last)})
	}
	if total > 0 {
		setShare(v, "top_ip_share", float64(top), float64(max(total, r.Now[auth.Password]+r.Now[auth.Login])))
	}
	total, top = 0, 0
	for _, a := range r.Accounts {
		total += a.Failures
		top = max(top, a.Failures)
		accounts = append(accounts, map[string]any{"user": a.User, "failures": int64(a.Failures), "ips": int64(a.IPs), "logins": int64(a.Logins), "most_5m": int64(a.Most)})
	}
	if total > 0 {
		setShare(v, "top_user_share", float64(top), float64(max(total, r.Now[auth.Password]+r.Now[auth.Login])))
	}
	for _, i := range r.Instances {
		row := map[string]any{"instance": i.Instance, "refused": int64(i.Refused), "tokens": int64(i.Tokens), "sessions": int64(i.Sessions),
			"served": int64(i.Served), "logins": int64(i.Logins)}
		if all := i.Refused + i.Served + i.Logins; all > 0 {
			row["refused_share"] = float64(i.Refused) / float64(all)
		}
		instances = append(instances, row)
	}
	sort.SliceStable(instances, func(a, b int) bool {
		return instances[a].(map[string]any)["refused"].(int64) > instances[b].(map[string]any)["refused"].(int64)
	})
	if len(instances) > 50 {
		instances = instances[:50]
	}
	for _, b := range r.BrokeIn {
		broke = append(broke, map[string]any{"user": b.User, "ip": b.IP, "at": seconds(b.At), "failures": int64(b.Failures)})
	}
	v["reasons"], v["sources"], v["accounts"], v["instances"], v["broke_in"] = reasons, sources, accounts, instances, broke
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
