package pattern

import (
	"bytes"
	"math/rand"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever the bytes: every message is in one template, and two miners that are
// merged say what one says.
func FuzzMiner(f *testing.F) {
	for _, s := range styles {
		lines, _ := s.lines(12, 1)
		f.Add(bytes.Join(split1(lines), []byte("\x00")))
	}
	f.Add([]byte("a=\"b\\\x00((((\x00]]]]\x00=\x00=== a=[\x00<<>>\x00x:y:z:1\x00\n\n\n\x00- - -\x00'\x00" + `{"a":[{"b":"}"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list := bytes.Split(data, []byte{0})
		c := Config{Family: 5, Tokens: 20, Split: 3}
		one, left, right := New(c), New(c), New(c)
		for i, text := range list {
			m := Message{Text: text, Time: int64(i), Level: "info"}
			one.Add(m)
			if i%2 == 0 {
				left.Add(m)
			} else {
				right.Add(m)
			}
		}
		left.Merge(right)
		want := one.Templates()
		require.Equal(t, want, left.Templates())
		total := 0
		for i := range want {
			total += want[i].Total()
			require.NotContains(t, want[i].Text, "\x00")
		}
		require.Equal(t, len(list), total)
	})
}

func split1(lines []string) [][]byte {
	var out [][]byte
	for _, l := range lines {
		out = append(out, []byte(l))
	}
	return out
}

// A log of random words is the worst case: no shape is ever met again.
func TestNoiseIsBounded(t *testing.T) {
	random := rand.New(rand.NewSource(1)) // not parallel: it measures memory
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := New(Config{})
	for range 30_000 {
		var b bytes.Buffer
		for range 3 + random.Intn(30) {
			for range 3 + random.Intn(6) {
				b.WriteByte('a' + byte(random.Intn(26)))
			}
			b.WriteByte(" ,:("[random.Intn(4)])
		}
		m.Add(Message{Text: b.Bytes()})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	began := time.Now()
	list := m.Templates()
	took := time.Since(began)
	held := float64(after.HeapAlloc-before.HeapAlloc) / (1 << 20)
	t.Logf("noise: %+v, %.0f MiB, %d templates in %s", m.Stats(), held, len(list), took.Round(time.Millisecond))
	require.Equal(t, 8192, m.Stats().Shapes)
	require.Equal(t, 30_000, m.Stats().Lost+8192)
	require.Less(t, held, 48.0, "MiB for as many shapes as there may be")
	require.Less(t, took, 20*time.Second, "clustering stays a matter of seconds")
}

func TestHashesDoNotSeeWhatStandsAround(t *testing.T) {
	t.Parallel()
	text := []byte("the quick brown fox jumps over the lazy dog")
	for at := range text {
		for end := at; end <= len(text); end++ {
			require.Equal(t, hash(bytes.Clone(text[at:end])), hashPart(text, at, end), "%d to %d", at, end)
		}
	}
	require.NotEqual(t, hash([]byte("a")), hash([]byte("a\x00")))
}
