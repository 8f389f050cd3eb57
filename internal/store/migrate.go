package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/incident"
)

// The steps of the schema, 0001_… first, each one text for both databases. A
// step that was released is never edited: the next change is the next file.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables up to the last step, all of it or nothing.
func (s *Store) migrate(ctx context.Context) error {
	steps, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return err
	}
	// Where this fails there are no tables yet, or there is no database; in
	// either case the next transaction finds out.
	version, err := s.version(ctx)
	if err != nil || version < len(steps) {
		err = s.change(ctx, "set up the incident store", func(ctx context.Context, t *tx) error {
			version, err = t.climb(ctx, steps)
			return err
		})
	}
	if err == nil && version > len(steps) {
		err = fmt.Errorf("open the incident store: %w: %s was written by a newer quell (its tables are at step %d, this quell knows %d): use that one",
			incident.ErrUnavailable, s.engine.where(), version, len(steps))
	}
	return err
}

const versionQuery = "SELECT coalesce(max(version), 0) FROM schema_version"

func (s *Store) version(ctx context.Context) (version int, err error) {
	err = s.look(ctx, "open the incident store", func(ctx context.Context, conn *sql.Conn) error {
		_, err := one(ctx, conn, []any{&version}, versionQuery)
		return err
	})
	return version, err
}

// climb takes the steps that are missing, and returns on which it stands.
func (t *tx) climb(ctx context.Context, steps []string) (version int, err error) {
	if err := t.store.engine.prepare(ctx, t.conn); err != nil {
		return 0, err
	}
	if _, err := t.conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)"); err != nil {
		return 0, err
	}
	if _, err := one(ctx, t.conn, []any{&version}, versionQuery); err != nil {
		return 0, err
	}
	for version < len(steps) {
		name := steps[version]
		version++
		if n, err := strconv.Atoi(strings.SplitN(path.Base(name), "_", 2)[0]); err != nil || n != version {
			return 0, fmt.Errorf("%s is not step %d", name, version)
		}
		text, err := migrations.ReadFile(name)
		if err != nil {
			return 0, err
		}
		if _, err := t.conn.ExecContext(ctx, string(text)); err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		if _, err := t.conn.ExecContext(ctx, "INSERT INTO schema_version (version) VALUES ($1)", version); err != nil {
			return 0, err
		}
	}
	return version, nil
}
