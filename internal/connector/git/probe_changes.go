package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func changesSpec() probe.Spec {
	kinds := []string{probe.Deploy, probe.Config, probe.Migration, probe.Dependency, probe.Flag}
	return probe.Spec{
		Name:     "git.changes",
		Question: "What was deployed here lately, when, and what does it touch?",
		Why:      "Most incidents begin with a change, and the moment at which code came to lie on the machine is the moment that counts, not that at which it was written.",
		Cost:     "a few calls of git that only read, or one walk through the directory where there is no git",
		Shape:    probe.Rows,
		Params: []probe.Param{
			{Name: "back", Type: probe.Duration, Default: "24h", About: "how far back to look"},
		},
		Fields: probe.ChangeFields(
			probe.Field{Name: "commit", Type: "text", About: "the commit that HEAD went to, short; empty for an edit in place"},
			probe.Field{Name: "before", Type: "text", About: "the commit before; empty where there is none"},
			probe.Field{Name: "tag", Type: "text", About: "a tag of the commit; empty"},
			probe.Field{Name: "author", Type: "text", About: "who wrote it, where authors is set; empty"},
			probe.Field{Name: "committed", Type: "number", About: "when it was committed, seconds since 1970; null for an edit"},
			probe.Field{Name: "files", Type: "list", About: "up to 20 files of this kind that differ"},
			probe.Field{Name: "count", Type: "number", About: "how many differ"},
			probe.Field{Name: "back", Type: "bool", About: "HEAD was at this commit before: it is a roll-back"},
		),
		Outcomes: []probe.Outcome{
			{When: "a deploy stands shortly before the onset", Means: "look at it first; going back is the quickest mitigation"},
			{When: "a row of kind migration", Means: "files of migrations came with a deploy: whether they ran is another question (alembic.current)"},
			{When: "a row without a commit", Means: "somebody edited or copied files here without git: no one else knows of it"},
			{When: "no row", Means: "nothing came to lie here within the time asked for"},
		},
		Changes: probe.ChangeRows(kinds...), Timeline: true,
	}
}

// mostTold bounds the deploys that are looked into, and shown the files of each.
const (
	mostTold  = 12
	mostShown = 20
)

func (t *target) changes(ctx context.Context, q probe.Question) evidence.Answer {
	if t.config.Dir == "" {
		return evidence.Not(evidence.NotApplicable, "no directory is set", "set dir to the directory that the service runs from")
	}
	back, _ := q.Args["back"].(time.Duration)
	if back <= 0 {
		back = 24 * time.Hour
	}
	from := q.Now.Add(-back)
	rows := []any{}
	if row := t.link(from); row != nil {
		rows = append(rows, row)
	}
	moves, err := t.moves(ctx)
	var notes []string
	switch {
	case errors.Is(err, errNoRepository), errors.Is(err, errNoGit) && t.isThere():
		files, full, err := t.copied(ctx, from)
		if err != nil {
			return t.answer(err)
		}
		if !full {
			notes = append(notes, fmt.Sprintf("only the first %d files were looked at", mostFiles))
		}
		rows = append(rows, edits(t.config.Name, "files were written", files)...)
	case err != nil:
		return t.answer(err)
	default:
		told, err := t.told(ctx, moves, from)
		if err != nil {
			return t.answer(err)
		}
		rows = append(rows, told...)
		// What a checkout writes is as old as the move itself.
		after := from
		if len(moves) > 0 && moves[0].at.Add(5*time.Second).After(after) {
			after = moves[0].at.Add(5 * time.Second)
		}
		files, err := t.tracked(ctx, after)
		if err != nil {
			return t.answer(err)
		}
		rows = append(rows, edits(t.config.Name, "edited in place", files)...)
	}
	slices.SortStableFunc(rows, func(a, b any) int {
		x, y := a.(map[string]any)["at"].(float64), b.(map[string]any)["at"].(float64)
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return evidence.Of(rows[:min(len(rows), t.tools.Gate.Limits().Rows)], notes...)
}

func (t *target) isThere() bool {
	info, err := os.Stat(t.config.Dir)
	return err == nil && info.IsDir()
}

// link is the moment at which a link to the current release was turned.
func (t *target) link(from time.Time) map[string]any {
	info, err := os.Lstat(t.config.Dir)
	if err != nil || info.Mode()&os.ModeSymlink == 0 || info.ModTime().Before(from) {
		return nil
	}
	to, _ := os.Readlink(t.config.Dir)
	row := empty(probe.Deploy, t.config.Name, info.ModTime())
	row["detail"] = "the link leads to " + to
	return row
}

func empty(kind, what string, at time.Time) map[string]any {
	return map[string]any{
		"at": float64(at.UnixMilli()) / 1000, "kind": kind, "what": what, "detail": "", "commit": "", "before": "", "tag": "", "author": "",
		"committed": nil, "files": []any{}, "count": int64(0), "back": false,
	}
}

// told are the moves since a moment, each with a row for its deploy, and one
// for each kind of file that it touches beside code.
func (t *target) told(ctx context.Context, moves []move, from time.Time) ([]any, error) {
	rows := []any{}
	for i, m := range moves {
		if m.at.Before(from) || i == mostTold {
			break
		}
		if m.from == m.to {
			continue // it brings no other code
		}
		files, err := t.touched(ctx, m.from, m.to)
		if err != nil {
			return nil, err
		}
		c, err := t.commit(ctx, m.to)
		if err != nil {
			return nil, err
		}
		back := slices.ContainsFunc(moves[i+1:], func(o move) bool { return o.to == m.to })
		kinds := byKind(files)
		for _, kind := range []string{probe.Deploy, probe.Migration, probe.Config, probe.Dependency, probe.Flag} {
			of := kinds[kind]
			if kind == probe.Deploy {
				of = files
				if len(kinds[code])+len(kinds[probe.Dependency]) == 0 && len(files) > 0 {
					continue // only settings or migrations came: the rows of these say so
				}
			} else if len(of) == 0 || m.from == "" {
				continue // with a clone comes everything, and nothing of it is news
			}
			row := empty(kind, t.config.Name, m.at)
			row["commit"], row["before"], row["tag"], row["back"] = short(m.to), short(m.from), c.tag, back
			if !c.at.IsZero() {
				row["committed"] = float64(c.at.Unix())
			}
			if t.config.Authors {
				row["author"] = c.author
			}
			row["files"], row["count"] = texts(of), int64(len(of))
			row["detail"] = detail(kind, m, c, of, back)
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// detail is a move in a line.
func detail(kind string, m move, c commit, files []string, back bool) string {
	name := short(m.to)
	if c.tag != "" {
		name = c.tag + " (" + name + ")"
	}
	if kind != probe.Deploy {
		return fmt.Sprintf("with %s: %s", name, named(files))
	}
	text := fmt.Sprintf("%s “%s”, %s", name, c.subject, count(len(files), "file"))
	if back {
		text += ", back to what was here before"
	}
	return text
}

// edits are files that were written without a move of HEAD, those of one
// occasion and kind together.
func edits(what, how string, files []written) []any {
	kinds := map[string][]written{}
	for _, f := range files {
		kind := kindOf(f.name)
		if kind == code {
			kind = probe.Deploy
		}
		kinds[kind] = append(kinds[kind], f)
	}
	rows := []any{}
	for _, kind := range probe.ChangeKinds() {
		for _, group := range occasions(kinds[kind]) {
			var names []string
			for _, f := range group {
				names = append(names, f.name)
			}
			slices.Sort(names)
			row := empty(kind, what, group[len(group)-1].at)
			row["files"], row["count"], row["detail"] = texts(names), int64(len(names)), how+": "+named(names)
			rows = append(rows, row)
		}
	}
	return rows
}

// named is up to three names, and how many more.
func named(files []string) string {
	const most = 3
	if len(files) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(files[:most], ", "), len(files)-most)
	}
	return strings.Join(files, ", ")
}

func texts(list []string) []any {
	out := []any{}
	for _, s := range list[:min(len(list), mostShown)] {
		out = append(out, s)
	}
	return out
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
