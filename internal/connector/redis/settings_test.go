package redis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/redis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/realserver"
)

func TestSettingsAreCheckedAndNeverRepeatASecret(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		s    connector.Settings
		want string
	}{
		"no url":               {connector.Settings{}, "url is missing"},
		"unknown key":          {connector.Settings{"url": "redis://h", "pasword": "geheim-4"}, "pasword"},
		"unreadable url":       {connector.Settings{"url": "redis://:geheim-4@h:%zz"}, "cannot be read"},
		"other scheme":         {connector.Settings{"url": "http://:geheim-4@h"}, "rediss://"},
		"database is a word":   {connector.Settings{"url": "redis://:geheim-4@h/main"}, "number"},
		"no host":              {connector.Settings{"url": "redis://:geheim-4@/0"}, "no host"},
		"missing certificates": {connector.Settings{"url": "rediss://:geheim-4@h/0", "ca_file": "none.pem"}, "ca_file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := redis.Kind().Open(test.s, connector.Tools{})
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "geheim-4")
		})
	}
}

func TestCloseTwiceAndAskAfterwards(t *testing.T) {
	t.Parallel()
	target := openURL(t, realserver.Redis(t).URL())
	connect(t, target)
	require.NoError(t, target.Close())
	require.NoError(t, target.Close())
	for _, spec := range redis.Kind().Probes {
		require.Equal(t, evidence.NotAsked, ask(t, target, spec.Name, nil).Status, spec.Name)
	}
	require.Equal(t, evidence.NotAsked, fence(t, target, "GET a", nil).Status)
}

func TestTheDoctorNamesEachMissingGrant(t *testing.T) {
	t.Parallel()
	s := realserver.Redis(t)
	run(t, client(t, s), "ACL SETUSER app on >geheim-2 ~* +ping +info +scan")
	target := open(t, connector.Settings{"url": s.URL(), "username": "app", "password": "geheim-2"})
	fixes := map[string]string{}
	for _, c := range target.(connector.Examiner).Examine(within(t, 5e9)) {
		if !c.OK {
			fixes[c.Name] = c.Fix
		}
	}
	require.Equal(t, "ACL SETUSER app +slowlog|len", fixes["may run SLOWLOG LEN"])
	require.Equal(t, "ACL SETUSER app +pttl", fixes["may run PTTL"])
	require.NotContains(t, fixes, "may run SCAN")
	require.NotContains(t, fixes, "reachable")
	down := openURL(t, "redis://127.0.5.3:1")
	checks := down.(connector.Examiner).Examine(within(t, 5e9))
	require.Len(t, checks, 1)
	require.False(t, checks[0].OK)
	require.Contains(t, checks[0].Detail, "refused")
}
