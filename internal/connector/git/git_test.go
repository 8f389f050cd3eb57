package git_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/git"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

// now is when the tests ask; the repositories are younger than a day by it.
var now = time.Now().UTC().Truncate(time.Second)

type repository struct {
	t   *testing.T
	dir string
}

func newRepository(t *testing.T) *repository {
	if _, err := exec.LookPath("git"); err != nil {
		realserver.Missing(t, "there is no git here: apt-get install git")
	}
	r := &repository{t, filepath.Join(t.TempDir(), "shop")}
	require.NoError(t, os.MkdirAll(r.dir, 0o755))
	r.git(now.Add(-30*time.Hour), "init", "-q", "-b", "main")
	r.write("app.py", "1")
	r.commit(now.Add(-30*time.Hour), "first")
	return r
}

func (r *repository) git(at time.Time, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", r.dir, "-c", "user.name=Ada", "-c", "user.email=ada@example.org"}, args...)...)
	stamp := fmt.Sprintf("%d +0000", at.Unix())
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_DATE="+stamp, "GIT_COMMITTER_DATE="+stamp)
	out, err := cmd.CombinedOutput()
	require.NoError(r.t, err, string(out))
	return strings.TrimSpace(string(out))
}

func (r *repository) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(r.t, os.WriteFile(path, []byte(text), 0o644))
}

func (r *repository) commit(at time.Time, message string) string {
	r.t.Helper()
	r.git(at, "add", "-A")
	r.git(at, "commit", "-q", "-m", message)
	r.settle(at)
	return r.git(at, "rev-parse", "HEAD")
}

// settle lets the files be as old as what wrote them.
func (r *repository) settle(at time.Time) {
	r.t.Helper()
	require.NoError(r.t, filepath.Walk(r.dir, func(name string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() && !strings.Contains(name, "/.git/") {
			return os.Chtimes(name, at, at)
		}
		return err
	}))
}

func opened(t *testing.T, settings connector.Settings) connector.Target {
	t.Helper()
	target, err := git.Kind().Open(settings, connector.Tools{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	return target
}

func ask(target connector.Target, name string) evidence.Answer {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return target.Ask(ctx, probe.Question{Lang: "probe", Builtin: name, Args: map[string]any{}, Now: now})
}

func rows(t *testing.T, a evidence.Answer) (out []map[string]any) {
	t.Helper()
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	for _, r := range a.Value.([]any) {
		out = append(out, r.(map[string]any))
	}
	return out
}

func TestADeployIsWhenItCameToLieHereAndNotWhenItWasWritten(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	old := r.git(now, "rev-parse", "HEAD")
	r.write("app.py", "2")
	r.write("migrations/0007_add_price.py", "x")
	r.write("requirements.txt", "fastapi==0.100")
	r.write("config/production.yaml", "a: 1")
	written := now.Add(-20 * time.Hour)
	id := r.commit(written, "Charge in cents")
	r.git(written, "tag", "v2.4.1")
	r.git(now.Add(-19*time.Hour), "checkout", "-q", old)
	r.git(now.Add(-5*time.Minute), "checkout", "-q", "v2.4.1")
	r.settle(now.Add(-5 * time.Minute))

	found := rows(t, ask(opened(t, connector.Settings{"dir": r.dir, "authors": true}), "git.changes"))
	byKind := map[string]map[string]any{}
	for _, row := range found {
		if row["at"] == float64(now.Add(-5*time.Minute).Unix()) {
			byKind[row["kind"].(string)] = row
		}
	}
	require.Len(t, byKind, 4, "%v", found)
	deploy := byKind["deploy"]
	require.Equal(t, "shop", deploy["what"])
	require.Equal(t, id[:8], deploy["commit"])
	require.Equal(t, "v2.4.1", deploy["tag"])
	require.Equal(t, "Ada", deploy["author"])
	require.Equal(t, float64(written.Unix()), deploy["committed"])
	require.Equal(t, int64(4), deploy["count"])
	require.Equal(t, true, deploy["back"], "it was here twenty hours ago")
	require.Contains(t, deploy["detail"], "Charge in cents")
	require.Equal(t, []any{"migrations/0007_add_price.py"}, byKind["migration"]["files"])
	require.Equal(t, []any{"requirements.txt"}, byKind["dependency"]["files"])
	require.Equal(t, []any{"config/production.yaml"}, byKind["config"]["files"])
}

func TestWhoWroteItIsToldOnlyWhereItIsWanted(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.write("app.py", "2")
	r.commit(now.Add(-time.Hour), "second")
	for _, row := range rows(t, ask(opened(t, connector.Settings{"dir": r.dir}), "git.changes")) {
		require.Empty(t, row["author"])
	}
}

func TestAFileEditedInPlaceIsAChangeThatNoCommitKnows(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.write("config.yaml", "a: 1")
	r.commit(now.Add(-28*time.Hour), "settings")
	r.write("config.yaml", "a: 2")
	edited := now.Add(-10 * time.Minute)
	require.NoError(t, os.Chtimes(filepath.Join(r.dir, "config.yaml"), edited, edited))
	r.write("app.log", "not tracked")
	found := rows(t, ask(opened(t, connector.Settings{"dir": r.dir}), "git.changes"))
	require.Len(t, found, 1)
	require.Equal(t, "config", found[0]["kind"])
	require.Equal(t, float64(edited.Unix()), found[0]["at"])
	require.Equal(t, "edited in place: config.yaml", found[0]["detail"])
	require.Equal(t, "", found[0]["commit"])
}

func TestWithoutGitTheFilesThatWereCopiedTell(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release := filepath.Join(dir, "releases", "42")
	r := &repository{t, release}
	r.write("app.py", "1")
	r.write("settings.toml", "1")
	r.write("logs/app.txt", "1")
	r.write("__pycache__/app.pyc", "1")
	copied := now.Add(-20 * time.Minute)
	r.settle(copied)
	current := filepath.Join(dir, "current")
	require.NoError(t, os.Symlink(release, current))
	found := rows(t, ask(opened(t, connector.Settings{"dir": current, "name": "shop"}), "git.changes"))
	require.Len(t, found, 3)
	require.Contains(t, found[0]["detail"], "the link leads to "+release)
	kinds := map[string]any{}
	for _, row := range found[1:] {
		kinds[row["kind"].(string)] = row["files"]
	}
	require.Equal(t, map[string]any{"deploy": []any{"app.py"}, "config": []any{"settings.toml"}}, kinds)
}

// A repository that is not ours may name programs in its own configuration.
func TestNothingOfTheRepositoryRuns(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	trap := filepath.Join(t.TempDir(), "ran")
	script := filepath.Join(t.TempDir(), "trap.sh")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\ntouch "+trap+"\ncat\n"), 0o755))
	r.write(".gitattributes", "*.py diff=trap filter=trap\n")
	r.write("app.py", "2")
	r.commit(now.Add(-time.Hour), "second")
	for _, key := range []string{"core.fsmonitor", "core.pager", "pager.log", "diff.external", "diff.trap.textconv", "diff.trap.command", "filter.trap.clean", "filter.trap.smudge", "gpg.program", "core.sshCommand", "core.editor", "uploadpack.packObjectsHook", "core.alternateRefsCommand"} {
		r.git(now, "config", key, script)
	}
	r.git(now, "config", "log.showSignature", "true")
	r.git(now, "config", "core.hooksPath", filepath.Dir(script))
	r.write("app.py", "3")
	require.NotEmpty(t, rows(t, ask(opened(t, connector.Settings{"dir": r.dir}), "git.changes")))
	require.NoFileExists(t, trap)
}

func TestEachWayToKnowNothingHasItsWord(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "nothing")
	require.Equal(t, evidence.Unreachable, ask(opened(t, connector.Settings{"dir": missing}), "git.changes").Status)
	require.Empty(t, rows(t, ask(opened(t, connector.Settings{"dir": t.TempDir()}), "git.changes")))
	require.Empty(t, rows(t, ask(opened(t, connector.Settings{"dir": t.TempDir(), "binary": "no-such-git"}), "git.changes")))
	empty := t.TempDir()
	require.NoError(t, exec.Command("git", "init", "-q", empty).Run())
	require.Empty(t, rows(t, ask(opened(t, connector.Settings{"dir": empty}), "git.changes")))
	here := opened(t, connector.Settings{"dir": empty})
	require.Equal(t, evidence.NotApplicable, ask(here, "git.deployments").Status)
	require.Equal(t, evidence.NotApplicable, ask(here, "git.blame").Status)
	require.NoError(t, here.Close())
	require.Equal(t, evidence.NotAsked, ask(here, "git.changes").Status)
	_, err := git.Kind().Open(connector.Settings{}, connector.Tools{})
	require.ErrorContains(t, err, "dir is missing")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	a := opened(t, connector.Settings{"dir": empty}).Ask(ctx, probe.Question{Lang: "probe", Builtin: "git.changes", Now: now})
	require.Equal(t, evidence.NotAsked, a.Status)
}

func TestDeploymentsAreReadInTheWordsOfSeveralServers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		kind string
		at   string
	}{
		"deployments of one server":      {`[{"id":1,"sha":"1f0c2ddaaaa","ref":"v2","environment":"production","created_at":"2026-01-01T11:50:00Z","updated_at":"2026-01-01T11:55:00Z"}]`, "deploy", "2026-01-01T11:55:00Z"},
		"runs of a workflow":             {`{"total_count":1,"workflow_runs":[{"name":"deploy","head_sha":"1f0c2ddaaaa","head_branch":"main","status":"completed","conclusion":"failure","updated_at":"2026-01-01T11:55:00Z"}]}`, "none", "2026-01-01T11:55:00Z"},
		"deployments of another server":  {`[{"iid":4,"sha":"1f0c2ddaaaa","status":"success","environment":{"name":"prod"},"created_at":"2026-01-01T11:40:00Z","updated_at":"2026-01-01T11:58:00Z","deployable":{"finished_at":"2026-01-01T11:56:00.000Z"}}]`, "deploy", "2026-01-01T11:56:00Z"},
		"a list of one's own in seconds": {`{"deployments":[{"timestamp":1767268500,"version":"2.4.1"}]}`, "deploy", "2026-01-01T11:55:00Z"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, http.MethodGet, r.Method)
			if r.Header.Get("Authorization") != "Bearer token-1" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			fmt.Fprint(w, c.body)
		}))
		target := opened(t, connector.Settings{"deployments_url": server.URL + "/d?per_page=30", "bearer": "token-1", "name": "shop"})
		found := rows(t, ask(target, "git.deployments"))
		require.Len(t, found, 1, name)
		require.Equal(t, c.kind, found[0]["kind"], name)
		at, err := time.Parse(time.RFC3339, c.at)
		require.NoError(t, err)
		require.Equal(t, float64(at.Unix()), found[0]["at"], name)
		require.Equal(t, evidence.Denied, ask(opened(t, connector.Settings{"deployments_url": server.URL}), "git.deployments").Status)
		server.Close()
		require.Equal(t, evidence.Unreachable, ask(target, "git.deployments").Status)
	}
}

func TestDeploymentsThatAreNoneSaySo(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]evidence.Status{"<html>": evidence.Invalid, `{"message":"hello"}`: evidence.Invalid, `[{"id":1}, 7, null]`: evidence.Answered, `[]`: evidence.Answered} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
		require.Equal(t, want, ask(opened(t, connector.Settings{"deployments_url": server.URL}), "git.deployments").Status, body)
		server.Close()
	}
}
