package verification_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/verification"
)

var from = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// samples are one letter each, a second apart: w well, f still felt, c its own
// check does not hold, u nothing could be seen, b the check holds and what is
// felt could not be seen.
func samples(letters string) []verification.Sample {
	var out []verification.Sample
	for i, l := range letters {
		s := verification.Sample{At: from.Add(time.Duration(i+1) * time.Second), Check: verification.Yes, Felt: verification.No}
		switch l {
		case 'f':
			s.Felt, s.Level, s.FeltWhy = verification.Yes, 0.9, "requests still wait"
		case 'c':
			s.Check, s.CheckWhy = verification.No, "`waiting == 0` does not hold"
		case 'b':
			s.Felt, s.FeltWhy = verification.Unknown, "the front does not answer"
		case 'u':
			s.Check, s.CheckWhy, s.Felt = verification.Unknown, "the metrics do not answer", verification.Unknown
		}
		out = append(out, s)
	}
	return out
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	before := &verification.Sample{Felt: verification.Yes, Level: 0.95}
	for sentence, c := range map[string]struct {
		letters string
		settle  time.Duration
		want    verification.Verdict
		why     string
	}{
		"nothing was seen yet":                                  {"", 0, verification.Pending, ""},
		"two good samples are not enough":                       {"ww", 0, verification.Pending, ""},
		"three in a row over a fifth of the time are":           {"cwww", 0, verification.Better, "well in 3 samples over 2s"},
		"what was felt is compared with before":                 {"www", 0, verification.Better, "from 95 % to 0 %"},
		"one good sample between bad ones is luck":              {"cwcwcwcwcc", 0, verification.NotBetter, "its own check does not hold: `waiting == 0` does not hold"},
		"well at last: it gets the time to show it":             {"ccccccccww", 0, verification.Pending, ""},
		"well at last, and it stays so":                         {"ccccccccwwww", 0, verification.Better, ""},
		"well at last, and it does not stay so":                 {"ccccccccwwc", 0, verification.NotBetter, ""},
		"people still feel it":                                  {"ffffffffff", 0, verification.NotBetter, "it did what it should, and people still feel it: requests still wait"},
		"a symptom that looks back gets longer":                 {"ffffffffff", 5 * time.Second, verification.Pending, ""},
		"but not for ever":                                      {"fffffffffffffff", 5 * time.Second, verification.NotBetter, ""},
		"missing data is not recovery":                          {"uuuuuuuuuu", 0, verification.CannotTell, "it could not be measured: the metrics do not answer"},
		"nor where it was well before the data went missing":    {"wwuuuuuuuu", 0, verification.CannotTell, ""},
		"missing data in the middle breaks the row":             {"wwuww", 0, verification.Pending, ""},
		"bad and then missing: nobody can tell any more":        {"cccccccccu", 0, verification.CannotTell, ""},
		"a single late look is not the end":                     {"f", 0, verification.Pending, ""},
		"its own check fails where nobody feels anything":       {"cccccccccc", time.Minute, verification.NotBetter, ""},
		"missing data while the check holds waits for settling": {"uuuuuuuuuuu", time.Minute, verification.CannotTell, ""},
		"what cannot be seen does not fade":                     {"bbbbbbbbbb", time.Minute, verification.CannotTell, "the front does not answer"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			j := verification.Judge(before, samples(c.letters), verification.Schedule{From: from, Within: 10 * time.Second, Settle: c.settle})
			require.Equal(t, c.want, j.Verdict, j.Why)
			require.Contains(t, j.Why, c.why)
		})
	}
}

func TestWhatAlwaysHoldsOfAVerdict(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringOfN(rapid.RuneFrom([]rune("wfcub")), 0, 40, -1).Draw(t, "samples")
		schedule := verification.Schedule{From: from, Within: 10 * time.Second, Settle: time.Duration(rapid.IntRange(0, 20).Draw(t, "settle")) * time.Second}
		j := verification.Judge(nil, samples(letters), schedule)
		if j.Verdict == verification.Better {
			require.True(t, strings.HasSuffix(letters, "www"), "better needs %d good samples at the end", verification.Needed)
		}
		if !strings.Contains(letters, "w") {
			require.NotEqual(t, verification.Better, j.Verdict)
		}
		if strings.HasSuffix(letters, "u") {
			require.NotEqual(t, verification.Better, j.Verdict, "missing data never counts as recovered")
			require.NotEqual(t, verification.NotBetter, j.Verdict, "nor as the contrary")
		}
		// It comes to an end: after the longest time anything but Pending, or
		// well at the moment.
		if len(letters) > 35 && !strings.HasSuffix(letters, "w") {
			require.NotEqual(t, verification.Pending, j.Verdict)
		}
		require.True(t, schedule.Next(samples(letters)).After(from))
	})
}

// diagnosed is a diagnosis with one symptom of one sign.
func diagnosed(probability float64, truth string) diagnosis.Diagnosis {
	return diagnosis.Diagnosis{Symptoms: []*diagnosis.Finding{{
		ID: "x#slow", Title: "Requests are slow", Services: []string{"api"}, Probability: probability, Word: diagnosis.Word(probability),
		Signs: []diagnosis.SignResult{{Sign: "last(p95) > 1", Truth: truth, Why: "no such series"}},
	}}}
}

func TestWhatPeopleFeel(t *testing.T) {
	t.Parallel()
	watched := []plan.Watched{{ID: "x#slow", Title: "Requests are slow", Shown: []string{"last(p95) > 1"}}}
	for sentence, c := range map[string]struct {
		d       diagnosis.Diagnosis
		watched []plan.Watched
		want    verification.Truth
	}{
		"it is likely":                                  {diagnosed(0.9, "true"), watched, verification.Yes},
		"it is possible still":                          {diagnosed(diagnosis.Possible, "true"), watched, verification.Yes},
		"it was looked at and is unlikely":              {diagnosed(0.01, "false"), watched, verification.No},
		"unlikely only because its sign cannot be seen": {diagnosed(0.01, "unknown"), watched, verification.Unknown},
		"it was not looked at":                          {diagnosis.Diagnosis{}, watched, verification.Unknown},
		"nothing is watched":                            {diagnosed(0.01, "false"), nil, verification.Unknown},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			felt, why, _ := verification.Felt(c.d, []string{"api"}, c.watched)
			require.Equal(t, c.want, felt, why)
		})
	}
	felt, _, _ := verification.Felt(diagnosed(0.9, "true"), []string{"billing"}, watched)
	require.Equal(t, verification.Unknown, felt, "the symptom of another service says nothing")
}

func TestOfALogTheLaterHalfSinceTheChangeCounts(t *testing.T) {
	t.Parallel()
	at := time.Unix(1000, 0)
	require.Equal(t, at.Add(30*time.Second), verification.Counts(at, at.Add(time.Minute)))
	require.Equal(t, at, verification.Counts(at, at.Add(-time.Second)), "a clock that was put back")
	require.Zero(t, verification.Counts(time.Time{}, at), "before the change all of it counts")
}
