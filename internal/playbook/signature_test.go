package playbook_test

import (
	"bytes"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
)

const diskTable = `system: host
signatures:
  disk_full:
    pattern: ['(?i)no space left', ENOSPC]
    says: a disk is full
    yes: ['write: No space left on device', 'Error: ENOSPC']
    no: ['space left: 12 %']
    causes: [C-disk]
`

const diskPage = "---\nalerts: [Full]\nneeds: {logs: logs}\n---\n# Full\n\n## Evidence\n\nLines.\n\n" +
	"```logql lines @logs\n{service=\"${service}\"} |~ \"${signature.host.disk_full}\"\n```\n\n" +
	"## Symptoms\n\n### Writes fail\n\n| sign | weight | means |\n|---|---|---|\n| `lines.size() > 0` | strong | a disk is full |\n\n" +
	"## Causes\n\n### The disk is full\n\nLeads to: [writes fail](#writes-fail)\n\n| sign | weight | means |\n|---|---|---|\n| `lines.size() > 1` | strong | a disk is full |\n| `lines.size() == 0` | rules out | no such line |\n"

func root(files map[string]string) playbook.Root {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return playbook.Root{FS: m, Prefix: "books"}
}

func messages(findings []playbook.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, f.String())
	}
	return out
}

func TestAQuestionRefersToASignatureAndHoldsItsPattern(t *testing.T) {
	t.Parallel()
	book, findings := playbook.Load(vocabulary(), root(map[string]string{"signatures/host.yaml": diskTable, "app/full.md": diskPage}))
	require.Empty(t, messages(findings))
	q := book.Playbook("app/full").Probes[0]
	require.Equal(t, `{service="${service}"} |~ "${signature.host.disk_full}"`, q.Text.Source())
	require.Equal(t, probe.Pattern("(?:(?i)no space left)|(?:ENOSPC)"), q.Text.Parts[3].Value)
	filled, err := q.Text.WithValues(map[string]any{"service": "shop"})
	require.NoError(t, err, "a signature needs no value from outside")
	require.Equal(t, q.Text.Parts[3].Value, filled.Parts[3].Value)
	require.Equal(t, map[string][]string{"host.disk_full": {"app/full:lines"}}, book.SignatureUsers())

	var page bytes.Buffer
	require.NoError(t, book.Explain(&page, "app/full"))
	require.Contains(t, page.String(), "signature.host.disk_full: a disk is full\n          (?:(?i)no space left)|(?:ENOSPC)\n")
}

func TestATeamReplacesASignatureByItsName(t *testing.T) {
	t.Parallel()
	own := "system: host\nsignatures:\n  disk_full: {pattern: 'volume exhausted', says: our storage is full, yes: [volume exhausted], no: [volume 12]}\n"
	book, findings := playbook.Load(vocabulary(),
		root(map[string]string{"signatures/host.yaml": diskTable, "app/full.md": diskPage}),
		root(map[string]string{"signatures.yaml": own}))
	require.Empty(t, messages(findings))
	require.Equal(t, probe.Pattern("volume exhausted"), book.Playbook("app/full").Probes[0].Text.Parts[3].Value)
}

func TestMistakesInSignatures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		table, page string
		want        string
	}{
		"a name that is not there": {diskTable, replaced(diskPage, "host.disk_full", "host.disk_ful"),
			`books/app/full.md:12:28: no signature is called "host.disk_ful"; did you mean "host.disk_full"?`},
		"a query of another language": {diskTable, replaced(replaced(diskPage, "logql lines @logs", "promql lines @logs"), "logs: logs", "logs: prometheus"),
			`books/app/full.md:12:28: ${signature.host.disk_full}: a signature is a pattern for lines of a log, and only logql asks those`},
		"a pattern that does not compile": {replaced(diskTable, "ENOSPC]", "'(EN']"), diskPage,
			"books/signatures.yaml:4:14: the pattern of host.disk_full is not RE2: missing closing ): `(?:(?i)no space left)|(?:(EN)`"},
		"a key that is none": {replaced(diskTable, "says:", "sais:"), diskPage,
			`books/signatures.yaml:5:5: a signature has no key "sais"; did you mean "says"?`},
		"no system": {replaced(diskTable, "system: host\n", ""), diskPage,
			"books/signatures.yaml:1:1: say whose lines these are: system: postgres"},
		"no YAML": {"system: [", diskPage, "books/signatures.yaml:1:10: this is not YAML: did not find expected node content"},
		"nothing said": {replaced(diskTable, "    says: a disk is full\n", ""), diskPage,
			"books/signatures.yaml:3:3: signature host.disk_full does not say what such a line says: says: …"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			book, findings := playbook.Load(vocabulary(), root(map[string]string{"signatures.yaml": c.table, "app/full.md": c.page}))
			require.Nil(t, book)
			require.Equal(t, []string{c.want}, messages(findings), "one mistake, one message")
		})
	}
}

func replaced(text, old, with string) string {
	return string(bytes.ReplaceAll([]byte(text), []byte(old), []byte(with)))
}

func TestSignaturesAreProvedByTheirExamples(t *testing.T) {
	t.Parallel()
	disk := playbook.Signature{Name: "host.disk", Pattern: "No space|full", Yes: []string{"No space left"}, No: []string{"space left"}}
	for name, c := range map[string]struct {
		list []playbook.Signature
		want string
	}{
		"all is well":       {[]playbook.Signature{disk}, ""},
		"no examples":       {[]playbook.Signature{{Name: "host.disk", Pattern: "full"}}, "needs an example"},
		"a yes line":        {[]playbook.Signature{{Name: "host.disk", Pattern: "full", Yes: []string{"empty"}, No: []string{"x"}}}, "does not match its yes line: empty"},
		"a no line":         {[]playbook.Signature{{Name: "host.disk", Pattern: "full", Yes: []string{"full"}, No: []string{"helpful… fully"}}}, "matches its no line"},
		"everything":        {[]playbook.Signature{{Name: "host.disk", Pattern: "a*", Yes: []string{"a"}, No: []string{"b"}}}, "even an empty one"},
		"quotes in JSON":    {[]playbook.Signature{{Name: "host.disk", Pattern: `file "\w+" is full`, Yes: []string{`file "a" is full`}, No: []string{"b"}}}, `in a log of JSON, where it reads: file \"a\" is full`},
		"another's line":    {[]playbook.Signature{disk, {Name: "redis.disk", Pattern: "MISCONF", Yes: []string{"MISCONF disk full"}, No: []string{"b"}}}, "matches a yes line of redis.disk"},
		"declared beside":   {[]playbook.Signature{disk, {Name: "redis.disk", Pattern: "MISCONF", Yes: []string{"MISCONF disk full"}, No: []string{"b"}, Beside: []string{"host.disk"}}}, ""},
		"beside a stranger": {[]playbook.Signature{{Name: "host.disk", Pattern: "full", Yes: []string{"full"}, No: []string{"b"}, Beside: []string{"host.dsk"}}}, `no signature is called so`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := messages(playbook.CheckSignatures(c.list))
			if c.want == "" {
				require.Empty(t, found)
				return
			}
			require.NotEmpty(t, found)
			require.Contains(t, found[0], c.want)
		})
	}
}
