package config_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/config"
	"github.com/quellhq/quell/internal/connector/all"
	"github.com/quellhq/quell/internal/policy"
)

// The page on policy shows a configuration, and what comes of it: both are so.
func TestThePageOnPolicy(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/policy.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(string(page))
	require.NotNil(t, block)
	env := func(name string) (string, bool) {
		return map[string]string{"DATABASE_URL": "postgres://h/d", "REDIS_URL": "redis://h"}[name], true
	}
	c, err := config.Parse(config.Options{Kinds: all.Kinds(), Env: env}, "quell.yaml", []byte(block[1]))
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	require.Empty(t, c.Missing())

	rows := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 7 || !strings.Contains(cells[0], ".") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows++
		require.Equal(t, cells[6], needs(policy.Decide(c.Policy, asked(t, c, cells))), line)
	}
	require.Greater(t, rows, 10)
}

// asked is the ask of one row.
func asked(t *testing.T, c config.Config, cells []string) policy.Ask {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	at, err := time.ParseInLocation("2006-01-02 15:04", cells[3], berlin)
	require.NoError(t, err)
	blast, err := strconv.ParseInt(cells[4], 10, 64)
	require.NoError(t, err)
	verified, err := strconv.Atoi(cells[5])
	require.NoError(t, err)
	a := policy.Ask{
		Subject: policy.Subject{Action: cells[0], Risk: action.Risk(cells[1]), Service: cells[2], Target: "orders-db"},
		Now:     at, Blast: blast, Record: policy.TrackRecord{Verified: verified}, Requester: "carol",
	}
	for _, s := range c.Services {
		if s.Name == cells[2] {
			a.Environment = s.Environment
		}
	}
	require.NotEmpty(t, a.Environment, "there is no service %s", cells[2])
	return a
}

func needs(d policy.Decision) string {
	of := " of " + strings.Join(d.Approvers, ", ")
	switch {
	case d.Refused != "":
		return "refused: " + d.Refused
	case d.Autonomy == policy.Auto:
		return "by itself"
	case d.Need == policy.Two:
		return "two" + of
	case d.Need == policy.One:
		return "one" + of
	}
	return string(d.Need)
}
