package git

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
)

// move is one time that HEAD went elsewhere: the moment at which other code
// came to lie here, whenever it was written.
type move struct {
	at       time.Time
	from, to string // commits; from is empty for the first
	message  string // of the reflog: "pull: Fast-forward", "checkout: moving from …"
}

// mostMoves is how far back the reflog is read.
const mostMoves = 50

// moves are the moves of HEAD, newest first; the oldest may be the clone.
func (t *target) moves(ctx context.Context) ([]move, error) {
	out, err := t.git(ctx, "log", "--walk-reflogs", "--no-show-signature", "-n", strconv.Itoa(mostMoves+1), "--date=unix", "--format=%H%x00%gd%x00%gs", "HEAD", "--")
	var refused *errRefused
	if errors.As(err, &refused) && (strings.Contains(refused.text, "does not have any commits") || strings.Contains(refused.text, "bad revision") || strings.Contains(refused.text, "ambiguous argument")) {
		return nil, nil // nothing was ever committed here
	}
	if err != nil {
		return nil, err
	}
	var moves []move
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		part := strings.SplitN(line, "\x00", 3)
		if len(part) != 3 {
			continue
		}
		_, when, _ := strings.Cut(part[1], "@{")
		seconds, err := strconv.ParseInt(strings.TrimSuffix(when, "}"), 10, 64)
		if err != nil {
			continue
		}
		moves = append(moves, move{at: time.Unix(seconds, 0).UTC(), to: part[0], message: part[2]})
	}
	for i := range moves[:max(len(moves)-1, 0)] {
		moves[i].from = moves[i+1].to
	}
	return moves[:min(len(moves), mostMoves)], nil
}

// touched lists the files that differ between two commits.
func (t *target) touched(ctx context.Context, from, to string) ([]string, error) {
	args := []string{"diff-tree", "-r", "-z", "--name-only", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-commit-id"}
	if from == "" {
		args = append(args, "--root", to)
	} else {
		args = append(args, from, to)
	}
	out, err := t.git(ctx, append(args, "--")...)
	return split(out), err
}

// commit is what a commit says of itself.
type commit struct {
	subject, author, tag string
	at                   time.Time
}

func (t *target) commit(ctx context.Context, id string) (c commit, err error) {
	out, err := t.git(ctx, "log", "-1", "--no-show-signature", "--no-patch", "--decorate-refs=refs/tags/*", "--format=%ct%x00%an%x00%D%x00%s", id, "--")
	if err != nil {
		return c, err
	}
	part := strings.SplitN(strings.TrimRight(out, "\n"), "\x00", 4)
	if len(part) != 4 {
		return c, nil
	}
	if seconds, err := strconv.ParseInt(part[0], 10, 64); err == nil {
		c.at = time.Unix(seconds, 0).UTC()
	}
	tag, _, _ := strings.Cut(part[2], ",")
	c.author, c.subject, c.tag = part[1], part[3], strings.TrimPrefix(strings.TrimSpace(tag), "tag: ")
	return c, nil
}

func split(out string) []string {
	out = strings.TrimRight(out, "\x00")
	if out == "" {
		return nil
	}
	return strings.Split(out, "\x00")
}

func short(id string) string { return id[:min(len(id), 8)] }
