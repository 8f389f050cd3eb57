package logs_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// starts asks a log of lines that are so many seconds old each.
func starts(t *testing.T, lines map[int]string) evidence.Answer {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	for age := 3600; age > 0; age-- {
		if text, ok := lines[age]; ok {
			fmt.Fprintf(&b, "%s INFO shop.main: %s\n", ago(time.Duration(age)*time.Second), text)
		}
	}
	write(t, filepath.Join(dir, "shop.log"), b.String())
	return open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}, dir).Ask(context.Background(), builtin("logs.starts", nil))
}

func TestLinesOfStartsAndReleases(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Listening at: http://127.0.0.1:8000 (812)":                             "restart",
		"Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)":         "restart",
		"Puma starting in cluster mode...":                                      "restart",
		"Started ShopApplication in 4.2 seconds (process running for 5.1)":      "restart",
		"Server listening on port 3000":                                         "restart",
		"Application started. Press Ctrl+C to shut down.":                       "restart",
		"celery@web-1 ready.":                                                   "restart",
		"the shop server has started":                                           "restart",
		"Starting shop-api v1.4.2":                                              "restart 1.4.2",
		"starting shop, version=2.0.1, commit 4f2a9c1":                          "restart 2.0.1",
		"deployed version 1.4.3":                                                "deploy 1.4.3",
		"release v77 rolled out":                                                "deploy 77",
		"Deploy of shop finished":                                               "deploy",
		"rolled back to 1.4.2":                                                  "deploy 1.4.2",
		"rolling out build 4f2a9c1d":                                            "deploy",
		"Booting worker with pid: 812":                                          "",
		"Started server process [812]":                                          "",
		"Started GET \"/orders\" for 198.51.100.7 at 2026-03-01 11:30:00 +0000": "",
		"released 3 connections in 0.2 s":                                       "",
		"order 17 is ready":                                                     "",
		"the job started at 11:30":                                              "",
		"rolled back transaction 4f2a9c1d after a deadlock":                     "",
		"released memory 10.5 MB":                                               "",
		"deploying shop image shop:4f2a9c1":                                     "deploy",
	} {
		answer := starts(t, map[int]string{300: text, 200: "GET /items 200"})
		if want == "" {
			require.Equal(t, evidence.NoData, answer.Status, text)
			continue
		}
		rows := list(t, answer)
		require.Len(t, rows, 1, text)
		row := rows[0].(map[string]any)
		got := row["kind"].(string)
		if version, ok := row["version"].(string); ok {
			got += " " + strings.TrimPrefix(version, "v")
		}
		require.Equal(t, want, got, text)
		require.Equal(t, float64(noon.Add(-300*time.Second).Unix()), row["at"], text)
	}
}

func TestStartsOfAServer(t *testing.T) {
	t.Parallel()
	rows := list(t, starts(t, map[int]string{
		3000: "Starting shop v1.4.2", 2998: "Server listening on port 3000", 2990: "Server listening on port 3001",
		1800: "Starting gunicorn 20.1.0", 1799: "Starting shop v1.4.2",
		1200: "Starting shop v1.4.2", 610: "Starting shop v1.4.2", 600: "Starting shop v1.4.3", 599: "Server listening on port 3000",
	}))
	var told []string
	for _, row := range rows {
		row := row.(map[string]any)
		told = append(told, fmt.Sprintf("%s %v %v", row["kind"], noon.Unix()-int64(row["at"].(float64)), row["detail"]))
	}
	require.Equal(t, []string{"deploy 600 Starting shop v1.4.3", "restart 610 Starting shop v1.4.2", "restart 1200 Starting shop v1.4.2", "restart 1800 Starting gunicorn 20.1.0", "restart 3000 Starting shop v1.4.2"}, told, "of two versions, the second was brought; of one start, one line")
}
