package config

import (
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a freeze means the same in a container without the files of zones

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/policy"
)

var windowKeys = []string{"from", "to", "weekly", "daily", "zone", "allow", "approval", "why"}

func (r *reader) freeze(section pair, zone *time.Location) {
	r.entries(section, func(n *yaml.Node, pairs []pair) {
		w := policy.Window{Zone: zone, At: r.place(n)}
		times := map[string]pair{}
		for _, p := range pairs {
			switch {
			case contains(windowKeys[:4], p.name):
				times[p.name] = p
			case !r.condition(p, &w.Match) && !r.window(p, &w):
				r.unknown(p, "a freeze", append(slices.Clone(matchKeys), windowKeys...))
			}
		}
		r.when(n, times, &w)
		r.config.Policy.Freeze = append(r.config.Policy.Freeze, w)
	})
}

// window reads what is not about time.
func (r *reader) window(p pair, w *policy.Window) bool {
	switch p.name {
	case "zone":
		w.Zone = r.zone(p)
	case "why":
		w.Why, _ = r.text(p)
	case "approval":
		if w.Need = oneOf(r, p, policy.Needs()); w.Need == policy.Nobody {
			r.wrong(p.value, "a freeze that needs nobody's approval is none: use allow for what it lets through")
		}
	case "allow":
		for _, i := range r.list(p) {
			if class := action.Risk(i.text); slices.Contains(action.Risks(), class) {
				w.AllowRisk = append(w.AllowRisk, class)
			} else if r.names(i, "action", r.actions()) {
				w.Allow = append(w.Allow, i.text)
			}
		}
	default:
		return false
	}
	return true
}

// when reads the time of a window, which is said in one of three ways.
func (r *reader) when(n *yaml.Node, times map[string]pair, w *policy.Window) {
	from, hasFrom := times["from"]
	to, hasTo := times["to"]
	weekly, isWeekly := times["weekly"]
	daily, isDaily := times["daily"]
	switch {
	case hasFrom && hasTo && !isWeekly && !isDaily:
		w.From, w.To = r.instant(from, w.Zone, false), r.instant(to, w.Zone, true)
		if !w.From.IsZero() && !w.To.IsZero() && !w.From.Before(w.To) {
			r.wrong(to.value, "a freeze ends after it begins")
		}
	case isWeekly && len(times) == 1:
		w.Weekly = r.weekly(weekly)
	case isDaily && len(times) == 1:
		w.Weekly = r.daily(daily)
	default:
		r.wrong(n, "a freeze has from and to, or weekly, or daily")
	}
}

// instant reads a time once. A date alone is the whole day: as an end it is the
// end of it. Of wall times that there are twice, the earlier one begins a freeze
// and the later one ends it.
func (r *reader) instant(p pair, zone *time.Location, end bool) time.Time {
	text := p.value.Value
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t
	}
	var wall time.Time
	if date, err := time.Parse(time.DateOnly, text); err == nil {
		if wall = date; end {
			wall = date.AddDate(0, 0, 1)
		}
	} else if wall, err = time.Parse("2006-01-02 15:04", strings.Replace(text, "T", " ", 1)); err != nil || p.value.Kind != yaml.ScalarNode {
		r.wrong(p.value, "%s is a time like 2026-12-24 or 2026-12-24 16:00, not %s", p.name, kindOf(p.value))
		return time.Time{}
	}
	if end {
		return policy.Last(wall, zone)
	}
	return policy.First(wall, zone)
}

// zone reads the name of a time zone. That of the machine would mean something
// else on another one.
func (r *reader) zone(p pair) *time.Location {
	name, ok := r.text(p)
	if !ok {
		return time.UTC
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		r.wrong(p.value, "zone is the name of a time zone like Europe/Berlin or UTC, not %q", name)
		return time.UTC
	}
	return zone
}

const clock = `(\d{1,2}:\d{2})`

var (
	weeklyForm = regexp.MustCompile(`^([A-Za-z]+) ` + clock + ` ?[-–] ?([A-Za-z]+) ` + clock + `$`)
	dailyForm  = regexp.MustCompile(`^(?:([A-Za-z]+)(?: ?[-–] ?([A-Za-z]+))? )?` + clock + ` ?[-–] ?` + clock + `$`)
)

// weekly reads "Fri 16:00 - Mon 08:00".
func (r *reader) weekly(p pair) []policy.Span {
	m := weeklyForm.FindStringSubmatch(p.value.Value)
	if m == nil {
		r.wrong(p.value, "weekly is a time like Fri 16:00 - Mon 08:00, not %s", kindOf(p.value))
		return nil
	}
	from, begins := weekday(m[1])
	to, ends := weekday(m[3])
	start, isTime := timeOfDay(m[2])
	end, isEnd := timeOfDay(m[4])
	if !begins || !ends || !isTime || !isEnd || start == day {
		r.wrong(p.value, "weekly is a time like Fri 16:00 - Mon 08:00, not %s", kindOf(p.value))
		return nil
	}
	span := policy.Span{From: sinceSunday(from, start), To: sinceSunday(to, end)}
	if (span.To-span.From)%(7*day) == 0 {
		r.wrong(p.value, "a week that is frozen as a whole: use approval: never, or stop")
		return nil
	}
	return []policy.Span{span}
}

// daily reads "18:00 - 20:00" or "Mon - Fri 22:00 - 06:00" as a span a day.
func (r *reader) daily(p pair) []policy.Span {
	m := dailyForm.FindStringSubmatch(p.value.Value)
	if m == nil {
		r.wrong(p.value, "daily is a time like 18:00 - 20:00 or Mon-Fri 18:00 - 20:00, not %s", kindOf(p.value))
		return nil
	}
	first, last, ok := days(m[1], m[2])
	start, isTime := timeOfDay(m[3])
	end, isEnd := timeOfDay(m[4])
	if !ok || !isTime || !isEnd || start == day || (end-start)%day == 0 {
		r.wrong(p.value, "daily is a time like 18:00 - 20:00 or Mon-Fri 18:00 - 20:00, not %s", kindOf(p.value))
		return nil
	}
	if end <= start {
		end += day
	}
	var out []policy.Span
	for d := first; ; d = (d + 1) % 7 {
		out = append(out, policy.Span{From: sinceSunday(d, start), To: sinceSunday(d, end) % (7 * day)})
		if d == last {
			return out
		}
	}
}

const day = 24 * time.Hour

func sinceSunday(d time.Weekday, clock time.Duration) time.Duration {
	return time.Duration(d)*day + clock
}

// days are the first and the last of a range; all seven where none is named.
func days(from, to string) (first, last time.Weekday, ok bool) {
	if from == "" {
		return time.Sunday, time.Saturday, true
	}
	first, ok = weekday(from)
	if last = first; ok && to != "" {
		last, ok = weekday(to)
	}
	return first, last, ok
}

// weekday reads Fri or Friday.
func weekday(text string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if name := d.String(); strings.EqualFold(text, name) || strings.EqualFold(text, name[:3]) {
			return d, true
		}
	}
	return 0, false
}

// timeOfDay reads 8:00 up to 24:00, which only ends something.
func timeOfDay(text string) (time.Duration, bool) {
	if text == "24:00" {
		return day, true
	}
	t, err := time.Parse("15:04", text)
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, err == nil
}
