package policy

import "time"

// A wall time is what a clock on a wall shows. It travels as a time.Time whose
// own zone is not looked at. Twice a year it stands for two instants or for
// none, so who asks says which end is meant: a freeze is the wider reading.

// First is the first instant at which clocks in zone show wall, or, where they
// leap over it, the leap.
func First(wall time.Time, zone *time.Location) time.Time {
	first, _ := instants(wall, zone)
	return first
}

// Last is the last instant at which clocks in zone show wall, or, where they
// leap over it, the leap.
func Last(wall time.Time, zone *time.Location) time.Time {
	_, last := instants(wall, zone)
	return last
}

// instants finds when clocks show wall: with the offset from UTC of the day
// before, or with that of the day after.
func instants(wall time.Time, zone *time.Location) (first, last time.Time) {
	shown := face(wall)
	before := shown.Add(-offset(shown.Add(-26*time.Hour), zone))
	after := shown.Add(-offset(shown.Add(26*time.Hour), zone))
	early, late := face(before.In(zone)).Equal(shown), face(after.In(zone)).Equal(shown)
	switch {
	case early && late && before.Before(after):
		return before, after
	case early:
		return before, before
	case late:
		return after, after
	}
	leap, _ := before.In(zone).ZoneBounds()
	return leap.UTC(), leap.UTC()
}

// offset of zone from UTC at t. Zones are at most 14 hours away from it, which
// the 26 hours of instants leave room for.
func offset(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// face is what a clock shows at t, as if it stood in UTC.
func face(t time.Time) time.Time {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	return time.Date(year, month, day, hour, minute, second, t.Nanosecond(), time.UTC)
}
