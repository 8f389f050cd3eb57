package firewall

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/probe"
)

func rateLimitSpec() action.Spec {
	return action.Spec{
		Name: "firewall.rate_limit", Risk: action.R2,
		Does:  "Limits how many connections each address may begin to a port (UDP: how many packets it may send), for a while. What is more is dropped.",
		Undo:  "takes the limit away",
		Tells: "the port in the kernel, with the order's key as its comment",
		Params: []probe.Param{
			{Name: "port", Type: probe.Number, About: "port of this machine"},
			{Name: "protocol", Type: probe.Text, Default: "tcp", About: "tcp or udp"},
			{Name: "rate", Type: probe.Text, About: "of each address: 20/second or 100/minute"},
			{Name: "burst", Type: probe.Number, Default: "5", About: "how many may come at once beyond the rate"},
			{Name: "for", Type: probe.Duration, Default: "1h", About: "how long, at most a week"},
		},
	}
}

// pacing is a limit as it was asked for.
type pacing struct {
	what  service
	rate  string
	burst int
	lasts time.Duration
}

var rateText = regexp.MustCompile(`^[1-9][0-9]{0,5}/(?:second|minute)$`)

const highestBurst = 100_000

func readService(args action.Args) (service, error) {
	s := service{protocol: args.Text("protocol"), port: int(args.Number("port"))}
	if n := args.Number("port"); n < 1 || n > 65535 || n != math.Trunc(n) {
		return s, action.Refuse("", "port is a number from 1 to 65535, not %s", args.Text("port"))
	}
	if s.protocol != "tcp" && s.protocol != "udp" {
		return s, action.Refuse("", "protocol is tcp or udp, not %q", s.protocol)
	}
	return s, nil
}

func (t *target) readPacing(args action.Args) (pacing, error) {
	p := pacing{rate: args.Text("rate"), burst: int(args.Number("burst"))}
	var err error
	if p.what, err = readService(args); err != nil {
		return p, err
	}
	if p.lasts, err = readFor(args); err != nil {
		return p, err
	}
	n := args.Number("burst")
	switch {
	case !rateText.MatchString(p.rate):
		return p, action.Refuse("", "rate is written 20/second or 100/minute, not %q", p.rate)
	case n < 1 || n > highestBurst || n != math.Trunc(n):
		return p, action.Refuse("", "burst is a whole number from 1 to %d, not %s", highestBurst, args.Text("burst"))
	case p.what.protocol == "tcp" && t.sshPort(uint16(p.what.port)): //nolint:gosec // checked above
		return p, action.Refuse("", "people log in on port %d: a limit there may shut out those who mend this", p.what.port)
	}
	return p, nil
}

type limiter struct{ *target }

// item is what the limit would change, as the world is.
func (w pacing) item(r rules) (item action.Item, already bool, err error) {
	item = action.Item{ID: w.what.String(), Now: "no limit of quell's", Then: fmt.Sprintf("%s for each address, %d at once, for %s", w.rate, w.burst, expr.FormatDuration(w.lasts)), Guard: "no limit"}
	p, ok := r.limitOf(w.what)
	if !ok {
		return item, false, nil
	}
	item.Now = fmt.Sprintf("%s for each address, %d at once (%s)", p.rate, p.burst, p.comment)
	item.Guard = "limited by " + p.comment
	if p.rate == w.rate && p.burst == w.burst && p.left >= w.lasts {
		return item, true, nil
	}
	return item, false, action.Refuse("take that away first, with firewall.unlimit", "%s has a limit already: %s", w.what, item.Now)
}

// Preview implements action.Doer.
func (l limiter) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	w, err := l.readPacing(c.Args)
	if err != nil {
		return action.Preview{}, err
	}
	r, err := l.list(ctx)
	if err != nil {
		return action.Preview{}, err
	}
	item, already, err := w.item(r)
	if err != nil {
		return action.Preview{}, err
	}
	return action.Preview{
		Identity: l.identity(), Summary: fmt.Sprintf("limits %s to %s", w.what, item.Then), Items: []action.Item{item},
		Already: already, Lasts: w.lasts, Warnings: []string{"it counts by address: clients behind one balancer or one office are one"},
	}, nil
}

// Apply implements action.Doer.
func (l limiter) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	if !keyText.MatchString(o.Key) {
		return action.Done{}, action.Refuse("", "the order's key %q cannot stand in a rule", o.Key)
	}
	w, err := l.readPacing(o.Args)
	if err != nil {
		return action.Done{}, err
	}
	r, err := l.list(ctx)
	if err != nil {
		return action.Done{}, notYet(err)
	}
	if p, ok := r.limitOf(w.what); ok && p.comment == comment(o.Key) {
		return limited(w.what, o.Key), nil
	}
	item, already, err := w.item(r)
	if err != nil {
		return action.Done{}, err
	}
	if already {
		return action.Done{}, action.Not("%s is limited like that already: %s", w.what, item.Now)
	}
	if err := sameItems(o.Preview.Items, []action.Item{item}); err != nil {
		return action.Done{}, err
	}
	if err := l.run(ctx, l.limitScript(r, w, w.lasts, o.Key)); err != nil {
		return action.Done{}, err
	}
	return limited(w.what, o.Key), nil
}

// Standing implements action.Doer.
func (l limiter) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	s, err := readService(o.Args)
	if err != nil {
		return action.Standing{}, err
	}
	r, err := l.list(ctx)
	if err != nil {
		return action.Standing{}, err
	}
	p, ok := r.limitOf(s)
	if !ok || p.comment != comment(o.Key) {
		return absent(o, l.tools.Now()), nil
	}
	done := limited(s, o.Key)
	return action.Standing{State: action.Made, Done: &done, Text: fmt.Sprintf("%s has the limit %s", s, p.rate)}, nil
}

func limited(s service, key string) action.Done {
	return action.Done{
		Summary: s.String() + " is limited",
		Items:   []action.Result{{ID: s.String(), OK: true, Text: "limited"}},
		Inverse: &action.Change{Type: "firewall.unlimit", Args: action.Args{"port": float64(s.port), "protocol": s.protocol, "order": key}},
	}
}

var _ action.Doer = limiter{}
