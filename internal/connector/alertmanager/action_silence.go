package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/probe"
)

// longest is how long a silence may last: what is muted for more than a week is
// a fault that nobody mends (own value).
const longest = 7 * 24 * time.Hour

func silenceSpec() action.Spec {
	return action.Spec{
		Name: "alertmanager.silence", Risk: action.R2,
		Does:  "Silences the alerts that all matchers match, for a while. Alertmanager ends it by itself.",
		Undo:  "expires the silence",
		Tells: "the silence with the order's key in its comment",
		Params: []probe.Param{
			{Name: "matchers", Type: probe.List, About: `what to mute: ["alertname=\"ApiSlow\"", "service=\"shop\""], with =, !=, =~ or !~`},
			{Name: "for", Type: probe.Duration, About: "how long, at most a week"},
			{Name: "comment", Type: probe.Text, Default: `"silenced during an incident"`, About: "why, for those who find it"},
		},
	}
}

type silencer struct{ *target }

// wanted is what a change asks for, checked.
type wanted struct {
	matchers []matcher
	lasts    time.Duration
	comment  string
}

func readSilence(args action.Args) (wanted, error) {
	w := wanted{lasts: args.Duration("for"), comment: strings.TrimSpace(args.Text("comment"))}
	var err error
	if w.matchers, err = parseMatchers(args.List("matchers")); err != nil {
		return w, err
	}
	switch {
	case w.lasts < time.Minute || w.lasts > longest:
		return w, action.Refuse("", "a silence lasts from 1m to %s, not %s", expr.FormatDuration(longest), args.Text("for"))
	case strings.Contains(w.comment, "[quell "):
		return w, action.Refuse("", "the comment holds the mark by which quell finds its own silences, [quell …]")
	}
	return w, nil
}

// Preview implements action.Doer.
func (s silencer) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	w, err := readSilence(c.Args)
	if err != nil {
		return action.Preview{}, err
	}
	all, err := s.client.list(ctx)
	if err != nil {
		return action.Preview{}, unavailable(err)
	}
	muted, err := s.client.firing(ctx, w.matchers, false)
	if err != nil {
		return action.Preview{}, unavailable(err)
	}
	same := sameMatchers(all, w.matchers)
	p := action.Preview{
		Identity: "Alertmanager at " + s.client.where(),
		Summary:  fmt.Sprintf("silences %s for %s: %s now", join(w.matchers), expr.FormatDuration(w.lasts), alertsText(len(muted))),
		Items: []action.Item{{
			ID: join(w.matchers), Now: "not silenced", Then: "silenced for " + expr.FormatDuration(w.lasts), Guard: guard(same),
		}},
		Blast: int64(len(muted)), Lasts: w.lasts, Undo: "expires the silence",
		Warnings: s.mutes(muted),
	}
	for _, other := range same {
		p.Items[0].Now = fmt.Sprintf("silenced until %s by %s", clock(other.EndsAt), other.CreatedBy)
		p.Already = p.Already || !other.EndsAt.Before(s.tools.Now().Add(w.lasts))
	}
	p.Summary = s.tools.Redact.Text(p.Summary)
	return p, nil
}

// mutes names what would be muted, for the person who approves.
func (s silencer) mutes(alerts []alert) []string {
	const shown = 20
	if len(alerts) == 0 {
		return []string{"no alert that fires now would be muted"}
	}
	names := make([]string, len(alerts))
	for i, a := range alerts {
		names[i] = s.tools.Redact.Text("mutes " + a.name())
	}
	sort.Strings(names)
	if len(names) > shown {
		names = append(names[:shown], fmt.Sprintf("and %d more", len(alerts)-shown))
	}
	return names
}

// Apply implements action.Doer.
func (s silencer) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	w, err := readSilence(o.Args)
	if err != nil {
		return action.Done{}, err
	}
	all, err := s.client.list(ctx)
	if err != nil {
		return action.Done{}, action.NotYet("%s", err)
	}
	if made, ok := marked(all, o.Key); ok {
		return made.done(), nil
	}
	same := sameMatchers(all, w.matchers)
	if len(o.Preview.Items) != 1 || o.Preview.Items[0].Guard != guard(same) {
		return action.Done{}, action.Not("the silences of %s are not those of the preview any more", join(w.matchers))
	}
	now := s.tools.Now()
	made := silence{
		Matchers: w.matchers, StartsAt: now, EndsAt: now.Add(w.lasts),
		CreatedBy: "quell for " + o.By, Comment: strings.TrimSpace(w.comment + " " + mark(o.Key)),
	}
	if made.ID, err = s.client.create(ctx, made); err != nil {
		return action.Done{}, failed(err)
	}
	return made.done(), nil
}

// Standing implements action.Doer.
func (s silencer) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	all, err := s.client.list(ctx)
	if err != nil {
		return action.Standing{}, unavailable(err)
	}
	made, ok := marked(all, o.Key)
	if !ok {
		if o.Done != nil || s.tools.Now().After(o.Intended.Add(o.Args.Duration("for"))) {
			return action.Standing{State: action.CannotTell, Text: "the server knows no silence with " + mark(o.Key) + " (any more): its time is over, or its memory was lost"}, nil
		}
		return action.Standing{State: action.NotMade, Text: "no silence has " + mark(o.Key) + " in its comment"}, nil
	}
	done := made.done()
	text := fmt.Sprintf("silence %s is %s, until %s", made.ID, made.state(), clock(made.EndsAt))
	if made.over() {
		text = fmt.Sprintf("silence %s was made and has ended at %s", made.ID, clock(made.EndsAt))
	}
	return action.Standing{State: action.Made, Text: text, Done: &done}, nil
}

// done says what the world shows of a silence that an order made: the same
// right after it was made and after a crash.
func (s silence) done() action.Done {
	return action.Done{
		Summary: "silenced " + s.matchersText(),
		Items:   []action.Result{{ID: s.matchersText(), OK: true, Text: "silence " + s.ID + " until " + clock(s.EndsAt)}},
		Facts:   map[string]any{"id": s.ID},
		Inverse: &action.Change{Type: "alertmanager.expire_silence", Args: action.Args{"id": s.ID}},
	}
}

// sameMatchers are the silences in force that mute exactly the same, by id.
func sameMatchers(all []silence, matchers []matcher) []silence {
	var out []silence
	for _, s := range all {
		if !s.over() && s.matchersText() == join(matchers) {
			out = append(out, s)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

func guard(same []silence) string {
	ids := []string{"silences of these matchers:"}
	for _, s := range same {
		ids = append(ids, s.ID)
	}
	if len(ids) == 1 {
		ids = append(ids, "none")
	}
	return strings.Join(ids, " ")
}

func alertsText(n int) string {
	switch n {
	case 0:
		return "mutes no alert that fires"
	case 1:
		return "mutes 1 alert that fires"
	}
	return fmt.Sprintf("mutes %d alerts that fire", n)
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func unavailable(err error) error {
	var f *fault
	if errors.As(err, &f) {
		return f.unavailable()
	}
	return err
}

func failed(err error) error {
	var f *fault
	if errors.As(err, &f) {
		return f.failure()
	}
	return err
}

var _ action.Doer = silencer{}
