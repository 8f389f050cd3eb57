package playbook_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/playbook"
)

const fullCoverage = `causes:
  C-disk: {about: a disk is full, group: host, at: ["app/full#the-disk-is-full"]}
  C-cloud: {about: the cloud is down, group: others, cloud: no account}
actions:
  A-end: {about: end a session, at: [postgres.terminate]}
sources:
  S-logs: {about: logs, at: [logs]}
checks:
  K-done: {about: it works, at: ["app/full: writes", "quell report"]}
`

func TestCoverageFindsHolesAndPlacesThatAreNotThere(t *testing.T) {
	t.Parallel()
	page := replaced(diskPage, "needs: {logs: logs}\n", "needs: {logs: logs}\ncovers: [C-disk]\n") + "\n## Resolved when\n\n- [ ] writes go through again: `lines.size() == 0` for 5m\n"
	for name, c := range map[string]struct{ text, page, want string }{
		"all is in its place": {fullCoverage, page, ""},
		"a hole":              {replaced(fullCoverage, ", cloud: no account", ""), page, "C-cloud has no place: at: […], or a reason: cloud, cluster or later"},
		"no condition": {replaced(fullCoverage, "full#the-disk-is-full", "full#the-disk-is-ful"), page,
			`C-disk stands at "app/full#the-disk-is-ful": no condition or remedy has that anchor; did you mean "the-disk-is-full"?`},
		"no action":   {replaced(fullCoverage, "postgres.terminate", "postgres.terminat"), page, `A-end stands at "postgres.terminat": no question or action is called so; did you mean "postgres.terminate"?`},
		"no kind":     {replaced(fullCoverage, "[logs]", "[lags]"), page, `S-logs stands at "lags": no kind of target is called so; did you mean "logs"?`},
		"no item":     {replaced(fullCoverage, "app/full: writes", "app/full: reads"), page, `K-done stands at "app/full: reads": no item of its Resolved when begins so`},
		"no command":  {replaced(fullCoverage, "quell report", "quell repot"), page, `K-done stands at "quell repot": there is no such command; did you mean "quell report"?`},
		"not covered": {fullCoverage, replaced(page, "covers: [C-disk]\n", ""), `C-disk stands at "app/full#the-disk-is-full", and books/app/full.md does not say that it covers it`},
		"no cause":    {fullCoverage, replaced(page, "[C-disk]", "[C-disk, C-dusk]"), `covers C-dusk, which is no cause; did you mean "C-disk"?`},
		"no group":    {replaced(fullCoverage, ", group: others", ""), page, "C-cloud is in no group"},
		"a wrong key": {replaced(fullCoverage, "cloud: no account", "claud: no account"), page, `no key is called "claud"; did you mean "cloud"?`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := root(map[string]string{"signatures/host.yaml": diskTable, "app/full.md": c.page, "coverage.yaml": c.text})
			book, findings := playbook.Load(vocabulary(), all)
			require.Empty(t, findings)
			coverage, wrong := playbook.ReadCoverage(all)
			if len(wrong) == 0 {
				wrong = coverage.Check(book, []string{"quell report"})
			}
			if c.want == "" {
				require.Empty(t, wrong)
				return
			}
			require.NotEmpty(t, wrong)
			require.Equal(t, c.want, wrong[0].Text)
		})
	}
}
