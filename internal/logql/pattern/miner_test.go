package pattern

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// messages mixes all styles, with times and levels.
func messages(n int) []Message {
	random := rand.New(rand.NewSource(7))
	var out []Message
	for i, s := range styles {
		lines, truth := s.lines(n, int64(i))
		for j, l := range lines {
			m := Message{Text: []byte(l), Level: "info", Time: int64(1_790_000_000+random.Intn(7200)) * 1_000_000_000}
			if truth[j]%3 == 0 {
				m.Level, m.Error = "error", true
			}
			out = append(out, m)
		}
	}
	random.Shuffle(len(out), func(a, b int) { out[a], out[b] = out[b], out[a] })
	return out
}

func mined(c Config, list []Message) *Miner {
	m := New(c)
	for _, msg := range list {
		m.Add(msg)
	}
	return m
}

func TestNeitherOrderNorChunksMatter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Config{
		"ample":                       {Split: 1_790_003_600 * 1e9},
		"families beyond their bound": {Split: 1_790_003_600 * 1e9, Family: 8},
	} {
		list := messages(150)
		whole := mined(c, list)
		want, stats := whole.Templates(), whole.Stats()
		require.Equal(t, c.Family > 0, stats.Guessed > 0, name)
		require.Zero(t, stats.Lost)
		total := 0
		for i := range want {
			total += want[i].Total()
		}
		require.Equal(t, len(list), total, "every message is in a template")
		random := rand.New(rand.NewSource(3))
		for try := range 4 {
			random.Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
			require.Equal(t, want, mined(c, list).Templates(), "%s: order %d", name, try)
			merged := New(c)
			for at := 0; at < len(list); {
				n := min(1+random.Intn(2000), len(list)-at)
				merged.Merge(mined(c, list[at:at+n]))
				at += n
			}
			require.Equal(t, want, merged.Templates(), "%s: chunks %d", name, try)
			require.Equal(t, stats, merged.Stats())
		}
	}
}

func TestBoundsAreCounted(t *testing.T) {
	t.Parallel()
	m := New(Config{Shapes: 10})
	for i := range 100 {
		m.Add(Message{Text: []byte(fmt.Sprintf("%c%c is here", 'a'+i%10, 'a'+i/10))})
	}
	require.Equal(t, Stats{Messages: 100, Shapes: 10, Lost: 90}, m.Stats())
	// A thousand names in one sentence, beyond the bound of its family.
	m = New(Config{Family: 50})
	for i := range 1000 {
		m.Add(Message{Text: []byte(fmt.Sprintf("user %c%c%c logged in", 'a'+i%10, 'a'+i/10%10, 'a'+i/100))})
	}
	require.Equal(t, Stats{Messages: 1000, Shapes: 50, Guessed: 950}, m.Stats())
	list := m.Templates()
	require.Len(t, list, 1)
	require.Equal(t, "user <*> logged in", list[0].Text)
	require.Equal(t, 1000, list[0].Count)
	require.Equal(t, 950, list[0].Guessed)
}

func TestWhatATemplateKnows(t *testing.T) {
	t.Parallel()
	m := New(Config{Split: 100e9})
	add := func(second int, text, level string) {
		m.Add(Message{Text: []byte(text), Level: level, Error: level == "error", Time: int64(second) * 1e9})
	}
	for i := range 50 {
		add(51+i, fmt.Sprintf("GET /item from 10.0.0.%d took %d ms", i%3, i), "info")
	}
	for i := range 300 {
		add(101+i, "GET /item from 10.0.0.7 took 5 ms", "info")
	}
	add(500, "GET /item from 10.0.0.1 took 9 ms", "error")
	list := m.Templates()
	require.Len(t, list, 1)
	got := list[0]
	require.Equal(t, "GET <*> from <*> took <*>", got.Text)
	require.Equal(t, []int{301, 50, 1}, []int{got.Count, got.Before, got.Errors})
	require.Equal(t, []int64{51e9, 500e9}, []int64{got.First, got.Last})
	require.Equal(t, []Counted{{"info", 350}, {"error", 1}}, got.Levels)
	require.Len(t, got.Samples, 3)
	require.Equal(t, 351, got.Times.Total())
	require.Equal(t, Hole{Distinct: 1, Exact: true, Top: []Value{{"/item", 301, 50}}}, got.Holes[0])
	require.Equal(t, Hole{Distinct: 4, Exact: true, Top: []Value{{"10.0.0.7", 300, 0}, {"10.0.0.1", 1, 17}, {"10.0.0.0", 0, 17}, {"10.0.0.2", 0, 16}}}, got.Holes[1])
	require.False(t, got.Holes[2].Exact)
	require.InDelta(t, 50, got.Holes[2].Distinct, 25)
	require.Equal(t, "5 ms", got.Holes[2].Top[0].Text, "the frequent value stands out of many")
	require.InDelta(t, 301, got.Holes[2].Top[0].Count+got.Holes[2].Top[0].Before, 10)
}

func TestHitsAllocateNothing(t *testing.T) {
	list := messages(50)
	m := mined(Config{}, list)
	for range 20 {
		for _, msg := range list {
			m.Add(msg)
		}
	}
	require.Zero(t, testing.AllocsPerRun(5, func() {
		for _, msg := range list {
			m.Add(msg)
		}
	}))
}

// serviceMessages imitates the message field of JSON logs of a shop.
func serviceMessages(n int) []Message {
	v := vocabulary{rand.New(rand.NewSource(1))}
	texts := []string{
		"request completed in {int} ms", "order {id} placed by user {int}", "cache miss for key cart:{int}", "payment {uuid} accepted",
		"slow query took {int} ms on table orders", "starting batch {small} of {small}", "connection to {ipport} established",
		"retrying call to inventory (attempt {small} of 5)", "published event {int} to partition {small}", "user {int} logged in",
	}
	out := make([]Message, n)
	for i := range out {
		out[i] = Message{Text: []byte(v.line(texts[v.Intn(len(texts))])), Level: "info", Time: 1_790_000_000e9 + int64(i)*1e6}
	}
	return out
}

func BenchmarkMiner(b *testing.B) {
	list := serviceMessages(100_000)
	size := 0
	for _, m := range list {
		size += len(m.Text)
	}
	m := New(Config{Split: 1_790_000_050e9})
	b.ReportAllocs()
	b.SetBytes(int64(size / len(list)))
	b.ResetTimer()
	before := processorTime(b)
	for i := range b.N {
		m.Add(list[i%len(list)])
	}
	report(b, before)
}

// report prints lines a second, and lines a second of processor time, which says
// more on a machine that others use too.
func report(b *testing.B, before time.Duration) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mlines/s")
	b.ReportMetric(float64(b.N)/(processorTime(b)-before).Seconds()/1e6, "Mlines/cpu-s")
}

func processorTime(b *testing.B) time.Duration {
	var use unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &use))
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

func BenchmarkMinerInParallel(b *testing.B) {
	list := serviceMessages(100_000)
	b.ResetTimer()
	before := processorTime(b)
	b.RunParallel(func(pb *testing.PB) {
		m := New(Config{Split: 1_790_000_050e9})
		for i := 0; pb.Next(); i++ {
			m.Add(list[i%len(list)])
		}
	})
	report(b, before)
}

func BenchmarkTemplates(b *testing.B) {
	m := mined(Config{}, messages(2000))
	b.Logf("%d shapes", m.Stats().Shapes)
	for range b.N {
		m.Templates()
	}
}
