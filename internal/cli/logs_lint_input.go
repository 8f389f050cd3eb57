package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/quellhq/quell/internal/app"
)

// queries are what is to be linted: the first argument is a query, a runbook or
// standard input; further runbooks may follow, and logs after a query.
func (l *logsLinting) queries(s streams, args []string) (queries []app.FenceQuery, files []string, err error) {
	first := args[0]
	if first == "-" {
		text, err := io.ReadAll(io.LimitReader(s.in, 1<<20))
		if err != nil {
			return nil, nil, &exit{exitUsage, fmt.Errorf("logs lint: read standard input: %w", err)}
		}
		if strings.TrimSpace(string(text)) == "" {
			return nil, nil, usage("logs lint: standard input holds no query")
		}
		return []app.FenceQuery{{Text: strings.TrimRight(string(text), "\r\n")}}, args[1:], nil
	}
	if info, err := os.Stat(first); err == nil && info.IsDir() {
		runbooks, err := filepath.Glob(filepath.Join(first, "*.md"))
		if err != nil || len(runbooks) == 0 {
			return nil, nil, usage("logs lint: there is no runbook in %s: they are Markdown files, NAME.md", first)
		}
		args = append(runbooks, args[1:]...)
		first = args[0]
	}
	if !strings.HasSuffix(first, ".md") {
		if isFile(first) {
			return nil, nil, usage("logs lint: %s is neither a query nor a runbook: runbooks are Markdown files, NAME.md", first)
		}
		return []app.FenceQuery{{Text: first}}, args[1:], nil
	}
	for i, arg := range args {
		if !strings.HasSuffix(arg, ".md") {
			return queries, args[i:], nil
		}
		found, err := app.FenceQueries(arg)
		if err != nil {
			return nil, nil, usage("logs lint: %w", noFile(err))
		}
		queries = append(queries, found...)
	}
	if len(queries) == 0 {
		return nil, nil, usage("logs lint: there is no logql fence in %s", strings.Join(args, ", "))
	}
	return queries, nil, nil
}
