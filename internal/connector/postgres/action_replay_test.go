package postgres_test

import (
	"testing"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/realserver"
)

func TestResumeReplayKeepsTheContractOnAStandby(t *testing.T) {
	t.Parallel()
	needServer(t)
	primary := realserver.StartPostgres(t, realserver.PostgresConfig{})
	primary.Exec(t, "app", "CREATE ROLE changer LOGIN", "GRANT pg_monitor TO changer",
		"GRANT EXECUTE ON FUNCTION pg_wal_replay_resume(), pg_wal_replay_pause() TO changer")
	standby := realserver.StartPostgres(t, realserver.PostgresConfig{Standby: primary, Settings: map[string]string{"log_min_duration_statement": "0"}})
	standby.Exec(t, "app", "SELECT pg_wal_replay_pause()")
	eventually(t, func() bool { return valueAt(t, standby, "app", "SELECT pg_get_wal_replay_pause_state()") == "paused" })
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "postgres.resume_replay"),
		Open: func(t *testing.T) action.Changer { return changerAt(t, standby.URL("changer", "app")) },
		Gone: nobodyThere,
		World: func(t *testing.T) string {
			return valueAt(t, standby, "app", "SELECT replace(pg_get_wal_replay_pause_state(), 'pause requested', 'paused')")
		},
		Effects: func(t *testing.T) int { return logged(t, standby, `statement: .*pg_wal_replay_resume\(\)`) },
		Settles: 5 * time.Second,
	})
	_, err := preview(t, changerAt(t, primary.URL("changer", "app")), "postgres.resume_replay", nil)
	actiontest.Refuses(t, err, "no standby")
	primary.Exec(t, "app", "REVOKE EXECUTE ON FUNCTION pg_wal_replay_pause() FROM changer")
}
