package alembic_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/realserver"
)

// logged counts the statements that the server has carried out.
func logged(t *testing.T, pattern string) int {
	t.Helper()
	data, err := os.ReadFile(server.LogFile)
	require.NoError(t, err)
	return len(regexp.MustCompile(`ms  statement: .*`+pattern).FindAll(data, -1))
}

// gone is the project as it is seen when its database is not there.
func (p *project) gone(t *testing.T) action.Changer {
	t.Helper()
	away := *p
	away.env = map[string]any{"DATABASE_URL": p.url(realserver.Port(t))}
	return away.open(t)
}

func TestUpgradeKeepsTheContract(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.revision(t, "a1", "", "CREATE TABLE up_contract (id int)", "DROP TABLE up_contract")
	p.revision(t, "b2", "a1", "ALTER TABLE up_contract ADD COLUMN name text", "ALTER TABLE up_contract DROP COLUMN name")
	p.revision(t, "c3", "b2", "CREATE INDEX up_contract_name ON up_contract (name)", "DROP INDEX up_contract_name")
	p.at(t, "a1")
	actiontest.Run(t, actiontest.Case{
		Spec: specOf(t, "alembic.upgrade"), Open: p.changer, Gone: p.gone, Args: map[string]any{"code": "b2"},
		World:   p.schema,
		Effects: func(t *testing.T) int { return logged(t, "ALTER TABLE up_contract ADD COLUMN") },
	})
}

func TestDowngradeKeepsTheContract(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.revision(t, "a1", "", "CREATE TABLE down_contract (id int)", "DROP TABLE down_contract")
	p.revision(t, "b2", "a1", "ALTER TABLE down_contract ADD COLUMN name text", "ALTER TABLE down_contract DROP COLUMN name")
	p.at(t, "b2")
	actiontest.Run(t, actiontest.Case{
		Spec: specOf(t, "alembic.downgrade"), Open: p.changer, Gone: p.gone, Args: map[string]any{"revision": "-1"},
		World:   p.schema,
		Effects: func(t *testing.T) int { return logged(t, "ALTER TABLE down_contract DROP COLUMN") },
	})
}

func TestAPreviewShowsTheWayItsSQLAndItsLocks(t *testing.T) {
	t.Parallel()
	p := shop(t)
	preview, err := p.preview(t, "alembic.upgrade", nil)
	require.NoError(t, err)
	require.Regexp(t, fmt.Sprintf("^upgrades postgresql://migrator:[^@]+@127.0.0.1:%d/%s from base to c3$", server.Port, p.database), preview.Summary)
	require.NotContains(t, preview.Summary, password)
	require.Len(t, preview.Items, 3)
	require.Equal(t, "not applied: about b2", preview.Items[1].Now)
	require.Equal(t, "ALTER TABLE things ADD COLUMN name text", preview.Items[1].Then)
	require.Empty(t, preview.Warnings, "what a migration does to a table that it makes itself holds up nobody")
	require.Equal(t, "alembic.downgrade to base", preview.Undo)

	p.at(t, "a1")
	preview, err = p.preview(t, "alembic.upgrade", map[string]any{"code": "a1"})
	require.NoError(t, err)
	require.Equal(t, []string{
		"the running code expects a1 and will meet a newer schema: only additions are safe before the new code runs",
		"b2 needs things for itself, for a moment: it waits for open transactions, and everybody behind it",
		"c3 builds an index on things without CONCURRENTLY: writers wait until it is built",
	}, preview.Warnings)
	require.Empty(t, preview.Risk)

	p.at(t, "b2")
	preview, err = p.preview(t, "alembic.downgrade", map[string]any{"revision": "base"})
	require.NoError(t, err)
	require.Equal(t, action.R4, preview.Risk)
	require.Contains(t, preview.Destroys, "drops table things with its rows")
	require.Contains(t, preview.Warnings[0], "nobody has said which revision the running code expects")
	preview, err = p.preview(t, "alembic.upgrade", map[string]any{"revision": "a1"})
	require.NoError(t, err)
	require.True(t, preview.Already, "it is beyond that")
}

func TestTheOrderOfCodeAndSchema(t *testing.T) {
	t.Parallel()
	p := shop(t)
	p.at(t, "c3")
	_, err := p.preview(t, "alembic.downgrade", map[string]any{"revision": "a1", "code": "b2"})
	refuses(t, err, "the running code expects b2, and a1 lies below that", "roll back the code first")
	preview, err := p.preview(t, "alembic.downgrade", map[string]any{"revision": "b2", "code": "b2"})
	require.NoError(t, err)
	require.NotContains(t, fmt.Sprint(preview.Warnings), "code")
	_, err = p.preview(t, "alembic.downgrade", map[string]any{"revision": "b2", "code": "zz"})
	refuses(t, err, `code: there is no revision "zz"`)
}

func TestWaysThatAreRefused(t *testing.T) {
	t.Parallel()
	p := shop(t)
	for revision, says := range map[string]string{
		"zz": `no revision "zz"`, "head+1": "no revision", "+9": "there are 0 ways", "-1": "there are 0 ways", "+x": "no number of steps", "": "no revision", "--sql": "no number of steps",
	} {
		_, err := p.preview(t, "alembic.upgrade", map[string]any{"revision": revision})
		refuses(t, err, says)
	}
	p.at(t, "b2")
	_, err := p.preview(t, "alembic.downgrade", map[string]any{"revision": "c3"})
	refuses(t, err, "c3 comes after b2", "alembic.upgrade")

	p.revision(t, "d4", "b2", "CREATE TABLE side (id int)", "DROP TABLE side")
	_, err = p.preview(t, "alembic.upgrade", nil)
	refuses(t, err, "2 heads", "alembic merge heads")
	p.revision(t, "e5", "c3,d4", "", "")
	preview, err := p.preview(t, "alembic.upgrade", nil)
	require.NoError(t, err)
	require.Len(t, preview.Items, 3)
	require.Equal(t, "revision e5", preview.Items[2].ID, "parents before those that merge them")
	p.at(t, "head")
	_, err = p.preview(t, "alembic.downgrade", map[string]any{"revision": "b2"})
	refuses(t, err, "there are branches between e5 and b2")
}

func TestADatabaseThatIsAheadOfTheScriptsIsLeftAlone(t *testing.T) {
	t.Parallel()
	p := shop(t)
	p.at(t, "c3")
	order := p.planned(t, "alembic.downgrade", map[string]any{"revision": "b2"})
	require.NoError(t, os.Remove(filepath.Join(p.dir, "migrations/versions/c3.py")))
	_, err := p.preview(t, "alembic.downgrade", map[string]any{"revision": "b2"})
	refuses(t, err, "at revision c3, which is not among the scripts", "newer code")
	require.Equal(t, action.CannotTell, p.standing(t, order).State)
	_, err = p.apply(t, order)
	refuses(t, err, "not among the scripts")
}

func TestAScriptThatWasChangedAfterTheApprovalIsNotRun(t *testing.T) {
	t.Parallel()
	p := shop(t)
	order := p.planned(t, "alembic.upgrade", nil)
	p.revision(t, "b2", "a1", "ALTER TABLE things ADD COLUMN name text; DROP TABLE things", "")
	_, err := p.apply(t, order)
	notMade(t, err, "plan it again")
	require.Empty(t, p.schema(t))
}

func TestALockThatIsNotGotInTimeUndoesEverything(t *testing.T) {
	t.Parallel()
	p := shop(t)
	p.at(t, "a1")
	before := p.schema(t)
	order := p.planned(t, "alembic.upgrade", map[string]any{"lock_timeout": "300ms"})
	conn := server.ConnectAs(t, "postgres", p.database, "holder")
	_, err := conn.Exec(context.Background(), "BEGIN; SELECT * FROM things")
	require.NoError(t, err)
	_, err = p.apply(t, order)
	notMade(t, err, "lock timeout")
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.True(t, failure.Temporary)
	require.Equal(t, before, p.schema(t))
	_, err = conn.Exec(context.Background(), "COMMIT")
	require.NoError(t, err)
	_, err = p.apply(t, order)
	require.NoError(t, err)
	require.Contains(t, p.schema(t), "at c3")
}

func TestAMigrationThatStopsHalfWayIsFinished(t *testing.T) {
	t.Parallel()
	p := shop(t)
	p.revision(t, "c3", "b2", "SELECT 1 / (SELECT count(*) FROM things)", "")
	p.env["EACH"] = "yes" // a transaction for each revision
	order := p.planned(t, "alembic.upgrade", nil)
	_, err := p.apply(t, order)
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.PartlyMade, failure.State)
	require.Contains(t, failure.Text, "division by zero")
	standing := p.standing(t, order)
	require.Equal(t, action.PartlyMade, standing.State)
	require.Equal(t, "not done", standing.Done.Items[2].Text)

	server.Exec(t, p.database, "INSERT INTO things VALUES (1)")
	_, err = p.apply(t, order)
	require.NoError(t, err)
	require.Equal(t, action.Made, p.standing(t, order).State)
}

func TestWhatFailsOutsideOfATransactionIsNotCalledUndone(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.revision(t, "a1", "", "CREATE TABLE things (id int)", "DROP TABLE things")
	p.revision(t, "b2", "a1", "py:with op.get_context().autocommit_block():\n    op.execute('CREATE INDEX CONCURRENTLY i ON things (id)')\n    op.execute('SELECT 1 / 0')", "")
	p.at(t, "a1")
	order := p.planned(t, "alembic.upgrade", nil)
	require.Contains(t, fmt.Sprint(order.Preview.Warnings), "b2 runs 2 statements outside of a transaction")
	_, err := p.apply(t, order)
	var failure *action.Failure
	require.Error(t, err)
	require.NotErrorAs(t, err, &failure)
	require.Contains(t, err.Error(), "unknown how much of it happened")
	require.Contains(t, p.schema(t), "i.id")
}

func TestAMigrationThatCannotSayItsSQLNeedsTwoPeople(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.revision(t, "a1", "", "py:for row in op.get_bind().execute(sa.text('SELECT 1')).fetchall():\n    op.execute('CREATE TABLE made (id int)')", "py:raise NotImplementedError('no way back')")
	order := p.planned(t, "alembic.upgrade", nil)
	require.NotEmpty(t, order.Preview.TwoPeople)
	require.Contains(t, order.Preview.Warnings[0], "the SQL cannot be shown")
	require.Contains(t, order.Preview.Warnings[1], "no way back")
	done, err := p.apply(t, order)
	require.NoError(t, err)
	require.Nil(t, done.Inverse, "there is no way back, so none is offered")
	require.Contains(t, p.schema(t), "made.id")
}

func TestADowngradeThatDoesNothingIsNoWayBack(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.revision(t, "a1", "", "CREATE TABLE kept (id int)", "")
	preview, err := p.preview(t, "alembic.upgrade", nil)
	require.NoError(t, err)
	require.Empty(t, preview.Undo)
	require.Contains(t, preview.Warnings, "there is no way back: the script of a1 does not say how")
}

func TestAMigrationIsStoppedWithItsWholeGroup(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	pidFile := filepath.Join(p.dir, "pid")
	p.revision(t, "a1", "", "py:import subprocess, time\nif not op.get_context().as_sql:\n    child = subprocess.Popen(['sh', '-c', 'trap \"\" TERM; sleep 600 & wait'])\n    open("+fmt.Sprintf("%q", pidFile)+", 'w').write(str(child.pid))\n    op.execute('CREATE TABLE half (id int)')\n    time.sleep(600)", "")
	order := p.planned(t, "alembic.upgrade", nil)
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() {
		_, err := doerOf(t, p.open(t), order.Type).Apply(ctx, order)
		result <- err
	}()
	var pid string
	require.Eventually(t, func() bool {
		data, _ := os.ReadFile(pidFile)
		pid = string(data)
		return pid != ""
	}, time.Minute, 20*time.Millisecond)
	cancel()
	select {
	case err := <-result:
		var failure *action.Failure
		require.NotErrorAs(t, err, &failure, "nobody has seen how it ended")
		require.Contains(t, err.Error(), "unknown whether it happened")
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
	require.Eventually(t, func() bool {
		_, err := os.Stat("/proc/" + pid)
		return os.IsNotExist(err)
	}, 10*time.Second, 20*time.Millisecond, "a child was left behind")
	require.Eventually(t, func() bool { return p.schema(t) == "" }, 10*time.Second, 50*time.Millisecond)
	require.Equal(t, action.NotMade, p.standing(t, order).State)
}

func TestAMigrationDoesNotOutliveTheProcessThatRunsIt(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	pidFile := filepath.Join(p.dir, "pid")
	p.revision(t, "a1", "", "py:import os, time\nif not op.get_context().as_sql:\n    op.execute('CREATE TABLE late (id int)')\n    open("+fmt.Sprintf("%q", pidFile)+", 'w').write(str(os.getpid()))\n    time.sleep(600)", "")
	order := p.planned(t, "alembic.upgrade", nil)
	data, err := json.Marshal(carried{Settings: connector.Settings{"dir": p.dir, "env": p.env}, Order: order})
	require.NoError(t, err)
	p.write(t, "order.json", string(data))
	quell := exec.Command(os.Args[0])
	quell.Env = append(os.Environ(), orderFile+"="+filepath.Join(p.dir, "order.json"))
	require.NoError(t, quell.Start())
	var pid string
	require.Eventually(t, func() bool {
		data, _ := os.ReadFile(pidFile)
		pid = string(data)
		return pid != ""
	}, time.Minute, 20*time.Millisecond)

	require.NoError(t, quell.Process.Kill())
	_ = quell.Wait()
	require.Eventually(t, func() bool {
		_, err := os.Stat("/proc/" + pid)
		return os.IsNotExist(err)
	}, 10*time.Second, 20*time.Millisecond, "Alembic goes on, and would commit behind our back")
	require.Eventually(t, func() bool { return p.schema(t) == "" }, 10*time.Second, 50*time.Millisecond)
	require.Equal(t, action.NotMade, p.standing(t, order).State)
}

func TestNoPreviewLeavesAFileOrATable(t *testing.T) {
	t.Parallel()
	p := shop(t)
	before := files(t, p.dir)
	_, err := p.preview(t, "alembic.upgrade", nil)
	require.NoError(t, err)
	require.Equal(t, before, files(t, p.dir))
	require.Empty(t, p.schema(t), "not even the table of Alembic itself")

	// Even an env.py that writes when it is run cannot.
	p.write(t, "migrations/env.py", strings.Replace(envPy, "        context.configure(connection", "        connection.execute('CREATE TABLE sneaked (id int)')\n        context.configure(connection", 1))
	_, err = p.preview(t, "alembic.upgrade", nil)
	require.ErrorContains(t, err, "read-only transaction")
	require.Empty(t, p.schema(t))
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		out = append(out, path)
		return err
	}))
	return out
}
