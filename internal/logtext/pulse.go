package logtext

import (
	"context"
	"math/bits"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/probe"
)

func pulseSpec() probe.Spec {
	return probe.Spec{
		Name:     "logs.pulse",
		Question: "Does each log still write as it used to?",
		Why:      "A program that is dead, stopped or stuck complains no more: its log falls silent, and those of its like go on.",
		Cost:     "reads the lines of the window, and of each its time alone",
		Shape:    probe.Rows,
		Params: []probe.Param{
			{Name: "window", Type: probe.Duration, Default: "30m", About: "the time looked at"},
		},
		Fields: []probe.Field{
			{Name: "log", Type: "text", About: "the file, rotated ones with it; of a Loki the instance, pod, container or file that the stream names"},
			{Name: "lines", Type: "number", About: "lines of the window"},
			{Name: "wrote_s", Type: "number", About: "seconds from its first line to its last"},
			{Name: "silent_s", Type: "number", About: "seconds since its last line"},
			{Name: "pause_s", Type: "number", About: "the longest pause between two of its lines, in seconds; without the two longest ones where it writes in nearly every minute"},
			{Name: "stopped", Type: "bool", About: "it wrote all the time, and has been silent for three times as long as it pauses at most, and half a minute at least; what says at last that it is done has not stopped, nor has a log of nothing but warnings and errors"},
			{Name: "last", Type: "text", About: "the message of its last line"},
		},
		Outcomes: []probe.Outcome{
			{When: "one of several has stopped", Means: "that process is dead, stopped or stuck, and the others work"},
			{When: "all have stopped at the same moment", Means: "nobody asks any more, or what they share is gone: the machine, the disk that they write to"},
		},
	}
}

// When a log counts as one that writes all the time, and as stopped (own values).
const (
	steadyLines  = 60
	steadyTime   = 4 * time.Minute
	leastSilence = 30 * time.Second
	stopPauses   = 3
	mostPulses   = 50
	everyMinute  = 0.8 // share of the minutes in which it writes
	mostLaments  = 0.9 // share of lines; the silence of a log of errors is good news
)

var (
	rotatedName = regexp.MustCompile(`(\.(?:log|out|err|txt|json))(?:[.-][0-9]{1,3}|[.-]?[0-9]{4}-?[0-9]{2}-?[0-9]{2}[0-9T:_-]*)?(?:\.(?:gz|bz2|xz|zst))?$`)
	saysDone    = regexp.MustCompile(`(?i)\b(done|finished|complete[d]?|ended|bye|nothing (left )?to do|all good)\b`)
)

// beat is when one log wrote: a bit for each second of the window.
type beat struct {
	seconds []uint64
	lines   int
	laments int   // lines of them that warn, or tell of an error
	last    int64 // nanoseconds
	text    string
}

func (t Asker) pulse(ctx context.Context, q probe.Question) evidence.Answer {
	files, lines, window, failed := t.opened(ctx, q, 30*time.Minute)
	if failed != nil {
		return *failed
	}
	start := q.Now.Add(-window).UnixNano()
	words := int(window.Seconds())/64 + 1
	var lanes []map[string]*beat
	stats, reading, hint, err := logql.Visit(ctx, lines, files, logql.Since(q.Now, window), func() func(logql.Entry) {
		mine := map[string]*beat{}
		lanes = append(lanes, mine)
		names := map[*logql.Stream]string{}
		return func(e logql.Entry) {
			name, known := names[e.Stream]
			if !known {
				name = logOf(e.Stream)
				names[e.Stream] = name
			}
			b := mine[name]
			if b == nil {
				if len(mine) >= mostPulses {
					return
				}
				b = &beat{seconds: make([]uint64, words)}
				mine[name] = b
			}
			b.add(e, start)
		}
	})
	if err != nil {
		return t.Failed(err)
	}
	if stats.Selected == 0 {
		return t.Silent(ctx, q, stats, window, hint)
	}
	all := map[string]*beat{}
	for _, lane := range lanes {
		for name, b := range lane {
			if all[name] == nil {
				all[name] = b
				continue
			}
			all[name].merge(b)
		}
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	rows := []any{}
	for _, name := range names {
		rows = append(rows, all[name].row(name, q.Now))
	}
	return evidence.Of(rows, reading.Notes...)
}

// logOf names the log that a stream is of.
func logOf(s *logql.Stream) string {
	if name := Writer(s.Labels); name != "" {
		return name
	}
	return s.Name
}

// Writer names what a line was written by, as its labels tell: the file, rotated
// ones with it, the pod, instance, container or host; "" where they tell nothing.
func Writer(labels map[string]string) string {
	if file := labels["filename"]; file != "" {
		return rotatedName.ReplaceAllString(file, "$1")
	}
	for _, label := range []string{"pod", "instance", "container", "host"} {
		if v := labels[label]; v != "" {
			return v
		}
	}
	return ""
}

func (b *beat) add(e logql.Entry, start int64) {
	second := (e.Time - start) / int64(time.Second)
	if e.Time == 0 || second < 0 || second/64 >= int64(len(b.seconds)) {
		return
	}
	b.lines++
	if e.Error || e.Level == "warning" {
		b.laments++
	}
	b.seconds[second/64] |= 1 << (second % 64)
	if e.Time >= b.last {
		b.last, b.text = e.Time, string(e.Message[:min(len(e.Message), 200)])
	}
}

func (b *beat) merge(o *beat) {
	b.lines, b.laments = b.lines+o.lines, b.laments+o.laments
	for i := range o.seconds {
		b.seconds[i] |= o.seconds[i]
	}
	if o.last > b.last {
		b.last, b.text = o.last, o.text
	}
}

// span is how long it wrote, and how long it paused meanwhile at most, in seconds.
// Of a log that writes in nearly every minute two pauses are left out: an outage
// of ten minutes ago must not hide the one of now.
func (b *beat) span() (wrote, pause int) {
	first, last := -1, -1
	pauses := []int{0}
	minutes := map[int]bool{}
	for i, word := range b.seconds {
		for ; word != 0; word &= word - 1 {
			at := i*64 + bits.TrailingZeros64(word)
			if first < 0 {
				first = at
			} else if at > last+1 {
				pauses = append(pauses, at-last)
			} else {
				pauses[0] = 1
			}
			minutes[at/60] = true
			last = at
		}
	}
	slices.Sort(pauses)
	left := 0
	if float64(len(minutes)) >= everyMinute*float64(last/60-first/60+1) {
		left = min(2, len(pauses)-1)
	}
	return last - first, pauses[len(pauses)-1-left]
}

func (b *beat) row(name string, now time.Time) map[string]any {
	wrote, pause := b.span()
	silent := now.Sub(time.Unix(0, b.last))
	stopped := b.lines >= steadyLines && time.Duration(wrote)*time.Second >= steadyTime && silent > leastSilence &&
		silent.Seconds() > stopPauses*float64(pause) && !saysDone.MatchString(b.text) && float64(b.laments) < mostLaments*float64(b.lines)
	return map[string]any{
		"log": name, "lines": int64(b.lines), "wrote_s": float64(wrote), "silent_s": silent.Seconds(), "pause_s": float64(pause),
		"stopped": stopped, "last": strings.TrimSpace(b.text),
	}
}
