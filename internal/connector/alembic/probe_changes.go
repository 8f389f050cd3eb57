package alembic

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func changesSpec() probe.Spec {
	return probe.Spec{
		Name:     "alembic.changes",
		Question: "When did its newest migrations come to lie here?",
		Why:      "A migration is a deploy of its own: it breaks the code of before, or the code of after when it has not run.",
		Cost:     "one walk over the project's directories of versions; Alembic is not run",
		Shape:    probe.Rows,
		Fields:   probe.ChangeFields(),
		Outcomes: []probe.Outcome{
			{When: "a row shortly before the onset", Means: "a migration came here; alembic.current says whether it has run"},
		},
		Changes: probe.ChangeRows(probe.Migration), Timeline: true,
	}
}

// mostScripts bounds how many files are looked at.
const mostScripts = 5000

// written lists the files of migrations with the moment at which each was written.
func (t *Target) written(ctx context.Context) evidence.Answer {
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return connector.Failure("look at "+t.cfg.dir, err)
	}
	defer leave()
	if _, err := os.Stat(t.cfg.dir); err != nil {
		return connector.Failure("look at "+t.cfg.dir, err)
	}
	rows := []any{}
	seen := 0
	err = filepath.WalkDir(t.cfg.dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return nil // one directory that may not be read hides only itself
		case d.IsDir():
			if strings.HasPrefix(d.Name(), ".") && name != t.cfg.dir || d.Name() == "node_modules" || d.Name() == "venv" || d.Name() == "site-packages" || d.Name() == "__pycache__" {
				return fs.SkipDir
			}
			return nil
		}
		if seen++; seen > mostScripts {
			return fs.SkipAll
		}
		if filepath.Base(filepath.Dir(name)) != "versions" || filepath.Ext(name) != ".py" {
			return nil
		}
		if info, err := d.Info(); err == nil {
			rows = append(rows, map[string]any{
				"at": float64(info.ModTime().UnixMilli()) / 1000, "kind": probe.Migration, "what": d.Name(), "detail": "the migration was written here",
			})
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.SkipAll) {
		return connector.Failure("look at "+t.cfg.dir, err)
	}
	return evidence.Of(rows)
}
