package incident_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/incident"
)

func TestARefIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]incident.Ref{
		"INC-7":                     {Incident: 7},
		"INC-7.1":                   {Incident: 7, Plan: 1},
		"INC-7.1.2":                 {Incident: 7, Plan: 1, Step: 2},
		"inc-7.1.2":                 {Incident: 7, Plan: 1, Step: 2},
		"Inc-10.20.30":              {Incident: 10, Plan: 20, Step: 30},
		"INC-9223372036854775806.1": {Incident: 9223372036854775806, Plan: 1},
	} {
		got, err := incident.ParseRef(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
		require.Equal(t, strings.ToUpper(text), got.String())
	}
}

func TestWhatIsNoRefIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	for text, why := range map[string]string{
		"":                        "it does not begin with INC-",
		"7":                       "it does not begin with INC-",
		"INC7":                    "it does not begin with INC-",
		" INC-7":                  "it does not begin with INC-",
		"INC-":                    "a number is missing",
		"INC-7.":                  "a number is missing",
		"INC-7..2":                "a number is missing",
		"INC-7 ":                  `"7 " is not a number`,
		"INC-+7":                  `"+7" is not a number`,
		"INC--7":                  `"-7" is not a number`,
		"INC-٧":                   `is not a number`,
		"INC-7.x":                 `"x" is not a number`,
		"INC-0":                   "numbers begin at 1",
		"INC-07":                  "without a zero in front",
		"INC-7.1.2.3":             "a step is the last",
		"INC-9223372036854775807": "too large",
		"INC-99999999999999999999999999999999999999999999999999999999999999999": "too large",
	} {
		got, err := incident.ParseRef(text)
		require.ErrorContains(t, err, why, text)
		require.ErrorContains(t, err, "INC-7.1.2", "a refusal shows how it is written")
		require.Less(t, len(err.Error()), 250)
		require.Zero(t, got)
	}
}

func TestFormattingAndParsingARefIsTheIdentity(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := incident.Ref{Incident: rapid.Int64Range(1, 1<<62).Draw(t, "incident"), Plan: rapid.Int64Range(0, 1000).Draw(t, "plan")}
		if r.Plan > 0 {
			r.Step = rapid.Int64Range(0, 1000).Draw(t, "step")
		}
		got, err := incident.ParseRef(r.String())
		require.NoError(t, err)
		require.Equal(t, r, got)
		require.Equal(t, incident.Ref{Incident: r.Incident}, got.InIncident())
		require.Zero(t, got.InPlan().Step)
	})
}

func FuzzParseRef(f *testing.F) {
	for _, seed := range []string{"INC-7", "inc-7.1", "INC-7.1.2", "INC-", "INC-7.."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := incident.ParseRef(text); err == nil {
			require.Equal(t, strings.ToUpper(text), r.String())
		}
	})
}
