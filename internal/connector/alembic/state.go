package alembic

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// state is where a database stands.
type state struct {
	database string   // its address without a password, as Alembic shows it
	at       []string // revisions; none for base
}

// text names the revisions.
func (s state) text() string {
	if len(s.at) == 0 {
		return "base (no revision)"
	}
	return strings.Join(s.at, ", ")
}

// unknownRevision is a database at a revision that the scripts do not know.
type unknownRevision struct{ id string }

func (u *unknownRevision) Error() string {
	return fmt.Sprintf("the database is at revision %s, which is not among the scripts", u.id)
}

func (u *unknownRevision) hint() string {
	return "newer code has moved it there: use the scripts of that code (the dir of the target), also to go back"
}

var (
	cannotLocate = regexp.MustCompile(`Can't locate revision identified by '([^']*)'`)
	databaseLine = regexp.MustCompile(`(?m)^Current revision\(s\) for (.*):$`)
)

// state asks Alembic where the database stands.
func (t *Target) state(ctx context.Context, g graph) (state, error) {
	out, err := t.run(ctx, reading, "quell", "current", "-v")
	var run *failed
	if errors.As(err, &run) {
		if m := cannotLocate.FindStringSubmatch(run.said); m != nil {
			return state{}, &unknownRevision{id: m[1]}
		}
	}
	if err != nil {
		return state{}, err
	}
	m := databaseLine.FindStringSubmatch(out.text)
	if m == nil {
		return state{}, &failed{args: "current", said: "it does not say which database it means"}
	}
	s := state{database: t.redact(m[1])}
	listed := readGraph(out.text[strings.Index(out.text, m[0]):]).list
	for _, r := range listed {
		// Alembic also lists what a revision depends on.
		implied := slices.ContainsFunc(listed, func(other revision) bool { return other.id != r.id && g.upTo(other.id)[r.id] })
		if !implied {
			s.at = append(s.at, r.id)
		}
	}
	slices.Sort(s.at)
	return s, nil
}
