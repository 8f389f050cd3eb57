package rehearsal_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/rehearsal"
)

const book = `---
alerts: [QueueGrows]
needs: {db: postgres, metrics: prometheus}
params:
  most: {type: number, default: 3}
---
# Connections run out

## Evidence

§§§sql sessions @db
SELECT 1
§§§

§§§promql waiting @metrics
waiting
§§§

## Symptoms

### Requests wait

| sign | weight | means |
|---|---|---|
| §last(waiting) > 0§ | strong | they wait |

## Causes

### Sessions are lost

Leads to: [requests wait](#requests-wait)
How common: often

| sign | weight | means |
|---|---|---|
| §sessions.size() > most§ | decisive | many |
`

func load(t *testing.T) *playbook.Book {
	t.Helper()
	vocabulary := playbook.Vocabulary{Kinds: []connector.Kind{
		{Name: "postgres", Languages: []connector.Language{{Name: "sql", Shape: probe.Rows}}},
		{Name: "prometheus", Languages: []connector.Language{{Name: "promql", Shape: probe.Series}}},
	}}
	files := fstest.MapFS{"db/pool.md": {Data: []byte(strings.ReplaceAll(book, "§", "`"))}}
	out, findings := playbook.Load(vocabulary, playbook.Root{FS: files})
	require.NotNil(t, out, "%v", findings)
	return out
}

// play returns what came of a case, or the message it gets.
func play(t *testing.T, text string) (failures []string, message string) {
	t.Helper()
	c, err := rehearsal.Parse("db/pool.cases/it.txtar", []byte(text))
	if err != nil {
		return nil, err.Error()
	}
	out, err := rehearsal.Play(load(t), c)
	if err != nil {
		return out.Failures, err.Error()
	}
	return out.Failures, ""
}

const rows = "\n-- sessions --\n[{pid: 1}, {pid: 2}, {pid: 3}, {pid: 4}]\n"

func TestCasesInOtherSpellings(t *testing.T) {
	const found = "-- case --\nfirst: sessions-are-lost"
	for name, text := range map[string]string{
		"as documented":      found + rows + "-- waiting --\nseries 15s: 0 1 2\n",
		"carriage returns":   strings.ReplaceAll(found+rows, "\n", "\r\n"),
		"an alert":           "-- case --\nalert: QueueGrows\nlikely: sessions-are-lost" + rows,
		"parts of their own": "-- alert --\nname: queuegrows\nservice: orders-api\n-- expect.yaml --\nfirst: sessions-are-lost\n-- evidence/sessions.json --\n[{\"pid\": 1}, {\"pid\": 2}, {\"pid\": 3}, {\"pid\": 4}]\n",
		"a nested key":       "-- case --\nalert: QueueGrows\nexpect:\n  first: sessions-are-lost\n  chain: [sessions-are-lost, requests-wait]" + rows + "-- waiting --\nseries 15s: 3\n",
		"a hash":             "-- case --\nfirst: \"#sessions-are-lost\"" + rows,
		"a title":            "-- case --\nfirst: Sessions are lost" + rows,
		"a whole id":         "-- case --\nfirst: db/pool.md#sessions-are-lost" + rows,
		"unknown":            "-- case --\nverdict: cannot tell\n-- sessions --\nunknown: permission denied\n",
		"a word alone":       "-- case --\nverdict: cannot tell\n-- sessions --\nTimed out\n",
		"plain numbers":      "-- case --\nalert: QueueGrows\nchain: [sessions-are-lost, requests-wait]" + rows + "-- waiting --\n[0, 1, 2]\n",
		"what Prometheus says": "-- case --\nalert: QueueGrows\nchain: [sessions-are-lost, requests-wait]" + rows +
			"-- waiting --\n[{\"metric\": {\"pod\": \"a\"}, \"values\": [[1767268785, \"1\"], [1767268800, \"2\"]]}]\n",
		"labels with commas": found + rows + "-- waiting --\nseries 15s {pod=\"a,b\", zone=\"}\"}: 1 2\n",
	} {
		t.Run(name, func(t *testing.T) {
			failures, message := play(t, text)
			require.Empty(t, message)
			require.Empty(t, failures)
		})
	}
}

func TestBadCasesSayWhatIsMeant(t *testing.T) {
	const head = "-- case --\nfirst: sessions-are-lost\n"
	for text, want := range map[string]string{
		"a story":                                                  "it.txtar: there is no part \"-- case --\"",
		"-- case --\nfrist: x\n":                                   `it.txtar:2: the part "case" has no key "frist"; did you mean "first"?`,
		"-- case --\nverdict: fine\n":                              `it.txtar:2: the part "case": there is no verdict "fine"; known: cannot tell, found, nothing is wrong`,
		"-- case --\n\nfirst: [a\n":                                `it.txtar:3: the part "case": this is not YAML`,
		"-- case --\n- first\n":                                    "it is written key: value",
		"-- case --\nat: soon\nfirst: sessions-are-lost\n":         `it.txtar:2: the part "case": "soon" is no time`,
		"-- case --\nfirst: sessions-are-lots\n":                   `did you mean "db/pool#sessions-are-lost"?`,
		"-- case --\nalert: Nothing\nfirst: sessions-are-lost\n":   `no playbook is called by alert "Nothing"`,
		head + "-- sesions --\n[]\n":                               `it.txtar:3: no question of db/pool is called "sesions"; did you mean "sessions"?`,
		head + "-- sessions --\n":                                  "it is empty: write []",
		head + "-- sessions --\npid,state\n1,idle\n":               "this question answers with rows",
		head + "-- sessions --\n[1, 2]\n":                          "item 1 is no row",
		head + "-- sessions --\ndneied: no\n":                      `did you mean "denied"?`,
		head + "-- waiting --\n5\n":                                "write series 15s: 0 0 1 5",
		head + "-- waiting --\n[{a: 1}]\n":                         "item 1 is no stream",
		head + "-- waiting --\nseries 15s: 1 NaN\n":                `"NaN" is no sample`,
		head + "-- waiting --\nseries 15s {pod}: 1\n":              "labels are written name=",
		head + "-- waiting --\nseries soon: 1\n":                   "is not a duration such as 15s",
		head + "-- sessions --\n[]\n-- evidence/sessions --\n[]\n": `it.txtar:5: "sessions" stands there twice`,
	} {
		t.Run(text, func(t *testing.T) {
			_, message := play(t, text)
			require.Contains(t, message, want)
		})
	}
}
