package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/approval"
	"github.com/quellhq/quell/internal/config"
	"github.com/quellhq/quell/internal/policy"
)

// two public keys, of RFC 8032, section 7.1.
const (
	keyOne = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	keyTwo = "ed25519:PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
)

// services that a policy can speak of.
const somewhere = `services:
  orders-api: {environment: production, depends_on: [db]}
  orders-job: {environment: staging, depends_on: [db]}
targets:
  db: {kind: postgres, url: "postgres://h/d"}
`

func TestWholePolicy(t *testing.T) {
	t.Parallel()
	c, err := load(t, somewhere+`policy:
  zone: Europe/Berlin
  approvers:
    Alice: {key: "`+keyOne+`"}
    bob: {key: "`+keyTwo+`"}
  expires: 20m
  risk: {R1: nobody, R3: two}
  rules:
    - {environment: production, risk: [R3, R4], approval: two, why: audited}
    - service: orders-*
      action: [postgres.terminate, postgres.cancel]
      target: db
      approval: approver
      approvers: [bob]
      expires: 5m
      autonomy: suggest
      blast: 20
      per_hour: 2
      blast_per_hour: 30
  limits: {per_hour: 6, all_per_hour: 20, blast: 50, blast_per_hour: 200}
  freeze:
    - {from: 2026-12-24, to: 2026-12-27 08:00, why: holidays, allow: [R1, postgres.*]}
    - {weekly: Fri 16:00 - Mon 08:00, zone: America/New_York, environment: production, approval: two}
    - {daily: Mon-Fri 22:00-06:00}
    - {from: 2026-10-25 02:30, to: 2026-10-25 02:30}
  autonomy: {postgres.cancel: auto, "*": approve}
  auto: {after: 3, within: 30d}
  stop: moving house
`, nil)
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	require.Equal(t, "production", c.Services[0].Environment)
	p := c.Policy
	at := func(line, col int) string { return fmt.Sprintf("%s:%d:%d", c.Path, line, col) }
	one, err := approval.ParseKey(keyOne)
	require.NoError(t, err)
	two, err := approval.ParseKey(keyTwo)
	require.NoError(t, err)
	require.Equal(t, []policy.Approver{{Name: "alice", Key: one, At: at(9, 5)}, {Name: "bob", Key: two, At: at(10, 5)}}, p.Approvers)
	require.Equal(t, 20*time.Minute, p.Expires)
	require.Equal(t, map[action.Risk]policy.Need{action.R1: policy.Nobody, action.R3: policy.Two}, p.Risk)
	require.Equal(t, []policy.Rule{
		{Match: policy.Match{Environment: []string{"production"}, Risk: []action.Risk{action.R3, action.R4}}, Need: policy.Two, Why: "audited", At: at(14, 7)},
		{
			Match: policy.Match{Service: []string{"orders-*"}, Action: []string{"postgres.terminate", "postgres.cancel"}, Target: []string{"db"}},
			Need:  policy.One, Approvers: []string{"bob"}, Expires: 5 * time.Minute, Autonomy: policy.Suggest,
			Limits: policy.Limits{PerHour: 2, Blast: 20, BlastPerHour: 30}, At: at(15, 7),
		},
	}, p.Rules)
	require.Equal(t, policy.Limits{PerHour: 6, AllPerHour: 20, Blast: 50, BlastPerHour: 200}, p.Limits)
	require.Equal(t, []policy.Grade{{Action: "postgres.cancel", Autonomy: policy.Auto, At: at(31, 14)}, {Action: "*", Autonomy: policy.Approve, At: at(31, 37)}}, p.Autonomy)
	require.Equal(t, policy.Earning{After: 3, Within: 30 * 24 * time.Hour}, p.Auto)
	require.Equal(t, "moving house", p.Stop)
	for name, place := range map[string]string{"expires": at(11, 3), "risk.R3": at(12, 22), "limits.blast": at(25, 43), "auto": at(32, 3), "stop": at(33, 3), "approvers": at(8, 3)} {
		require.Equal(t, place, p.At[name], name)
	}

	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	newYork, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	require.Len(t, p.Freeze, 4)
	holidays := p.Freeze[0]
	require.Equal(t, time.Date(2026, 12, 24, 0, 0, 0, 0, berlin).UTC(), holidays.From.UTC())
	require.Equal(t, time.Date(2026, 12, 27, 8, 0, 0, 0, berlin).UTC(), holidays.To.UTC())
	require.Equal(t, []action.Risk{action.R1}, holidays.AllowRisk)
	require.Equal(t, []string{"postgres.*"}, holidays.Allow)
	require.Equal(t, policy.Window{
		Match: policy.Match{Environment: []string{"production"}}, Weekly: []policy.Span{{From: clock(time.Friday, 16), To: clock(time.Monday, 8)}},
		Zone: newYork, Need: policy.Two, At: at(28, 7),
	}, p.Freeze[1])
	require.Len(t, p.Freeze[2].Weekly, 5)
	require.Equal(t, policy.Span{From: clock(time.Friday, 22), To: clock(time.Saturday, 6)}, p.Freeze[2].Weekly[4])
	require.Equal(t, time.Hour, p.Freeze[3].To.Sub(p.Freeze[3].From), "the hour that there is twice: the wider reading")
}

func clock(day time.Weekday, hour int) time.Duration {
	return time.Duration(24*int(day)+hour) * time.Hour
}

func TestWindows(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]policy.Span{
		"weekly: Sat 00:00 - Sun 24:00":             {{From: clock(time.Saturday, 0), To: clock(time.Sunday, 24)}},
		"weekly: wednesday 8:00–Thursday 09:00":     {{From: clock(time.Wednesday, 8), To: clock(time.Thursday, 9)}},
		"daily: Sat 20:00 - 24:00":                  {{From: clock(time.Saturday, 20), To: 0}},
		"daily: Sat-Sun 23:00 - 01:00":              {{From: clock(time.Saturday, 23), To: clock(time.Sunday, 1)}, {From: clock(time.Sunday, 23), To: clock(time.Monday, 1)}},
		`{"daily": "Tue 09:00-17:00", zone: "UTC"}`: {{From: clock(time.Tuesday, 9), To: clock(time.Tuesday, 17)}},
	} {
		c, err := load(t, somewhere+"policy:\n  freeze:\n    - "+text+"\n", nil)
		require.NoError(t, err, text)
		require.Equal(t, want, c.Policy.Freeze[0].Weekly, text)
	}
	c, err := load(t, somewhere+"policy: {freeze: [{daily: 18:00 - 20:00}]}\n", nil)
	require.NoError(t, err)
	require.Len(t, c.Policy.Freeze[0].Weekly, 7)
	c, err = load(t, somewhere+"policy: {zone: Europe/Berlin, freeze: [{from: 2026-12-24, to: 2026-12-24}, {from: 2026-12-24T10:00:00Z, to: 2026-12-24T12:00}]}\n", nil)
	require.NoError(t, err)
	require.Equal(t, 24*time.Hour, c.Policy.Freeze[0].To.Sub(c.Policy.Freeze[0].From), "a date is the whole day")
	require.Equal(t, time.Hour, c.Policy.Freeze[1].To.Sub(c.Policy.Freeze[1].From), "Z is Z, and the rest is of the zone")
}

func TestNoPolicyIsTheDefault(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "policy:\n", "policy: {stop: false}\n", "policy: {risk: , rules: []}\n"} {
		c, err := load(t, somewhere+text, nil)
		require.NoError(t, err)
		c.Policy.At = nil
		require.Equal(t, policy.Policy{}, c.Policy, "%q", text)
	}
	c, err := load(t, somewhere+"policy: {stop: true}\n", nil)
	require.NoError(t, err)
	require.Equal(t, "true", c.Policy.Stop)
}

func TestMistakesInPolicies(t *testing.T) {
	t.Parallel()
	const line = "quell.yaml:6:"
	for name, c := range map[string]struct{ text, want string }{
		"an unknown key":              {"{aprovers: [a]}", line + `10: policy has no key "aprovers": did you mean approvers?`},
		"an unknown key of a rule":    {"{rules: [{approval: two, enviroment: x}]}", line + `34: a rule has no key "enviroment": did you mean environment?`},
		"an unknown key of a freeze":  {"{freeze: [{daily: 1:00-2:00, until: x}]}", line + `38: a freeze has no key "until": it has action, allow, approval, daily, environment, from, risk, service, target, to, weekly, why, zone`},
		"an unknown limit":            {"{limits: {per_day: 1}}", line + `19: limits of policy has no key "per_day": it has all_per_hour, blast, blast_per_hour, per_hour`},
		"all of them, in a rule":      {"{rules: [{all_per_hour: 1}]}", line + `19: a rule has no key "all_per_hour": did you mean per_hour?`},
		"an unknown need":             {"{risk: {R1: maybe}}", line + `21: R1 is one of nobody, anyone, approver, two, never, not "maybe"`},
		"an unknown class":            {"{risk: {R5: two}}", line + `17: risk has no key "R5": did you mean R1?`},
		"a class in small letters":    {"{rules: [{risk: r3, approval: two}]}", line + `25: "r3" is no risk: there are R1, R2, R3, R4`},
		"R3 for nobody":               {"{risk: {R3: nobody}}", line + "21: R3 needs at least anyone: nothing of that risk is done without a person"},
		"a graver class with less":    {"{risk: {R2: two, R3: approver}}", line + `30: R3 needs approver, which is less than a lesser class needs (two)`},
		"less than the default below": {"{risk: {R4: anyone}}", line + `21: R4 needs anyone, which is less than a lesser class needs (approver)`},
		"a rule for nobody at R4":     {"{rules: [{risk: [R3, R4], approval: nobody}]}", line + "18: R3 and R4 need at least anyone: nothing of that risk is done without a person"},
		"R3 automatic":                {"{rules: [{risk: R3, autonomy: auto}]}", line + "18: R3 and R4 are never automatic"},
		"a rule that says nothing":    {"{rules: [{service: orders-api, why: x}]}", line + "18: a rule that says nothing of what it matches: give it one of approval, approvers, expires, autonomy, per_hour, blast, blast_per_hour"},
		"rules as a mapping":          {"{rules: {approval: two}}", line + "17: rules is a list of {…}, not `name: value`"},
		"an empty condition":          {"{rules: [{service: [], approval: two}]}", line + "28: service is empty: leave it out where it does not matter"},
		"a misspelt service":          {"{rules: [{service: orders-apl, approval: two}]}", line + `28: there is no service "orders-apl": did you mean orders-api?`},
		"a misspelt environment":      {"{rules: [{environment: prodution, approval: two}]}", line + `32: there is no environment "prodution": did you mean production?`},
		"a misspelt action":           {"{autonomy: {postgres.cancle: observe}}", line + `21: there is no action "postgres.cancle": did you mean postgres.cancel?`},
		"a regular expression":        {"{rules: [{service: \"(a|b)\", approval: two}]}", line + `28: "(a|b)" is no name of a service, nor a pattern: use letters, digits, dot, dash, underscore, and * for any of them`},
		"a grade that there is not":   {"{autonomy: {\"*\": always}}", line + `26: * is one of observe, suggest, approve, auto, not "always"`},
		"an approver of nobody":       {"{approvers: [alice, bob], rules: [{approvers: [carol]}]}", line + `56: carol is none of the approvers of the policy: add them there`},
		"an approver twice":           {"{approvers: [alice, bob, Alice]}", line + "34: alice stands twice: first at quell.yaml:6:22"},
		"a path for a name":           {"{approvers: [alice, ../bob]}", line + `29: "../bob" is no name of a person: use letters, digits, dot, dash, plus, underscore and @, at most 64`},
		"a key twice":                 {`{approvers: {a: {key: "` + keyOne + `"}, b: {key: "` + keyOne + `"}}}`, line + `88: b has the key of a: that is one person`},
		"a key cut short":             {`{approvers: {a: {key: "ed25519:AAAA"}, b: }}`, line + `31: key: "ed25519:AAAA" is no public key: behind ed25519: stand 32 bytes in base64`},
		"a key of another name":       {`{approvers: {a: {public: x}, b: }}`, line + `26: approver a has no key "public": it has key`},
		"a limit of zero":             {"{limits: {blast: 0}}", line + `26: blast is a whole number from 1 to 1000000000, not "0"`},
		"an endless expiry":           {"{expires: 48h}", line + `19: expires is a duration like 15m, from 1s to 1d, not "48h"`},
		"auto after nothing":          {"{auto: {after: 0}}", line + `24: after is a whole number from 1 to 1000, not "0"`},
		"an unknown zone":             {"{zone: Berlin}", line + `16: zone is the name of a time zone like Europe/Berlin or UTC, not "Berlin"`},
		"the zone of this machine":    {"{zone: Local}", line + `16: zone is the name of a time zone like Europe/Berlin or UTC, not "Local"`},
		"a freeze without a time":     {"{freeze: [{why: x}]}", line + "19: a freeze has from and to, or weekly, or daily"},
		"a freeze without an end":     {"{freeze: [{from: 2026-12-24}]}", line + "19: a freeze has from and to, or weekly, or daily"},
		"a freeze with two times":     {"{freeze: [{weekly: Fri 16:00 - Mon 8:00, daily: 1:00 - 2:00}]}", line + "19: a freeze has from and to, or weekly, or daily"},
		"a freeze that ends first":    {"{freeze: [{from: 2026-12-24, to: 2026-12-23}]}", line + "42: a freeze ends after it begins"},
		"a day that there is not":     {"{freeze: [{from: 2026-02-30, to: 2026-12-23}]}", line + `26: from is a time like 2026-12-24 or 2026-12-24 16:00, not "2026-02-30"`},
		"a week that never ends":      {"{freeze: [{weekly: Mon 00:00 - Mon 00:00}]}", line + "28: a week that is frozen as a whole: use approval: never, or stop"},
		"a week from end to end":      {"{freeze: [{weekly: Sun 00:00 - Sat 24:00}]}", line + "28: a week that is frozen as a whole: use approval: never, or stop"},
		"a day that there is no such": {"{freeze: [{weekly: Fry 16:00 - Mon 08:00}]}", line + `28: weekly is a time like Fri 16:00 - Mon 08:00, not "Fry 16:00 - Mon 08:00"`},
		"an hour that there is not":   {"{freeze: [{weekly: Fri 16:00 - Mon 25:00}]}", line + `28: weekly is a time like Fri 16:00 - Mon 08:00, not "Fri 16:00 - Mon 25:00"`},
		"a day without an end":        {"{freeze: [{daily: 00:00 - 24:00}]}", line + `27: daily is a time like 18:00 - 20:00 or Mon-Fri 18:00 - 20:00, not "00:00 - 24:00"`},
		"a freeze for nobody":         {"{freeze: [{daily: 1:00 - 2:00, approval: nobody}]}", line + "50: a freeze that needs nobody's approval is none: use allow for what it lets through"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, somewhere+"policy: "+c.text+"\n", nil)
			require.EqualError(t, err, c.want)
		})
	}
}

func TestAllMistakesOfAPolicyAtOnce(t *testing.T) {
	t.Parallel()
	_, err := load(t, somewhere+`policy:
  approvers: [alice, alice]
  expires: soon
  risk: {R1: x, R3: nobody}
  rules: [{servise: x}, {approval: y}]
  freeze: [{from: x, to: y}]
  autonomy: {"*": z}
`, nil)
	require.Len(t, strings.Split(err.Error(), "\n"), 9, err.Error())
	_, err = load(t, "services:\n  a: {environment: two words, url: http://h}\n", nil)
	require.EqualError(t, err, `quell.yaml:2:20: environment is a name like production, not "two words"`)
}

func TestOddPolicies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{approvers: [alice]}":                                 "alice is the only approver: nobody can approve what needs two, or what alice asked for",
		`{approvers: {alice: {key: "` + keyOne + `"}, bob: }}`: "bob has no key here, as others have: whoever applies a plan can sign as bob",
		"{rules: [{service: billing, approval: two}]}":         `no service is called "billing": this matches nothing`,
		"{freeze: [{daily: 1:00 - 2:00, allow: [redis.*]}]}":   `no action is called "redis.*": this matches nothing`,
	} {
		c, err := load(t, somewhere+"policy: "+text+"\n", nil)
		require.NoError(t, err)
		require.Len(t, c.Warnings, 1, text)
		require.Equal(t, want, c.Warnings[0].Text)
	}
}

// What a decision says leads to the line of the file.
func TestDecisionsSayWhereItStands(t *testing.T) {
	t.Parallel()
	c, err := load(t, somewhere+"policy:\n  rules:\n    - {environment: prod*, approval: two}\n", nil)
	require.NoError(t, err)
	d := policy.Decide(c.Policy, policy.Ask{Subject: policy.Subject{Action: "postgres.cancel", Risk: action.R2, Service: "orders-api", Environment: c.Services[0].Environment}})
	require.Equal(t, []string{"postgres.cancel of risk R2 needs two people: " + c.Path + ":8:7 (environment prod*)"}, d.Why)
}

func FuzzPolicy(f *testing.F) {
	f.Add("{freeze: [{weekly: Fri 16:00 - Mon 08:00, zone: Europe/Berlin}, {daily: Sat-Tue 22:00-06:00}, {from: 2026-12-24, to: 2026-12-27 08:00}]}")
	f.Add("{approvers: [a, b], risk: {R1: nobody}, rules: [{service: orders-*, approval: two}], autonomy: {\"*\": auto}, stop: x}")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := config.Parse(config.Options{Kinds: kinds()}, "quell.yaml", []byte(somewhere+"policy: "+text+"\n"))
		if err != nil {
			return
		}
		ask := policy.Ask{Subject: policy.Subject{Action: "postgres.cancel", Risk: action.R4, Service: "orders-api"}, Now: time.Unix(1.8e9, 0)}
		if d := policy.Decide(c.Policy, ask); d.Refused == "" && d.Approvals == 0 {
			t.Fatalf("R4 without a person: %+v", d)
		}
	})
}
