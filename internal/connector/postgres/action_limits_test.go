package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
)

func TestRoleLimitKeepsTheContract(t *testing.T) {
	t.Parallel()
	needServer(t)
	changed.Exec(t, "app", "CREATE ROLE narrow LOGIN CONNECTION LIMIT 3")
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "postgres.role_limit"), Open: changer, Gone: nobodyThere,
		Args: map[string]any{"role": "narrow", "limit": 23, "for": "1h"},
		World: func(t *testing.T) string {
			return value(t, "app", "SELECT string_agg(rolname || rolconnlimit, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname IN ('narrow', 'app')")
		},
		Effects: func(t *testing.T) int {
			return logged(t, changed, `statement: .*ALTER ROLE "narrow" CONNECTION LIMIT 23`)
		},
		Settles: 5 * time.Second,
	})
}

func TestDatabaseLimitKeepsTheContract(t *testing.T) {
	t.Parallel()
	needServer(t)
	actiontest.Run(t, actiontest.Case{
		Spec: hands.Spec(t, "postgres.database_limit"), Open: changer, Gone: nobodyThere,
		Args: map[string]any{"database": "limited", "limit": 40.0},
		World: func(t *testing.T) string {
			return value(t, "app", "SELECT string_agg(datname || datconnlimit, ' ' ORDER BY datname) FROM pg_database WHERE datname NOT LIKE 'own_%'") // those are other tests'
		},
		Effects: func(t *testing.T) int {
			return logged(t, changed, `statement: .*ALTER DATABASE "limited" CONNECTION LIMIT 40`)
		},
		Settles: 5 * time.Second,
	})
}

func TestLimitsThatAreRefusedOrWarnedOf(t *testing.T) {
	t.Parallel()
	needServer(t)
	changed.Exec(t, "app", "CREATE ROLE crowded LOGIN")
	_, _ = session(t, "crowded", t.Name())
	_, _ = session(t, "crowded", t.Name())
	p, err := preview(t, changer(t), "postgres.role_limit", map[string]any{"role": "crowded", "limit": 1, "for": "30m"})
	require.NoError(t, err)
	require.Equal(t, 30*time.Minute, p.Lasts)
	require.Contains(t, p.Warnings, "role crowded has more sessions than that: they stay, and no new one is let in")
	p, err = preview(t, changer(t), "postgres.role_limit", map[string]any{"role": "crowded", "limit": 100000})
	require.NoError(t, err)
	require.Contains(t, p.Warnings[0], "lets in 57 ordinary sessions")
	_, err = preview(t, changer(t), "postgres.role_limit", map[string]any{"role": "crowded", "limit": 1.5})
	actiontest.Refuses(t, err, "whole number")
	_, err = preview(t, changer(t), "postgres.role_limit", map[string]any{"role": "o'brien", "limit": 5})
	actiontest.Refuses(t, err, "there is no role o'brien")
	_, err = preview(t, changer(t), "postgres.role_limit", map[string]any{"role": "postgres", "limit": 5})
	actiontest.Refuses(t, err, "may not alter role postgres")
	_, err = preview(t, changerAt(t, changed.URL("monitor", "app")), "postgres.database_limit", map[string]any{"database": "app", "limit": 5})
	actiontest.Refuses(t, err, "may not alter database app", "owns it")
	p, err = preview(t, changer(t), "postgres.role_limit", map[string]any{"role": "crowded", "limit": -1})
	require.NoError(t, err)
	require.True(t, p.Already)
}

func TestALimitThatSomebodyElseHasChangedIsNotOverwritten(t *testing.T) {
	t.Parallel()
	needServer(t)
	changed.Exec(t, "app", "CREATE ROLE contested LOGIN CONNECTION LIMIT 3")
	order := planned(t, changer(t), "postgres.role_limit", map[string]any{"role": "contested", "limit": 23})
	changed.Exec(t, "app", "ALTER ROLE contested CONNECTION LIMIT 7")
	require.Equal(t, action.CannotTell, standingOf(t, changer(t), order).State)
	_, err := apply(t, changer(t), order)
	actiontest.NotMade(t, err, "neither the former (3) nor the new")
	require.Equal(t, "7", value(t, "app", "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'contested'"))
}
