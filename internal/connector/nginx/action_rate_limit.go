package nginx

import (
	"fmt"
	"slices"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func rateLimitSpec() action.Spec {
	return action.Spec{
		Name: "nginx.rate_limit", Risk: action.R2,
		Does:  "Limits how fast each client address may ask a server, or what lies below a path of it; what is too much gets 429. Written as a file of its own into snippets.",
		Undo:  "removes the file, or puts its former text back, and loads that",
		Tells: "the file's text, and workers that are younger than the file",
		Params: []probe.Param{
			{Name: "server", Type: probe.Text, Default: `""`, About: "a server_name of the configuration; empty: every server"},
			{Name: "location", Type: probe.Text, Default: "/", About: "path below which it holds, as it is after rewrites"},
			{Name: "rate", Type: probe.Text, About: "requests of each address: 10r/s or 30r/m"},
			{Name: "burst", Type: probe.Number, Default: "0", About: "requests beyond the rate that are let through at once before it bites"},
			action.ForParam(),
		},
	}
}

func (t *target) proposeRateLimit(tree *tree, args action.Args) (proposal, error) {
	l, err := readLimit(args)
	if err != nil {
		return proposal{}, err
	}
	path, err := t.snippetPath(tree, l)
	if err != nil {
		return proposal{}, err
	}
	r, err := l.reach(tree)
	if err != nil {
		return proposal{}, err
	}
	now, _, err := tree.current(path)
	if err != nil {
		return proposal{}, err
	}
	next := []byte(l.text(r.name, !tree.hasStatus(path)))
	p := proposal{
		path: path, former: now, next: next, already: string(now) == string(next), warnings: r.warnings,
		undo: "removes " + path,
		item: action.Item{ID: path, Now: "no limit of quell's", Then: fmt.Sprintf("each address on %s: %s, burst %d", l.what(), l.rate, l.burst)},
	}
	if now != nil {
		p.item.Now, p.undo = "a limit of quell's: "+numbersOf(now), "puts the former limit back"
	}
	p.summary = "limits " + p.item.Then
	return p, nil
}

func (t *target) snippetPath(tree *tree, l limit) (string, error) {
	if t.config.Snippets == "" {
		return "", action.Refuse("name a directory that http {} includes as snippets", "this target has no directory for files of quell's own")
	}
	path := t.snippet(l.id())
	within, ok := tree.within(path)
	if !ok || !slices.Equal(within, []string{"http"}) {
		return "", action.Refuse("write include "+t.config.Snippets+"/*.conf; into http {} and reload nginx", "%s is not included in http {}", t.config.Snippets)
	}
	return path, nil
}
