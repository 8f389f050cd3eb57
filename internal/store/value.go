package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/quellhq/quell/internal/incident"
)

// Set implements incident.Store.
func (s *Store) Set(ctx context.Context, name, value, by, why string) error {
	what := "set " + name
	err := firstError(
		checkText("its name", name, 1, maxName), checkText("its value", value, 0, MaxValue),
		checkText("who sets it", by, 1, maxName), checkText("the reason", why, 0, maxTitle),
	)
	if err != nil {
		return fmt.Errorf("set a value: %w", err)
	}
	query, args := "DELETE FROM settings WHERE name = $1", []any{name}
	if value != "" {
		query = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
		args = append(args, value)
	}
	return s.change(ctx, what, func(ctx context.Context, t *tx) error {
		if err := t.lock(ctx); err != nil {
			return err
		}
		if _, err := t.conn.ExecContext(ctx, query, args...); err != nil {
			return err
		}
		return t.seal(ctx, []incident.Entry{{
			At: s.now(), Kind: incident.EntrySet, Name: name, By: by, Why: why, Digest: incident.ValueDigest(value),
		}})
	})
}

// Get implements incident.Store.
func (s *Store) Get(ctx context.Context, name string) (value string, err error) {
	err = s.look(ctx, "get "+name, func(ctx context.Context, conn *sql.Conn) error {
		_, err := one(ctx, conn, []any{&value}, "SELECT value FROM settings WHERE name = $1", name)
		return err
	})
	return value, err
}

// Values returns all values by name.
func (s *Store) Values(ctx context.Context) (values map[string]string, err error) {
	err = s.look(ctx, "list the values", func(ctx context.Context, conn *sql.Conn) error {
		values = map[string]string{}
		return each(ctx, conn, func(rows *sql.Rows) error {
			var name, value string
			err := rows.Scan(&name, &value)
			values[name] = value
			return err
		}, "SELECT name, value FROM settings")
	})
	return values, err
}
