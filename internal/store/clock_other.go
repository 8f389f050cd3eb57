//go:build !linux

package store

import (
	"context"
	"database/sql"
)

// bootEra is empty where we know of no clock that all processes share and that
// the date does not move.
func bootEra() string { return "" }

// clock implements engine by the wall clock: a jump forward may pass a lease.
func (e *sqliteEngine) clock(context.Context, *sql.Conn) (instant, error) {
	wall := e.now()
	return instant{us: wall.UnixMicro(), wall: wall}, nil
}
