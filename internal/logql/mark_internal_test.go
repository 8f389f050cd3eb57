package logql

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The assembly marks what its definition says, wherever a mark falls and however
// little room there is.
func TestMarksFollowTheirDefinition(t *testing.T) {
	t.Parallel()
	if !canMark {
		t.Log("SKIPPED: this processor has no AVX2, so lines are searched one by one")
	}
	letters := rapid.SliceOfN(rapid.SampledFrom([]byte("\n\nabc\"{}")), 0, 400)
	rapid.Check(t, func(t *rapid.T) {
		block := letters.Draw(t, "block")
		pairs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) bytePair {
			return bytePair{
				first: rapid.SampledFrom([]byte(`abc"{`)).Draw(t, "first"), second: rapid.SampledFrom([]byte(`abc"}`)).Draw(t, "second"),
				gap: rapid.IntRange(0, 40).Draw(t, "gap"),
			}
		}), 0, mostPairs).Draw(t, "pairs")
		m := newMarker(pairs, rapid.Bool().Draw(t, "odd"))
		var want []uint32
		for i := range block {
			if m.isBreak(block, i) || m.begins(block, i) {
				want = append(want, uint32(i))
			}
		}
		room := make([]uint32, rapid.IntRange(0, 450).Draw(t, "room"))
		got, ok := m.mark(block, room)
		if !ok {
			require.Greater(t, len(want), len(room))
			return
		}
		require.Equal(t, len(want), len(got))
		for i := range want {
			require.Equal(t, want[i], got[i])
		}
	})
}

func BenchmarkMark(b *testing.B) {
	line := []byte(`{"timestamp": "2026-03-01T11:00:00Z", "level": "INFO", "service": "shop", "message": "GET /orders completed 200 in 12.5ms", "request_id": "f00f", "endpoint": "/orders", "status_code": 200, "duration_ms": 12.5, "user_id": "usr_1"}` + "\n")
	block := bytes.Repeat(line, (1<<20)/len(line))
	var pairs []bytePair
	for _, stem := range []string{"level", "service", "endpoint", "duration"} {
		p, _ := pairOf([]byte(stem))
		pairs = append(pairs, p)
	}
	m, room := newMarker(pairs, false), make([]uint32, 1<<18)
	b.SetBytes(int64(len(block)))
	for b.Loop() {
		m.mark(block, room)
	}
}
