package alembic

import (
	"context"
	"errors"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func currentSpec() probe.Spec {
	field := func(name, kind, about string) probe.Field { return probe.Field{Name: name, Type: kind, About: about} }
	return probe.Spec{
		Name:     "alembic.current",
		Question: "At which revision is the database, and what do the scripts have beyond it?",
		Why:      "Code that expects a schema which is not there, or is no longer there, fails on every request.",
		Cost:     "two starts of Python; one login and one read of alembic_version, in sessions that cannot write where the driver is built on libpq",
		Shape:    probe.Object,
		Fields: []probe.Field{
			field("database", "text", "the database's address as Alembic shows it, without a password; \"\" when its revision is not known to the scripts"),
			field("revision", "text", "the revision it is at; \"\" for base, and when it is at several"),
			field("current", "list", "all revisions it is at: several where branches are not merged"),
			field("known", "bool", "the scripts know that revision"),
			field("heads", "list", "the newest revisions of the scripts"),
			field("one_head", "bool", "there is one"),
			field("at_head", "bool", "nothing is pending"),
			field("pending", "rows", "revisions that are not applied, oldest first: revision, message"),
			field("pending_count", "number", "how many those are"),
		},
		Outcomes: []probe.Outcome{
			{When: "known is false", Means: "the database is ahead of these scripts: an older release runs here, or was rolled back without its schema"},
			{When: "at_head is false and known is true", Means: "migrations were not run, or stopped on the way"},
			{When: "one_head is false", Means: "two branches of the history were never merged: an upgrade to head is refused"},
		},
	}
}

// current answers alembic.current.
func (t *Target) current(ctx context.Context) evidence.Answer {
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return t.answer(err)
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, t.cfg.timeout)
	defer cancel()
	g, err := t.graph(ctx)
	if err != nil {
		return t.answer(err)
	}
	s, err := t.state(ctx, g)
	var unknown *unknownRevision
	if err != nil && !errors.As(err, &unknown) {
		return t.answer(err)
	}
	v := map[string]any{
		"database": s.database, "revision": "", "current": list(s.at), "known": unknown == nil,
		"heads": list(g.heads()), "one_head": len(g.heads()) == 1,
	}
	if unknown != nil {
		s.at, v["current"] = nil, []any{unknown.id}
	}
	if cur := v["current"].([]any); len(cur) == 1 {
		v["revision"] = cur[0]
	}
	pending := []any{}
	done := g.upTo(s.at...)
	for i := len(g.list) - 1; i >= 0 && unknown == nil; i-- {
		if r := g.list[i]; !done[r.id] {
			pending = append(pending, map[string]any{"revision": r.id, "message": r.about})
		}
	}
	v["pending"], v["pending_count"], v["at_head"] = pending, int64(len(pending)), unknown == nil && len(pending) == 0
	return evidence.Of(t.cfg.redact.Value(t.tools.Redact.Value(v)))
}

func list(texts []string) []any {
	out := make([]any, len(texts))
	for i, text := range texts {
		out[i] = text
	}
	return out
}
