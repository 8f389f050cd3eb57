package spike_test

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql/pattern"
	"github.com/quellhq/quell/internal/logql/spike"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// window is the hour before noon.
var window = spike.Question{Start: noon.Add(-time.Hour).UnixNano(), End: noon.UnixNano()}

func ago(d time.Duration) int64 { return noon.Add(-d).UnixNano() }

// scene writes messages into several collectors at random and merges them, so
// that every test is a test of merging too.
type scene struct {
	parts  []*spike.Collector
	random *rand.Rand
}

func newScene(c spike.Config) *scene {
	s := &scene{random: rand.New(rand.NewSource(11))}
	for range 3 {
		s.parts = append(s.parts, spike.NewCollector(c))
	}
	return s
}

func (s *scene) add(at time.Duration, failed bool, text string, labels ...string) {
	m := pattern.Message{Text: []byte(text), Time: ago(at), Error: failed, Level: "info"}
	for i := 0; i < len(labels); i += 2 {
		m.Labels = append(m.Labels, pattern.Label{Name: []byte(labels[i]), Value: []byte(labels[i+1])})
	}
	s.parts[s.random.Intn(len(s.parts))].Add(m)
}

// every writes a message at random times, so often on average.
func (s *scene) every(gap, from, to time.Duration, write func(at time.Duration)) {
	for at := from; ; {
		at -= time.Duration(s.random.ExpFloat64() * float64(gap))
		if at <= to {
			return
		}
		write(at)
	}
}

func (s *scene) report(q spike.Question) spike.Report {
	for _, p := range s.parts[1:] {
		s.parts[0].Merge(p)
	}
	s.parts = s.parts[:1]
	return s.parts[0].Report(q)
}

// traffic is an hour of ordinary lines, one a second.
func (s *scene) traffic() {
	s.every(time.Second, time.Hour, 0, func(at time.Duration) {
		s.add(at, false, fmt.Sprintf("GET /orders/%d took %d ms", s.random.Intn(999), s.random.Intn(90)), "version", "1.4", "host", fmt.Sprintf("web-%d", s.random.Intn(3)))
	})
}

func TestOnset(t *testing.T) {
	t.Parallel()
	fail := func(s *scene) func(time.Duration) {
		return func(at time.Duration) { s.add(at, true, "pool timeout after 30 s") }
	}
	minutes := func(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }
	for name, c := range map[string]struct {
		write func(*scene)
		onset time.Duration // 0 for none
		over  time.Duration
		ramp  bool
	}{
		"no errors at all": {write: func(*scene) {}},
		"a steady rate of errors": {write: func(s *scene) {
			s.every(10*time.Second, time.Hour, 0, fail(s))
		}},
		"two errors": {write: func(s *scene) { fail(s)(time.Minute); fail(s)(30 * time.Second) }},
		"errors begin, where there were none": {onset: minutes(20), write: func(s *scene) {
			s.every(5*time.Second, minutes(20), 0, fail(s))
		}},
		"errors become ten times as many": {onset: minutes(12), write: func(s *scene) {
			s.every(time.Minute, time.Hour, 0, fail(s))
			s.every(6*time.Second, minutes(12), 0, fail(s))
		}},
		"six errors within a minute, the first of the hour": {onset: minutes(3), over: minutes(2), write: func(s *scene) {
			for i := range 6 {
				fail(s)(minutes(3) - time.Duration(i*10)*time.Second)
			}
		}},
		"it is over": {onset: minutes(40), over: minutes(25), write: func(s *scene) {
			s.every(time.Minute, time.Hour, 0, fail(s))
			s.every(2*time.Second, minutes(40), minutes(25), fail(s))
		}},
		"a job that logs forty errors every ten minutes": {write: func(s *scene) {
			for m := range 6 {
				for i := range 40 {
					fail(s)(minutes(float64(5+10*m)) - time.Duration(i*100)*time.Millisecond)
				}
			}
		}},
		"it grows slowly over the hour": {ramp: true, write: func(s *scene) {
			for i := range 3600 {
				if s.random.Float64() < float64(i)/3600/3 {
					fail(s)(time.Hour - time.Duration(i)*time.Second)
				}
			}
		}},
	} {
		s := newScene(spike.Config{})
		s.traffic()
		c.write(s)
		r := s.report(window)
		switch {
		case c.ramp:
			require.Equal(t, spike.Rose, r.Verdict, name)
			require.True(t, r.Ramp, name)
			require.Zero(t, r.Onset, name)
		case c.onset == 0:
			require.Equal(t, spike.Nothing, r.Verdict, "%s: %s at %s", name, r.Subject, time.Unix(0, r.Onset).UTC())
			require.Zero(t, r.Onset)
		default:
			require.Equal(t, spike.Rose, r.Verdict, name)
			require.Equal(t, "errors", r.Subject, name)
			require.InDelta(t, -c.onset.Seconds(), time.Unix(0, r.Onset).Sub(noon).Seconds(), 30, name)
			if c.over == 0 {
				require.Zero(t, r.Over, name)
			} else {
				require.InDelta(t, -c.over.Seconds(), time.Unix(0, r.Over).Sub(noon).Seconds(), 30, name)
			}
		}
	}
}

func TestAGapInTheLogIsNoOnset(t *testing.T) {
	t.Parallel()
	s := newScene(spike.Config{})
	for _, part := range [][2]time.Duration{{time.Hour, 50 * time.Minute}, {20 * time.Minute, 0}} {
		s.every(time.Second, part[0], part[1], func(at time.Duration) { s.add(at, false, "ok") })
		s.every(10*time.Second, part[0], part[1], func(at time.Duration) { s.add(at, true, "no route") })
	}
	r := s.report(window)
	require.Equal(t, spike.Nothing, r.Verdict, "%+v", r)
	require.Len(t, r.Notes, 1)
	require.Contains(t, r.Notes[0], "the log is silent from 2026-03-01 11:1")
}

func TestWhatChanged(t *testing.T) {
	t.Parallel()
	s := newScene(spike.Config{})
	s.traffic()
	minute := time.Minute
	s.every(2*minute, time.Hour, 0, func(at time.Duration) {
		s.add(at, true, "mail to alice failed", "version", "1.4", "error_type", "MailError", "request_id", fmt.Sprint(at))
	})
	s.every(10*time.Second, time.Hour, 15*minute, func(at time.Duration) { s.add(at, false, "heartbeat sent", "version", "1.4") })
	s.every(minute, time.Hour, 0, func(at time.Duration) { s.add(at, false, "retrying payment", "version", "1.4") })
	s.every(5*time.Second, 15*minute, 0, func(at time.Duration) { s.add(at, false, "retrying payment", "version", "1.5") })
	s.every(3*time.Second, 15*minute, 0, func(at time.Duration) {
		s.add(at, true, fmt.Sprintf("pool timeout after %d s", s.random.Intn(30)), "version", "1.5", "error_type", "PoolTimeout", "host", "web-2", "request_id", fmt.Sprint(at))
	})
	s.add(4*minute, false, "configuration written", "version", "1.5")
	r := s.report(window)
	require.Equal(t, spike.Rose, r.Verdict)
	require.InDelta(t, float64(ago(15*minute)), float64(r.Onset), 20e9)

	require.Equal(t, []string{"pool timeout after <*>", "configuration written"}, texts(r.New)[:2], "errors come first")
	require.Less(t, r.New[0].P, 1e-9)
	require.Greater(t, r.New[1].P, 0.1, "one message may be there by chance")
	require.Equal(t, []string{"retrying payment"}, texts(r.Risen))
	require.InDelta(t, float64(ago(15*minute)), float64(r.Risen[0].Onset), 60e9)
	require.Equal(t, []string{"heartbeat sent"}, texts(r.Vanished))

	require.Equal(t, []string{"request_id"}, r.Dropped)
	var seen []string
	for _, l := range r.Labels {
		seen = append(seen, l.Name+"="+l.Value)
		require.Greater(t, l.ShareAfter, l.ShareBefore)
	}
	require.ElementsMatch(t, []string{"host=web-2", "error_type=PoolTimeout", "version=1.5"}, seen)
	require.Equal(t, "other lines", r.Labels[0].Against, "no error named its host before")
	require.Equal(t, "before", r.Labels[1].Against)
}

func TestASplitThatTheCallerNames(t *testing.T) {
	t.Parallel()
	s := newScene(spike.Config{})
	s.traffic()
	q := window
	q.Split = ago(10 * time.Minute)
	r := s.report(q)
	require.Equal(t, spike.Nothing, r.Verdict)
	require.Empty(t, r.Risen)
	require.Empty(t, r.Labels)
	require.InDelta(t, 600, r.After.Seconds, 10)

	q.Split = ago(time.Hour) + 10e9
	r = s.report(q)
	require.Equal(t, spike.CannotTell, r.Verdict)
	require.Contains(t, r.Reason, "too little to compare with")

	few := newScene(spike.Config{})
	few.add(time.Minute, true, "no")
	require.Equal(t, spike.CannotTell, few.report(window).Verdict)
	require.Equal(t, spike.CannotTell, newScene(spike.Config{}).report(window).Verdict)
}

func TestOneTemplateRisesAmongManyErrors(t *testing.T) {
	t.Parallel()
	s := newScene(spike.Config{})
	s.every(time.Second, time.Hour, 0, func(at time.Duration) { s.add(at, true, "bot asked for a page") })
	s.every(10*time.Second, 10*time.Minute, 0, func(at time.Duration) { s.add(at, true, "disk is full") })
	r := s.report(window)
	require.Equal(t, "template: disk is full", r.Subject)
	require.InDelta(t, float64(ago(10*time.Minute)), float64(r.Onset), 60e9)
	require.Equal(t, []string{"disk is full"}, texts(r.New))
}

func TestFalseAlarmsAreRare(t *testing.T) {
	t.Parallel()
	alarms := 0
	for seed := range int64(100) {
		s := newScene(spike.Config{})
		s.random = rand.New(rand.NewSource(seed))
		for i := range 12 {
			text := fmt.Sprintf("%c%c happened", 'a'+i, 'q'-i)
			s.every(time.Duration(5+i*20)*time.Second, time.Hour, 0, func(at time.Duration) { s.add(at, i%2 == 0, text) })
		}
		if s.report(window).Verdict != spike.Nothing {
			alarms++
		}
	}
	require.LessOrEqual(t, alarms, 2, "of 100 hours in which nothing happened")
}

func TestTheHandMadeRule(t *testing.T) {
	t.Parallel()
	s := newScene(spike.Config{})
	s.traffic()
	s.every(time.Minute, time.Hour, 0, func(at time.Duration) { s.add(at, true, "no") })
	s.every(2*time.Second, 4*time.Minute, 0, func(at time.Duration) { s.add(at, true, "no") })
	q := window
	q.Rule = true
	r := s.report(q)
	require.True(t, r.Rule.Known)
	require.True(t, r.Rule.Fired)
	q.Start = ago(30 * time.Minute)
	calm := newScene(spike.Config{})
	calm.traffic()
	r = calm.report(spike.Question{Start: window.Start, End: window.End, Rule: true})
	require.False(t, r.Rule.Known)
	require.Contains(t, r.Rule.Caveat, "no error in the hour")
}

func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	s := newScene(spike.Config{Names: 2, Values: 5})
	for i := range 60 {
		s.add(time.Duration(i)*time.Second, i < 30, "x", "a", fmt.Sprint(i%5), "b", fmt.Sprint(i%6), "c", "1")
	}
	q := window
	q.Split = ago(30 * time.Second)
	r := s.report(q)
	require.Equal(t, []string{"b"}, r.Dropped)
	require.Contains(t, fmt.Sprint(r.Notes), "up to before c")
}

func texts(list []spike.Change) []string {
	var out []string
	for _, c := range list {
		out = append(out, c.Template.Text)
	}
	return out
}

func TestReportsDoNotDependOnChunks(t *testing.T) {
	t.Parallel()
	var want spike.Report
	for parts := 1; parts <= 5; parts++ {
		s := newScene(spike.Config{Names: 3, Values: 20})
		s.parts = nil
		for range parts {
			s.parts = append(s.parts, spike.NewCollector(spike.Config{Names: 3, Values: 20}))
		}
		choose, random := rand.New(rand.NewSource(int64(parts))), rand.New(rand.NewSource(2))
		for i := range 4000 {
			m := pattern.Message{Text: []byte(fmt.Sprintf("call %d of %s", i, []string{"cart", "pay", "mail"}[random.Intn(3)])), Time: ago(time.Duration(random.Intn(3600)) * time.Second)}
			m.Error = m.Time > ago(10*time.Minute) && random.Intn(2) == 0
			for n := range 5 {
				m.Labels = append(m.Labels, pattern.Label{Name: []byte{'a' + byte(n)}, Value: []byte(fmt.Sprint(random.Intn(1 + 12*n)))})
			}
			s.parts[choose.Intn(parts)].Add(m)
		}
		got := s.report(window)
		if parts == 1 {
			want = got
			require.Equal(t, spike.Rose, got.Verdict)
			require.Equal(t, []string{"c"}, got.Dropped)
			continue
		}
		require.Equal(t, want, got, "%d parts", parts)
	}
}

func TestOneWrongClockDoesNotBlurTheRest(t *testing.T) {
	t.Parallel()
	s := newScene(spike.Config{})
	s.traffic()
	s.every(5*time.Second, 20*time.Minute, 0, func(at time.Duration) { s.add(at, true, "pool timeout") })
	s.add(noon.Sub(time.Unix(7, 0)), false, "the clock says 1970")
	s.add(-300*24*time.Hour, false, "the clock says next year")
	r := s.report(spike.Question{})
	require.InDelta(t, float64(ago(20*time.Minute)), float64(r.Onset), 30e9)
	require.Equal(t, []string{"2 messages bear times far from all others: left out"}, r.Notes)
}
