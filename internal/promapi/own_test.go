package promapi_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/promapi"
)

func TestReadFiguresOfAPage(t *testing.T) {
	page := "# HELP prometheus_sent_total x\n# TYPE prometheus_sent_total counter\n" +
		`prometheus_sent_total{alertmanager="http://a\"b\\c/api",other="}"} 12` + "\n" +
		"prometheus_sent_total{alertmanager=\"two\"} 3 1700000000000\n" +
		"prometheus_ok 1\nprometheus_quantile NaN\nprometheus_broken{\nelse 4\n"
	list := promapi.ReadFigures(page, "prometheus_")
	require.Len(t, list, 3)
	require.Equal(t, map[string]string{"alertmanager": `http://a"b\c/api`, "other": "}"}, list[0].Labels)
	sum, found := promapi.Total(list, "prometheus_sent_total")
	require.True(t, found)
	require.Equal(t, 15.0, sum)
	_, found = promapi.Total(list, "prometheus_quantile")
	require.False(t, found)
}
